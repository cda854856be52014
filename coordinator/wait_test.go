package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestWaitAppliedAndDecided(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	decided := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", OwnKey: true, Work: work("a", "b"), Wait: coordinator.Decided, Timeout: 3 * time.Second}})
	applied := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", OwnKey: true, Work: work("a", "b")}})
	r.deliver()
	if got := r.answer(decided).Result; got.Outcome != txc.Committed || got.Applied || got.Branches[1].State != "in-doubt" || got.Branches[0].State != "in-doubt" {
		t.Errorf("%+v", got)
	}
	r.unanswered(applied)
	r.now = r.now.Add(2 * time.Second)
	joining := r.begin(coordinator.AskCommit{ID: tx(1, 1)}) // does not make the others wait longer
	if got := r.ask(coordinator.AskCommit{ID: tx(1, 1), Wait: coordinator.Decided}).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	r.unanswered(applied)
	r.now = r.now.Add(time.Second)
	r.step()
	for _, token := range []string{applied, joining} {
		if got := r.answer(token).Result; got.Outcome != txc.Committed || got.Applied || got.Branches[0].State != "committed" || got.Branches[1].State != "in-doubt" {
			t.Errorf("committed, still being applied: %+v", got)
		}
	}
	later := r.begin(coordinator.AskCommit{ID: tx(1, 1)})
	r.unanswered(later)
	r.fakes["b"].mute = nil
	r.pass(10 * time.Second)
	if got := r.answer(later).Result; !got.Applied {
		t.Errorf("%+v", got)
	}
}

func TestDrainRefusesNewOnesAndWaitsForTheUndecided(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	open := r.ask(coordinator.AskBegin{}).Result.ID
	r.fakes["b"].deaf = true
	running := r.begin(run(coordinator.Decided, "a", "b"))
	token := r.begin(coordinator.AskDrain{})
	var ref *txc.Refusal
	for name, a := range map[string]coordinator.Answered{"begin": r.ask(coordinator.AskBegin{}), "run": r.ask(run(coordinator.Applied, "a"))} {
		if !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeDraining || !errors.Is(a.Err, txc.ErrUnavailable) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if s := r.ask(coordinator.AskStatus{}).Status; s.State != "draining" {
		t.Errorf("%+v", s)
	}
	r.fakes["b"].deaf = false
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.deliver()
	if got := r.answer(running).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	r.unanswered(token)
	r.ask(coordinator.AskAbort{ID: open})
	r.answer(token) // one that is only not yet applied is not waited for
}
