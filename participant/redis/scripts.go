package redis

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"net"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// The scripts' parts.
var (
	//go:embed lua/common.lua
	commonPart string
	//go:embed lua/commands.lua
	commandsPart string
	//go:embed lua/prepare.lua
	preparePart string
	//go:embed lua/finish.lua
	finishPart string
	//go:embed lua/notebook.lua
	notebookPart string
	//go:embed lua/open.lua
	openPart string
	//go:embed lua/guarded.lua
	guardedPart string
)

// A promise is not begun without memory. What ends one, or notes something, may use more than maxmemory.
const (
	begins = "#!lua\n"
	ends   = "#!lua flags=allow-oom\n"
)

var (
	preparing = driver.NewScript(begins + commonPart + commandsPart + preparePart)
	finishing = driver.NewScript(ends + commonPart + finishPart)
	noting    = driver.NewScript(ends + commonPart + notebookPart)
	opening   = driver.NewScript(ends + openPart)
	guarding  = driver.NewScript(begins + guardedPart)
)

// reply is what a script answers: a word, and what belongs to it.
type reply struct {
	word string
	more []any
}

// text is one of the texts of a reply; "" if it has none there.
func (r reply) text(i int) string {
	if i >= len(r.more) {
		return ""
	}
	s, _ := r.more[i].(string) // nil: none
	return s
}

// evaluate runs a script and keeps the stamp that it tells. An error says nothing of what was done.
func (s *Store) evaluate(ctx context.Context, script *driver.Script, keys []string, args ...any) (reply, error) {
	all, err := script.Run(ctx, s.db, keys, args...).Slice() // sends it whole where the server does not know it
	if err != nil {
		return reply{}, err
	}
	if len(all) < 2 {
		return reply{}, fmt.Errorf("an answer of %d parts", len(all))
	}
	word, isText := all[0].(string)
	stamp, isNumber := all[1].(int64)
	if !isText || !isNumber {
		return reply{}, fmt.Errorf("an answer of %T and %T", all[0], all[1])
	}
	r := reply{word, all[2:]}
	if word == "stopped" {
		return r, fmt.Errorf("%w: participant %s: %s", txc.ErrStopped, s.o.Name, r.text(0))
	}
	for told := uint64(stamp); ; {
		if last := s.stamp.Load(); last >= told || s.stamp.CompareAndSwap(last, told) {
			return r, nil
		}
	}
}

// run runs a script about one branch.
func (s *Store) run(ctx context.Context, script *driver.Script, b participant.Branch, keys []string, args ...any) (reply, error) {
	coordinator, seen := witness(b.Seen)
	first := []any{s.instance, s.stamp.Load(), sortable(b.ID) + txc.FormatMark(b.Mark), b.Name(), coordinator, seen}
	return s.evaluate(ctx, script, append(s.own(b.Name()), keys...), append(first, args...)...)
}

// note runs a verb of the notebook.
func (s *Store) note(ctx context.Context, verb string, args ...any) error {
	first := []any{s.instance, s.stamp.Load(), "", "", "", "", verb}
	_, err := s.evaluate(ctx, noting, s.own(""), append(first, args...)...)
	return err
}

// lockKey is where the locks of a database are, whichever participant's.
const lockKey = "txc:locks"

// own are the keys with which those of every script begin.
func (s *Store) own(branch string) []string {
	return []string{s.key("memory"), s.key("doubt"), s.key("ended"), lockKey, branch}
}

// sortable writes an id so that texts sort as ids do.
func sortable(id txc.ID) string {
	return fmt.Sprintf("%08x%08x%016x", id.Coordinator, id.Epoch, id.Sequence)
}

// parseSortable reads an id and its mark.
func parseSortable(s string) (id txc.ID, mark uint64, err error) {
	_, err = fmt.Sscanf(s, "%08x%08x%016x%016x", &id.Coordinator, &id.Epoch, &id.Sequence, &mark)
	if err != nil || sortable(id)+txc.FormatMark(mark) != s {
		return id, mark, fmt.Errorf("%q is no id with its mark", s)
	}
	return id, mark, nil
}

// witness writes one so that texts sort as epochs do, and LSNs; empty for none.
func witness(w participant.Seen) (coordinator, seen string) {
	if w == (participant.Seen{}) {
		return "", ""
	}
	return fmt.Sprintf("%08x", w.Coordinator), fmt.Sprintf("%08x %016x %016x", w.Epoch, w.Mark, w.LSN)
}

// parseWitness reads what witness wrote.
func parseWitness(coordinator, seen string) (w participant.Seen, err error) {
	_, err = fmt.Sscanf(coordinator+" "+seen, "%08x %08x %016x %016x", &w.Coordinator, &w.Epoch, &w.Mark, &w.LSN)
	if c, again := witness(w); err != nil || c != coordinator || again != seen {
		return w, fmt.Errorf("%q of %q is no witness", seen, coordinator)
	}
	return w, nil
}

// answered reports that the server itself said no to a request.
func answered(err error) bool {
	var e driver.Error
	return errors.As(err, &e) && !errors.Is(err, driver.Nil)
}

// unsent reports that a request certainly never left.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
