package coordinator_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func TestH4_CommittedBeforeToAnAbortIsAbortedMixed(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	r.fakes["a"].fate = func(protocol.Message) (protocol.Fated, bool) {
		return protocol.Fated{Fate: txc.CommittedBefore, Reason: txc.Reason{Code: txc.CodeOperator, Text: "by hand"}}, true
	}
	r.holdLog = true
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	for _, d := range r.ask(coordinator.AskList{}).List {
		if d.Heuristic != coordinator.NoHeuristic {
			t.Errorf("told before it was durable: %+v", d)
		}
	}
	r.write()
	heuristics := records[wal.HeuristicBody](r)
	if len(heuristics) != 1 || heuristics[0].Body.(wal.HeuristicBody).Outcome != txc.Aborted || heuristics[0].Body.(wal.HeuristicBody).Participant != "a" {
		t.Fatalf("%+v", heuristics)
	}
	if got := outcome(r, tx(1, 1)); got.Outcome != txc.Aborted || got.Heuristic != coordinator.Mixed {
		t.Errorf("%+v", got)
	}
	if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.Heuristic != coordinator.Mixed || len(d.WaitsFor) != 1 || d.Branches[0].State != "heuristic-committed" {
		t.Errorf("%+v", d)
	}
	r.crash(true)
	if all := r.ask(coordinator.AskList{Filter: coordinator.Filter{States: []string{"mixed"}}}).List; len(all) != 1 || all[0].ID != tx(1, 1) {
		t.Errorf("after a restart: %+v", all)
	}
	if a := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Who: "eve", Why: "paid back"}); a.Err != nil || len(a.Detail.WaitsFor) != 0 {
		t.Errorf("%+v", a)
	}
	if a := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1)}); !refused(a.Err, txc.CodeWrongState) {
		t.Errorf("acknowledged twice: %v", a.Err)
	}
	r.crash(true)
	if all := r.ask(coordinator.AskList{Filter: coordinator.Filter{States: []string{"mixed"}}}).List; len(all) != 0 {
		t.Errorf("after its acknowledgement: %+v", all)
	}
}

func TestH4_ABranchSettledByHandReportsUntilItIsDurableAndAcknowledged(t *testing.T) {
	for _, c := range []struct {
		name  string
		fate  txc.Fate
		state string
	}{{"as committed", txc.CommittedBefore, "heuristic-committed"}, {"nobody can tell", txc.Hazard, "hazard"}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
			r.begin(run(coordinator.Applied, "a", "b"))
			r.deliver()
			q := coordinator.Question{Participant: "a", Instance: r.fakes["a"].instance, ID: tx(1, 1), Mark: r.mark, Settled: c.fate}
			r.holdLog = true
			first, second := r.begin(coordinator.AskInquire{Question: q}), r.begin(coordinator.AskInquire{Question: q})
			r.unanswered(first)
			r.unanswered(second)
			r.write()
			for _, token := range []string{first, second} {
				if a := r.answer(token).Answer; a.Outcome != txc.Aborted || !a.Recorded || a.Acknowledged {
					t.Errorf("%+v", a)
				}
			}
			if n := len(records[wal.HeuristicBody](r)); n != 1 {
				t.Errorf("%d records", n)
			}
			d := r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Why: "seen"})
			if d.Err != nil || d.Detail.Branches[0].State != c.state {
				t.Errorf("%+v", d)
			}
			if a := r.ask(coordinator.AskInquire{Question: q}).Answer; !a.Recorded || !a.Acknowledged {
				t.Errorf("after the acknowledgement: %+v", a)
			}
		})
	}
}

func TestH4_SettledAsTheDecisionSaysEndsTheAsking(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	settled := func(fate txc.Fate) coordinator.Answer {
		return r.ask(coordinator.AskInquire{Question: coordinator.Question{Participant: "a", Instance: r.fakes["a"].instance, ID: tx(1, 1), Mark: r.mark, Settled: fate}}).Answer
	}
	if a := settled(txc.CommittedBefore); a.Outcome != txc.Undecided || a.Recorded {
		t.Errorf("while it votes: %+v", a)
	}
	r.fakes["b"].deaf = false
	r.holdLog = true
	r.deliver()
	r.write()
	if a := settled(txc.CommittedBefore); a.Outcome != txc.Committed || !a.Recorded {
		t.Errorf("committed: %+v", a)
	}
	r.deliver() // a acknowledges
	if a := settled(txc.CommittedBefore); a.Outcome != txc.Finished || !a.Acknowledged {
		t.Errorf("it has acknowledged: %+v", a)
	}
	r.flush()
	if a := settled(txc.CommittedBefore); a.Outcome != txc.Finished || !a.Acknowledged {
		t.Errorf("it has ended: %+v", a)
	}
	if a := settled(txc.AbortedBefore); a.Outcome != txc.Finished || a.Acknowledged {
		t.Errorf("it had acknowledged, and shows it as aborted now: %+v", a)
	}
}

// A branch that was settled as committed at both ends, by hand, is told so once: nothing else will ever end its record.
func TestH3_H4_SettledAtBothEndsEndsTheRecord(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	if a := r.ask(coordinator.AskResolve{ID: tx(1, 1), Participant: "b", Outcome: txc.Committed, Who: "eve", Why: "burnt down"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	q := coordinator.Question{Participant: "b", Instance: r.fakes["b"].instance, ID: tx(1, 1), Mark: r.mark, Settled: txc.CommittedBefore}
	if a := r.ask(coordinator.AskInquire{Question: q}).Answer; a.Outcome != txc.Committed || !a.Recorded {
		t.Errorf("%+v", a)
	}
	r.flush()
	if n := len(records[wal.EndBody](r)); n != 1 {
		t.Errorf("%d Ends", n)
	}
	if s := r.ask(coordinator.AskStatus{}).Status; s.Live != 0 {
		t.Errorf("%d transactions are left", s.Live)
	}
}
