package participant_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// bubble runs a test with virtual time, in which nothing may be left running.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestPromiseSurvivesARestart(t *testing.T) { // P1, P2, P10
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		o := newOffice(t)
		a := open(t, toyAt(t, dir), participant.Options{}, o)
		first := o.dial(a)
		o.prepare(a, 1, "alice=30")
		if v := expect[protocol.Vote](o); v.Vote != txc.Yes {
			t.Fatalf("vote %v", v)
		}
		shut(t, a)
		if up := <-o.up; up {
			t.Error("the link was not told that the agent has ended")
		}

		toy := toyAt(t, dir)
		o.decide(txc.Committed)
		a = open(t, toy, participant.Options{}, o) // nobody dials it: it asks by itself
		for toy.Value("alice") == "" {
			<-time.After(100 * time.Millisecond) // virtual
		}
		if welcome := o.dial(a); welcome.Incarnation == first.Incarnation || welcome.Instance != first.Instance || len(welcome.Seen) != 1 {
			t.Errorf("P4, P12, C6: %+v after %+v", welcome, first)
		}
		o.say(1, protocol.Commit{})
		if f := expect[protocol.Fated](o); f.Fate != txc.CommittedBefore {
			t.Errorf("P4: a repeated Commit: %v", f)
		}
		shut(t, a)

		a = open(t, toyAt(t, dir), participant.Options{}, o)
		o.dial(a)
		o.say(1, protocol.Commit{})
		if f := expect[protocol.Fated](o); f.Fate != txc.CommittedBefore {
			t.Errorf("P7: a repeated Commit after a restart: %v", f)
		}
		shut(t, a)
	})
}

func TestUnfitStoreIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		store := &hooked{Toy: toyAt(t, dir), report: participant.Report{Findings: []participant.Finding{
			{Name: "no-sync", Severity: "refuse", Text: "writes are not synced"}, {Name: "old", Severity: "warn"},
		}}}
		if _, err := participant.Open(t.Context(), store, nil, participant.Options{Name: "toy", Logger: quietly}); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("opened: %v", err)
		}
		store.Toy = toyAt(t, dir) // an agent that does not open closes its store
		a := open(t, store, participant.Options{Waive: []string{"no-sync"}})
		report, err := a.Check(t.Context())
		if err != nil || !report.Findings[0].Waived || report.Findings[1].Waived {
			t.Errorf("check: %+v, %v", report, err)
		}
		shut(t, a)
	})
}

func TestOpenWritesTheNotebookAgain(t *testing.T) { // P10
	bubble(t, func(t *testing.T) {
		written := 0
		store := &hooked{Toy: toyAt(t, t.TempDir()), before: func(_ context.Context, deed string, _ participant.Branch) error {
			if deed == "remember" {
				written++
			}
			return nil
		}}
		a := open(t, store, participant.Options{})
		if written != 1 {
			t.Errorf("written %d times", written)
		}
		shut(t, a)
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]participant.Options{
		"no name": {}, "a bad name": {Name: "A"}, "a bad cluster": {Name: "a", Cluster: "!"},
		"too few workers": {Name: "a", Workers: 1}, "a pause below zero": {Name: "a", InquireEvery: -1}, "too long a pause": {Name: "a", InquireEvery: time.Minute},
	} {
		o.Logger = quietly
		if _, err := participant.Open(t.Context(), toyAt(t, t.TempDir()), nil, o); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRegistersUntilItSucceeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		o.refuse = 20
		start := time.Now()
		a := open(t, toyAt(t, t.TempDir()), participant.Options{}, o)
		for n := 0; n == 0; n, _ = o.counts() {
			<-time.After(50 * time.Millisecond) // virtual
		}
		if took := time.Since(start); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("20 refusals took %v: a pause is 1 s at the most", took)
		}
		o.dial(a)
		o.link.Close() // it may have started anew, empty: it is told again
		synctest.Wait()
		if n, _ := o.counts(); n != 2 {
			t.Errorf("registered %d times", n)
		}
		shut(t, a)
	})
}

func TestQuestionsGoOverTheLinkOrAlone(t *testing.T) { // P2
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		a := open(t, toyAt(t, t.TempDir()), participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		if q := expect[protocol.Inquiry](o); !slices.Equal(q.Members, []string{"toy"}) {
			t.Errorf("inquiry %+v", q)
		}
		o.link.Close()
		<-time.After(20 * time.Second) // virtual
		if _, asked := o.counts(); asked < 3 || asked > 8 {
			t.Errorf("asked %d times in 20 s", asked)
		}
		o.dial(a)
		expect[protocol.Inquiry](o) // at once
		o.say(1, protocol.Answer{Outcome: txc.Aborted})
		synctest.Wait()
		if list, err := o.link.InDoubt(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("in doubt: %v, %v", list, err)
		}
		shut(t, a)
	})
}

func TestStoreThatStopsEndsTheAgent(t *testing.T) { // P11
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		store.before = func(_ context.Context, deed string, _ participant.Branch) error {
			if deed == "commit" {
				return errors.Join(txc.ErrStopped, errors.New("input/output error"))
			}
			return nil
		}
		o := newOffice(t)
		a := open(t, store, participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		o.say(1, protocol.Commit{})
		if err := <-a.Failed(); !errors.Is(err, txc.ErrStopped) {
			t.Errorf("failed: %v", err)
		}
		if <-o.up {
			t.Error("the link is still there")
		}
		if len(o.heard) > 0 {
			t.Errorf("it said %v", <-o.heard)
		}
		if _, err := a.Settle(t.Context(), txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1}, 0, txc.Aborted, "ann", "why"); !errors.Is(err, txc.ErrStopped) {
			t.Errorf("settle: %v", err)
		}
		if o.link.Send([]participant.Message{{From: o.us, Body: protocol.Hello{}}}) {
			t.Error("it still takes messages")
		}
		shut(t, a)
		shut(t, a)
	})
}

func TestSettleByHand(t *testing.T) { // H2, H4
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		toy := toyAt(t, t.TempDir())
		a := open(t, toy, participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		id := txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1}
		if fate, err := a.Settle(t.Context(), id, 0, txc.Committed, "ann", "the log is lost"); err != nil || fate != txc.CommittedNow {
			t.Fatalf("settle: %v, %v", fate, err)
		}
		if toy.Value("alice") != "30" {
			t.Error("nothing was applied")
		}
		if q := expect[protocol.Inquiry](o); q.Settled != txc.CommittedBefore || q.Why.Text != "ann: the log is lost" {
			t.Errorf("inquiry %+v", q)
		}
		if _, err := a.Settle(t.Context(), id, 70, txc.Aborted, "bob", "late"); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("settled twice: %v", err)
		}
		var refusal *txc.Refusal
		if _, err := a.Settle(t.Context(), txc.ID{Coordinator: 1, Epoch: 7, Sequence: 99}, 0, txc.Aborted, "bob", "late"); !errors.Is(err, txc.ErrNotFound) || !errors.As(err, &refusal) {
			t.Errorf("a branch that is not here, and is certainly not: %v", err)
		}
		list, err := o.link.InDoubt(t.Context())
		if err != nil || len(list) != 1 || list[0].Settled != txc.CommittedBefore {
			t.Errorf("in doubt: %+v, %v", list, err)
		}
		o.say(1, protocol.Answer{Outcome: txc.Aborted, Recorded: true, Acknowledged: true})
		synctest.Wait()
		if list, err := o.link.InDoubt(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("in doubt after the acknowledgement: %+v, %v", list, err)
		}
		shut(t, a)
	})
}
