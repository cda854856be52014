package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// askEvery is the pause between two looks.
const askEvery = 100 * time.Millisecond

// listed is what `txc list --state in-doubt` says.
type listed struct {
	Transactions []procs.Tx `json:"transactions"`
	InDoubt      []struct {
		Participant string `json:"participant"`
		ID          string `json:"id"`
		Since       string `json:"since"`
	} `json:"in_doubt"`
	Unreachable []string `json:"unreachable"`
}

// settle waits until nothing is in doubt anywhere; an error if that takes longer than it may.
func (c *Campaign) settle(ctx context.Context, up time.Time) error {
	took, err := Settle(ctx, c.Cluster, up, c.SettleLimit)
	c.slow = max(c.slow, took)
	return errors.Join(err, Reconciled(ctx, c.Cluster))
}

// Reconciled is an error unless the log and what all participants can show agree.
func Reconciled(ctx context.Context, cluster *procs.Cluster) error {
	r := procs.RunContext(ctx, cluster.TxcPath(), "", cluster.Args("reconcile")...)
	if r.Code != 0 && ctx.Err() == nil {
		return fmt.Errorf("log and stores do not agree: reconcile ends with %d: %.4000s%s", r.Code, r.Stdout, r.Stderr)
	}
	return nil
}

// Settle asks until no branch is in doubt at any participant, all of which could be asked, and nothing decided is
// unfinished at the coordinator. It says how long that took from `up` on; an error if it took longer than limit.
func Settle(ctx context.Context, cluster *procs.Cluster, up time.Time, limit time.Duration) (time.Duration, error) {
	for {
		r := procs.RunContext(ctx, cluster.TxcPath(), "", cluster.Args("list", "--state", "in-doubt")...)
		var l listed
		err := r.JSON(&l)
		asked := time.Since(up) - r.Took // what it shows held at that time at the latest
		if err == nil && r.Code == 0 && len(l.InDoubt) == 0 && len(l.Transactions) == 0 && len(l.Unreachable) == 0 {
			return asked, nil
		}
		if asked > limit {
			return asked, fmt.Errorf("%v after all are up, not everything is settled: code %d: %.2000s%s", asked.Round(time.Millisecond), r.Code, r.Stdout, r.Stderr)
		}
		if err := pause(ctx, askEvery); err != nil {
			return asked, err
		}
	}
}

// askedByCLI is how many transfers of a round are asked for with the command; the rest goes over the client's connection,
// which is faster by far.
const askedByCLI = 20

// resolve asks for every transfer whose end was not heard: with everything up there is an answer.
func (c *Campaign) resolve(ctx context.Context) error {
	var all error
	unknown := c.Book.Unknown()
	c.asked += len(unknown)
	for i, e := range unknown {
		what := cliAnswer(ctx, c.Cluster)
		if i >= askedByCLI && c.Library != nil {
			what = c.Library.answer(ctx)
		}
		heard, err := askBoth(ctx, what, e)
		all = errors.Join(all, err)
		c.Book.Settle(e, heard)
	}
	return all
}

// Ask asks what became of a transfer, by its id where that is known, and by its key.
func Ask(ctx context.Context, cluster *procs.Cluster, e *Entry) (Heard, error) {
	return askBoth(ctx, cliAnswer(ctx, cluster), e)
}

// answer asks once, by id or by key: the outcome, whether it is an answer at all, and what was said.
type answer func(id, key string) (h Heard, ok bool, said string)

func askBoth(ctx context.Context, what answer, e *Entry) (Heard, error) {
	byKey, err := ask(ctx, what, "", e.Key)
	if err != nil || e.ID == "" {
		return byKey, err
	}
	byID, err := ask(ctx, what, e.ID, "")
	if err != nil {
		return Unknown, err
	}
	if byID == Committed && byKey != Committed {
		return Unknown, fmt.Errorf("%s: committed by its id %s, but %s by its key", e.Key, e.ID, byKey)
	}
	return byKey, nil
}

// ask asks until there is an answer: what a client did not wait for may still be running.
func ask(ctx context.Context, what answer, id, key string) (Heard, error) {
	for began := time.Now(); ; {
		h, ok, said := what(id, key)
		if ok {
			return h, nil
		}
		if time.Since(began) > settleLimit {
			return Unknown, fmt.Errorf("%s%s: with everything up nobody knows: %s", id, key, said)
		}
		if err := pause(ctx, askEvery); err != nil {
			return Unknown, err
		}
	}
}

