package disk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// ways are those in which a change fails. A full disk stays full until a person has made room; a broken one may fail
// once and seem to work again.
var ways = []faultfs.Fault{
	{Err: syscall.EIO}, {Err: syscall.EIO, ForEver: true}, {Err: syscall.ENOSPC, ForEver: true},
}

// at once: a victim mostly waits for its disk.
const triedAtOnce = 2

// Change N fails, for every N of a recorded run: the store fails for good (C3, P11), its Close is bounded (B7), and a
// healthy disk shows everything that was told, or the store is refused.
func TestFailingWritesAndSyncs(t *testing.T) {
	suite.Need(t, fuseNeeded())
	o, draw := begin(t)
	for _, kind := range kinds {
		d, err := live(t.Context(), kind, faultfs.Fault{})
		if err != nil {
			t.Fatal(err)
		}
		changes := slices.DeleteFunc(d.Ops(), func(o faultfs.Op) bool { return o.Kind == faultfs.Note })
		var faults []faultfs.Fault
		for _, way := range ways {
			for _, n := range sampled(draw, len(changes), map[suite.Size]int{suite.Small: 3, suite.CI: 7}) {
				way.At = n
				faults = append(faults, way)
			}
		}
		tryAll(t, o, kind, faults, draw)
	}
}

func tryAll(t *testing.T, o *suite.Outcome, kind string, faults []faultfs.Fault, draw *rand.Rand) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(triedAtOnce)
	for _, f := range faults {
		rng := rand.New(rand.NewPCG(draw.Uint64(), 0))
		group.Go(func() error {
			r, err := try(ctx, kind, f, rng)
			mu.Lock()
			defer mu.Unlock()
			for name, n := range r.figures {
				o.Figures[name] += n
			}
			o.Notes = append(o.Notes, r.remarks...)
			if err != nil {
				t.Errorf("%s: %v", again(t, "%s: %v", kind, f), err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// stopped counts failures after which the store wrote nothing any more.
const stopped = "failures that stopped the store"

// trial is what came of one victim's life.
type trial struct {
	figures map[string]int
	remarks []string // which images were refused, and why
}

// try has one victim live with one fault, and looks at what is left: by the death of the process alone; by a power cut,
// with whatever it tears; and by one as soon as the last word was told, before Close may have saved what it rests on.
func try(ctx context.Context, kind string, f faultfs.Fault, rng *rand.Rand) (r trial, err error) {
	d, err := live(ctx, kind, f)
	if err != nil {
		return r, err
	}
	r.figures = map[string]int{"failed writes and syncs": 1}
	ops := d.Ops()
	said, err := toldBy(faultfs.Notes(ops))
	switch {
	case err != nil:
		return r, err
	case len(said.wrong) > 0:
		return r, fmt.Errorf("the victim says: %q", said.wrong)
	case !d.Struck() || doneBefore(ops, f.At):
		r.figures["failures that came too late"]++
	case said.done:
		return r, fmt.Errorf("it goes on after %v", at(ops, f.At))
	default:
		r.figures[stopped]++
	}
	type cut struct {
		ops  []faultfs.Op
		keep faultfs.Keep
	}
	cuts := []cut{{ops, faultfs.Keep{All: true}}, {ops, faultfs.Keep{}}, {ops[:lastWord(ops)], faultfs.Keep{}}}
	if rng != nil {
		cuts = append(cuts, cut{ops, faultfs.Keep{Rng: rng}})
	}
	for _, c := range cuts {
		r.figures["images"]++
		before, e := toldBy(faultfs.Notes(c.ops))
		if e == nil {
			e = image(c.ops, c.keep, func(dir string) error { return check(ctx, kind, dir, before) })
		}
		if errors.Is(e, txc.ErrRefused) {
			r.figures["images that were refused"]++
			r.remarks = append(r.remarks, fmt.Sprintf("%s, %v (%v), keeping %+v: %v", kind, f, at(ops, f.At), c.keep, e))
		} else if e != nil {
			err = errors.Join(err, fmt.Errorf("power cut behind change %d of %d, keeping %+v: %w", len(c.ops), len(ops), c.keep, e))
		}
	}
	return r, err
}

// lastWord is behind the last change before which everything was told.
func lastWord(ops []faultfs.Op) int {
	for i := len(ops) - 1; i >= 0; i-- {
		word, _, _ := strings.Cut(string(ops[i].Data), " ")
		if ops[i].Kind == faultfs.Note && (word == "acknowledged" || word == "promised" || word == "committed" || word == "aborted") {
			return i + 1
		}
	}
	return len(ops)
}

// doneBefore tells whether the victim had come to its end before the change with this number.
func doneBefore(ops []faultfs.Op, n int) bool {
	for _, o := range ops {
		if o.Kind == faultfs.Note && string(o.Data) == "done\n" {
			return n > 1
		}
		if o.Kind != faultfs.Note {
			n--
		}
		if n == 0 {
			return false
		}
	}
	return false
}

// at is the change with this number.
func at(ops []faultfs.Op, n int) faultfs.Op {
	for _, o := range ops {
		if o.Kind != faultfs.Note {
			n--
		}
		if n == 0 {
			return o
		}
	}
	return faultfs.Op{}
}
