package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func fated(fate txc.Fate) func(protocol.Message) (protocol.Fated, bool) {
	return func(protocol.Message) (protocol.Fated, bool) {
		return protocol.Fated{Fate: fate, Reason: txc.Reason{Code: txc.CodeStore, Text: "so it is"}}, true
	}
}

func TestH1_AFateAgainstTheDecisionIsDurableBeforeItIsTold(t *testing.T) {
	for _, c := range []struct {
		fate  txc.Fate
		kind  coordinator.Heuristic
		state string
	}{
		{txc.AbortedBefore, coordinator.Mixed, "heuristic-aborted"},
		{txc.NeverPrepared, coordinator.Hazardous, "hazard"},
		{txc.Hazard, coordinator.Hazardous, "hazard"},
	} {
		t.Run(c.fate.String(), func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["a"].fate = fated(c.fate)
			token := r.begin(run(coordinator.Applied, "a", "b"))
			r.deliverOnce() // prepare, and the decision
			r.holdLog = true
			r.deliverOnce() // commit
			r.unanswered(token)
			r.step(coordinator.Watching{On: true})
			if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.Heuristic != coordinator.NoHeuristic || d.Branches[0].State == c.state {
				t.Errorf("told before it was durable: %+v", d)
			}
			r.write()
			got := r.answer(token).Result
			if got.Outcome != txc.Committed || got.Applied || got.Heuristic != c.kind || got.Branches[0].State != c.state || got.Branches[0].Reason.Text != "so it is" || got.Branches[0].Reason.Participant != "a" {
				t.Errorf("%+v", got)
			}
			if len(r.changed) == 0 || r.changed[len(r.changed)-1].Heuristic != c.kind {
				t.Errorf("watchers saw %+v", r.changed)
			}
			n := len(heardBy[protocol.Commit](r.fakes["a"]))
			r.pass(time.Minute)
			if len(heardBy[protocol.Commit](r.fakes["a"])) != n {
				t.Error("commit is still repeated")
			}
			if len(records[wal.EndBody](r)) != 0 {
				t.Error("its record has ended")
			}
			r.crash(true)
			r.up("a", "b")
			r.pass(time.Minute)
			if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.Heuristic != c.kind || len(d.WaitsFor) == 0 {
				t.Errorf("after a restart: %+v", d)
			}
			if len(heardBy[protocol.Commit](r.fakes["a"])) != n || len(records[wal.HeuristicBody](r)) != 1 {
				t.Error("it was told again")
			}
			if a := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Who: "eve", Why: "seen to"}); a.Err != nil || len(a.Detail.WaitsFor) != 0 {
				t.Errorf("%+v", a)
			}
			r.flush()
			if len(records[wal.EndBody](r)) != 1 {
				t.Error("no end after the acknowledgement")
			}
			if got := outcome(r, tx(1, 1)); got.Outcome != txc.Committed || got.Heuristic != c.kind || got.Applied {
				t.Errorf("afterwards: %+v", got)
			}
		})
	}
}

func TestH1_AMixedTransactionIsCompletedElsewhere(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	r.fakes["a"].fate = fated(txc.AbortedBefore)
	r.fakes["c"].deaf = true
	token := r.begin(run(coordinator.Applied, "a", "b", "c"))
	r.deliver()
	r.fakes["c"].deaf = false
	r.deliverOnce()
	r.fakes["c"].deaf = true
	r.deliver()
	if got := r.answer(token).Result; got.Heuristic != coordinator.Mixed {
		t.Fatalf("at once: %+v", got)
	}
	if a := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Why: "seen"}); a.Err != nil {
		t.Error(a.Err)
	}
	if len(records[wal.EndBody](r)) != 0 {
		t.Error("ended without c")
	}
	n := len(heardBy[protocol.Commit](r.fakes["a"]))
	r.crash(true)
	r.up("a", "b", "c")
	r.pass(10 * time.Second)
	if len(heardBy[protocol.Commit](r.fakes["a"])) != n || len(records[wal.HeuristicBody](r)) != 1 {
		t.Error("a, of which an operator has taken note, is asked again after a restart")
	}
	if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.Heuristic != coordinator.Mixed || len(d.WaitsFor) != 1 || d.WaitsFor[0] != "the acknowledgement of c" {
		t.Errorf("%+v", d)
	}
	r.fakes["c"].deaf = false
	r.pass(10 * time.Second)
	if r.fakes["c"].ended[tx(1, 1)] != txc.CommittedBefore || len(records[wal.EndBody](r)) != 1 {
		t.Error("c was not completed")
	}
}