// cliAnswer asks with `txc show`.
func cliAnswer(ctx context.Context, cluster *procs.Cluster) answer {
	return func(id, key string) (Heard, bool, string) {
		args := []string{"show", "--key", key}
		if id != "" {
			args = []string{"show", id}
		}
		r := procs.RunContext(ctx, cluster.TxcPath(), "", cluster.Args(args...)...)
		var tx procs.Tx
		said := fmt.Sprintf("txc %v: code %d: %s%s", args, r.Code, r.Stdout, r.Stderr)
		if err := r.JSON(&tx); err != nil {
			return Unknown, false, said
		}
		code := ""
		if tx.Reason != nil {
			code = tx.Reason.Code
		}
		h, ok := meaning(tx.Outcome, tx.ID, code)
		return h, ok, said
	}
}

// meaning is what an outcome says of a transfer. That no committed transaction has a key, and none is under way, is an
// answer too.
func meaning(outcome, id, code string) (Heard, bool) {
	switch {
	case outcome == "committed":
		return Committed, true
	case outcome == "aborted", outcome == "unknown" && id == "" && code == "not_found":
		return Aborted, true
	default:
		return Unknown, false
	}
}

// unlocked waits until no lock is left: a client may hear of an abort before the last participant has.
func (c *Campaign) unlocked(ctx context.Context) error {
	for began := time.Now(); ; {
		all, err := Participants(ctx, c.Cluster)
		if err != nil {
			return err
		}
		left := slices.IndexFunc(all, func(p Participant) bool {
			return p.Check == nil || p.Check.InDoubt != 0 || p.Check.Locks != 0 || p.State != "heard"
		})
		if left < 0 {
			return nil
		}
		if time.Since(began) > settleLimit {
			p := all[left]
			return fmt.Errorf("something is left at %s: it is %s, and says %+v", p.Name, p.State, p.Check)
		}
		if err := pause(ctx, askEvery); err != nil {
			return err
		}
	}
}

// Participant is one as `txc participants` shows it.
type Participant struct {
	Name  string  `json:"name"`
	State string  `json:"state"`
	Load  int     `json:"load"`
	Check *Health `json:"check"`
}

// Health is what a participant says of its store.
type Health struct {
	InDoubt int `json:"in_doubt"`
	Locks   int `json:"locks"`
}

// Participants asks for all of them: an error unless each of the cluster is there.
func Participants(ctx context.Context, cluster *procs.Cluster) ([]Participant, error) {
	r := procs.RunContext(ctx, cluster.TxcPath(), "", cluster.Args("participants")...)
	var all struct {
		Participants []Participant `json:"participants"`
	}
	if err := r.JSON(&all); err != nil || r.Code != 0 {
		return nil, fmt.Errorf("participants: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if len(all.Participants) != len(cluster.Participants) {
		return nil, fmt.Errorf("participants: %d are listed, of %d: %s", len(all.Participants), len(cluster.Participants), r.Stdout)
	}
	return all.Participants, nil
}

// registeredLimit bounds a first registration.
const registeredLimit = 20 * time.Second

// Registered waits until every participant has been heard.
func Registered(ctx context.Context, cluster *procs.Cluster) error {
	began := time.Now()
	for {
		all, err := Participants(ctx, cluster)
		heard := 0
		for _, p := range all {
			if p.State == "heard" {
				heard++
			}
		}
		if err == nil && heard == len(cluster.Participants) {
			return nil
		}
		if time.Since(began) > registeredLimit {
			return fmt.Errorf("after %v not every participant is heard: %+v: %w", registeredLimit, all, err)
		}
		if err := pause(ctx, askEvery); err != nil {
			return err
		}
	}
}

// shownWrong is how many lines of an audit a failure shows.
const shownWrong = 20

// Audit waits until nothing is in doubt, kills everything, and compares the stores with the book.
func Audit(t testing.TB, cluster *procs.Cluster, book *Book) {
	t.Helper()
	if _, err := Settle(t.Context(), cluster, time.Now(), settleLimit); err != nil {
		t.Error(err)
	}
	cluster.KillAll()
	stores := map[string]procs.Dump{}
	for _, name := range cluster.Names() {
		stores[name] = cluster.ReadDump(t, name)
	}
	for i, wrong := range book.Audit(stores) {
		if i < shownWrong {
			t.Error(wrong)
		}
	}
}
