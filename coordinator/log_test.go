package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal/mem"
)

func TestC3_AFailedAppendStopsAndNobodyIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name    string
		failure mem.Failure
		commits bool // what the log tells when it is opened again
	}{
		{"nothing reached the disk", mem.FailedLost, false},
		{"written and durable all the same", mem.FailedKept, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.disk.Fail(c.failure)
			token := r.begin(run(coordinator.Decided, "a", "b"))
			other := r.begin(coordinator.AskBegin{})
			r.deliver()
			r.unanswered(token)
			if !errors.Is(r.stop, txc.ErrStopped) {
				t.Fatalf("stop: %v", r.stop)
			}
			late := r.begin(coordinator.AskOutcome{ID: tx(1, 1)})
			r.unanswered(late)
			r.answer(other)
			if n := len(r.sent["a"]) + len(r.sent["b"]); n != 0 {
				t.Errorf("%d messages left", n)
			}
			r.open()
			r.up("a", "b")
			r.pass(time.Second)
			for name, f := range r.fakes {
				if committed := f.ended[tx(1, 1)] == txc.CommittedBefore; committed != c.commits {
					t.Errorf("%s committed: %v", name, committed)
				}
				if len(f.promised) != 0 {
					t.Errorf("%s is in doubt", name)
				}
			}
		})
	}
}

func TestC3_WhatTheLogMightRefuseIsCheckedBefore(t *testing.T) {
	long := make([]byte, 2000)
	for i := range long {
		long[i] = 'x'
	}
	labels := map[string]string{}
	for i := range txc.MaxLabels + 1 {
		labels[string(rune('a'+i))] = "v"
	}
	many := make([]coordinator.Work, txc.MaxBranches+1)
	for i := range many {
		many[i] = coordinator.Work{Participant: "p" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Work: []byte{1}}
	}
	for _, c := range []struct {
		name    string
		request coordinator.Request
	}{
		{"a negative timeout", coordinator.Request{Timeout: -1}},
		{"a timeout above the maximum", coordinator.Request{Timeout: time.Hour}},
		{"a long key", coordinator.Request{Key: string(long)}},
		{"a key that is no text", coordinator.Request{Key: "\xff"}},
		{"too many labels", coordinator.Request{Labels: labels}},
		{"a label's key", coordinator.Request{Labels: map[string]string{"Not ok": "v"}}},
		{"a label's value", coordinator.Request{Labels: map[string]string{"k": string(long)}}},
		{"too many branches", coordinator.Request{Work: many}},
		{"a participant twice", coordinator.Request{Work: work("a", "a")}},
		{"a participant's name", coordinator.Request{Work: work("Not ok")}},
		{"work for one branch", coordinator.Request{Work: []coordinator.Work{{Participant: "a", Work: make([]byte, txc.MaxWork+1)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a")
			if a := r.ask(coordinator.AskRun{Request: c.request}); !errors.Is(a.Err, txc.ErrInvalid) {
				t.Errorf("%+v", a)
			}
			if a := r.ask(coordinator.AskBegin{Request: c.request}); !errors.Is(a.Err, txc.ErrInvalid) {
				t.Errorf("begin: %+v", a)
			}
		})
	}
}

func TestC3_WhatAParticipantSaysNeverBreaksTheLog(t *testing.T) {
	long := string(make([]byte, 200_000))
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) {
		return protocol.Vote{Vote: txc.No, Reason: txc.Reason{Code: txc.Code(long), Text: long, Participant: long}}, true
	}
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Aborted || len(got.Reason.Text) > 2000 {
		t.Errorf("%v, %d bytes of text", got.Outcome, len(got.Reason.Text))
	}
	r.fakes["a"].vote = nil
	r.fakes["b"].fate = func(protocol.Message) (protocol.Fated, bool) {
		return protocol.Fated{Fate: txc.Hazard, Reason: txc.Reason{Text: long}}, true
	}
	token = r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if got := r.answer(token).Result; got.Heuristic != coordinator.Hazardous {
		t.Errorf("%+v", got)
	}
	r.fakes["c"] = newFake("c", 9)
	if a := r.ask(coordinator.AskRegister{Peer: coordinator.Peer{Name: "c", Address: long}}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("an address of 200,000 bytes: %v", a.Err)
	}
	if a := r.ask(coordinator.AskAcknowledge{ID: tx(1, 2), Why: long}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("a reason of 200,000 bytes: %v", a.Err)
	}
	if r.stop != nil {
		t.Errorf("stopped: %v", r.stop)
	}
}

func TestC3_AVoteWhoseEvidenceIsTooLongCountsAsANo(t *testing.T) {
	for _, c := range []struct {
		name string
		vote protocol.Vote
	}{
		{"evidence", protocol.Vote{Vote: txc.Yes, Evidence: make([]byte, txc.MaxEvidence+1)}},
		{"results of one branch", protocol.Vote{Vote: txc.Yes, Results: make([]byte, txc.MaxBranchRes+1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return c.vote, true }
			token := r.begin(run(coordinator.Applied, "a", "b"))
			r.deliver()
			if got := r.answer(token).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeTooLarge || got.Reason.Participant != "a" {
				t.Errorf("%+v", got)
			}
			if len(r.fakes["a"].promised) != 0 {
				t.Error("its promise is left")
			}
		})
	}
}

func TestResultsOfAllBranchesTogetherHaveABound(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	r := newRig(t, coordinator.Options{}, names...)
	for _, f := range r.fakes {
		f.vote = func(protocol.Message) (protocol.Vote, bool) {
			return protocol.Vote{Vote: txc.Held, Results: make([]byte, txc.MaxBranchRes)}, true
		}
	}
	token := r.begin(run(coordinator.Applied, names[:4]...))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed || len(got.Branches[3].Results) != txc.MaxBranchRes {
		t.Errorf("%v", got.Outcome)
	}
	token = r.begin(run(coordinator.Applied, names...))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeTooLarge {
		t.Errorf("%v %v", got.Outcome, got.Reason)
	}
}

func TestC3_WhatWasToBeSaidWithAFailureIsNotSaid(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.step(coordinator.AskBegin{Token: "before"}, coordinator.LogFailed{Err: txc.ErrStopped}, coordinator.AskBegin{Token: "after"})
	r.unanswered("before")
	r.unanswered("after")
}

func TestALogThatRefusesARecordStopsTheCoordinator(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.step(coordinator.LogFailed{Err: txc.ErrInvalid})
	if !errors.Is(r.stop, txc.ErrInvalid) {
		t.Errorf("stop: %v", r.stop)
	}
	r.unanswered(r.begin(coordinator.AskStatus{}))
}