func TestAReplyOfABranchThatHasAnsweredIsIgnored(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	r.fakes["c"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	token := r.begin(run(coordinator.Decided, "a", "b", "c"))
	r.deliver()
	id := r.answer(token).Result.ID
	r.say("a", protocol.Message{ID: id, Mark: r.mark, Body: protocol.Fated{Fate: txc.NeverPrepared, Reason: txc.Reason{Code: txc.CodeStore, Text: "late"}}})
	d := r.ask(coordinator.AskDetail{ID: id}).Detail
	if d.Heuristic != coordinator.NoHeuristic || d.Branches[0].State != "committed" || !d.Branches[0].Reason.IsZero() {
		t.Errorf("%+v", d)
	}
	if len(records[wal.HeuristicBody](r)) != 0 {
		t.Error("it was recorded")
	}
}

func TestH2_H3_AnOperatorSettlesABranch(t *testing.T) {
	setup := func(t *testing.T) *rig {
		r := newRig(t, coordinator.Options{}, "a", "b")
		r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
		r.begin(run(coordinator.Decided, "a", "b"))
		r.deliver()
		return r
	}
	t.Run("as committed: the waiting ends, the record does not", func(t *testing.T) {
		r := setup(t)
		joined := r.begin(coordinator.AskCommit{ID: tx(1, 1)})
		r.holdLog = true
		settle := r.begin(coordinator.AskResolve{ID: tx(1, 1), Participant: "b", Outcome: txc.Committed, Who: "eve", Why: "burnt down"})
		r.unanswered(settle)
		r.unanswered(joined)
		r.write()
		if a := r.answer(settle); a.Err != nil || a.Detail.State != "ending" {
			t.Errorf("%+v", a)
		}
		if got := r.answer(joined).Result; got.Outcome != txc.Committed || got.Applied {
			t.Errorf("%+v", got)
		}
		body := records[wal.ResolutionBody](r)[0].Body.(wal.ResolutionBody)
		if body.Who != "eve" || body.Why != "burnt down" || body.Participant != "b" {
			t.Errorf("%+v", body)
		}
		if a := r.ask(coordinator.AskResolve{ID: tx(1, 1), Participant: "b", Outcome: txc.Committed}); !errors.Is(a.Err, txc.ErrInvalid) {
			t.Errorf("settled twice: %+v", a)
		}
		r.crash(true)
		r.up("a", "b")
		n := len(heardBy[protocol.Commit](r.fakes["b"]))
		r.pass(time.Minute)
		if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.State != "ending" || len(heardBy[protocol.Commit](r.fakes["b"])) != n {
			t.Errorf("it is waited for again: %+v", d)
		}
		if len(records[wal.EndBody](r)) != 0 {
			t.Error("the record ended")
		}
		if got := r.question("b", tx(1, 1), r.mark-1).Answer.Outcome; got != txc.Committed {
			t.Errorf("C4: its branch hears %v", got)
		}
		r.fakes["b"].mute = nil
		r.cut("b")
		r.up("b") // its own answer ends it
		r.flush()
		if len(records[wal.EndBody](r)) != 1 {
			t.Error("its own answer did not end it")
		}
	})
	t.Run("as aborted: a heuristic", func(t *testing.T) {
		r := setup(t)
		a := r.ask(coordinator.AskResolve{ID: tx(1, 1), Participant: "b", Outcome: txc.Aborted, Who: "eve", Why: "lost"})
		if a.Err != nil || a.Detail.Heuristic != coordinator.Mixed || a.Detail.Branches[1].State != "heuristic-aborted" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("only what waits", func(t *testing.T) {
		r := setup(t)
		for name, ask := range map[string]coordinator.AskResolve{
			"one that has answered":  {ID: tx(1, 1), Participant: "a", Outcome: txc.Committed},
			"one that is no member":  {ID: tx(1, 1), Participant: "zz", Outcome: txc.Committed},
			"as undecided":           {ID: tx(1, 1), Participant: "b", Outcome: txc.Undecided},
			"of another coordinator": {ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, Participant: "b", Outcome: txc.Committed},
		} {
			if a := r.ask(ask); !errors.Is(a.Err, txc.ErrInvalid) {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if a := r.ask(coordinator.AskResolve{ID: tx(1, 9), Participant: "b", Outcome: txc.Committed}); !refused(a.Err, txc.CodeNotFound) {
			t.Errorf("one that was never issued: %v", a.Err)
		}
		r.fakes["b"].deaf = true
		r.begin(run(coordinator.Decided, "a", "b"))
		if a := r.ask(coordinator.AskResolve{ID: tx(1, 2), Participant: "b", Outcome: txc.Committed}); !errors.Is(a.Err, txc.ErrInvalid) {
			t.Errorf("one that is not decided: %+v", a)
		}
	})
}

func TestH4_ABranchSettledAgainstACommitIsRecordedAndTold(t *testing.T) {
	for _, c := range []struct {
		settled txc.Fate
		kind    coordinator.Heuristic
	}{{txc.AbortedBefore, coordinator.Mixed}, {txc.Hazard, coordinator.Hazardous}} {
		t.Run(c.settled.String(), func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
			r.begin(run(coordinator.Decided, "a", "b"))
			r.deliver()
			q := coordinator.Question{Participant: "b", Instance: r.fakes["b"].instance, ID: tx(1, 1), Mark: r.mark, Settled: c.settled, Why: txc.Reason{Text: "by eve"}}
			r.holdLog = true
			token := r.begin(coordinator.AskInquire{Question: q})
			r.unanswered(token)
			r.write()
			if a := r.answer(token).Answer; a.Outcome != txc.Committed || !a.Recorded || a.Acknowledged {
				t.Errorf("%+v", a)
			}
			if a := r.ask(coordinator.AskInquire{Question: q}).Answer; !a.Recorded || a.Acknowledged {
				t.Errorf("asked again: %+v", a)
			}
			if d := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Why: "seen"}).Detail; d.Heuristic != c.kind {
				t.Errorf("%+v", d)
			}
			if a := r.ask(coordinator.AskInquire{Question: q}).Answer; !a.Recorded || !a.Acknowledged {
				t.Errorf("after the acknowledgement: %+v", a)
			}
			r.flush() // the end is durable
			if a := r.ask(coordinator.AskInquire{Question: q}).Answer; !a.Recorded || !a.Acknowledged {
				t.Errorf("after the end: %+v", a)
			}
		})
	}
}

func TestAcknowledgeNeedsAHeuristic(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	for id, code := range map[txc.ID]txc.Code{tx(1, 1): txc.CodeWrongState, tx(1, 2): txc.CodeNotFound, tx(7, 1): txc.CodeNotFound} {
		if a := r.ask(coordinator.AskAcknowledge{ID: id}); !refused(a.Err, code) {
			t.Errorf("%s: %v", id, a.Err)
		}
	}
}
