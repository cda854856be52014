package coordinator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func TestC10_RoomForTheCommitIsTakenWithThePrepare(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxQueue: 3}, "a", "b")
	r.fakes["a"].deaf = true
	var tokens []string
	for range 3 {
		tokens = append(tokens, r.begin(run(coordinator.Decided, "a", "b")))
	}
	before := r.ask(coordinator.AskBegin{}).Result.ID
	if err := r.ask(run(coordinator.Decided, "a", "b")).Err; !busyAt("a", err) {
		t.Errorf("past the bound: %v", err)
	}
	if after := r.ask(coordinator.AskBegin{}).Result.ID; after.Sequence != before.Sequence+1 {
		t.Errorf("what was refused has used up an id: %s, then %s", before, after)
	}
	if n := len(sentTo[protocol.Prepare](r, "b")) + len(sentTo[protocol.Abort](r, "b")); n != 3 {
		t.Errorf("b was told of what was refused: %d messages", n)
	}
	f := r.fakes["a"]
	f.deaf = false
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok } // decided, and not acknowledged
	r.deliver()
	for _, token := range tokens {
		if got := r.answer(token).Result; got.Outcome != txc.Committed {
			t.Errorf("%+v", got)
		}
	}
	if n := len(heardBy[protocol.Commit](f)); n != 3 {
		t.Errorf("%d commits arrived", n)
	}
	if err := r.ask(run(coordinator.Decided, "a")).Err; !busyAt("a", err) {
		t.Errorf("decided and unacknowledged branches count: %v", err)
	}
	if s := r.ask(coordinator.AskParticipants{}).Participants; s[0].Load != 3 || s[1].Load != 0 {
		t.Errorf("%+v", s)
	}
	token := r.begin(run(coordinator.Applied, "b")) // others go on
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	f.mute = nil
	r.pass(10 * time.Second)
	token = r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed {
		t.Errorf("when it has acknowledged: %+v", got)
	}
	if s := r.ask(coordinator.AskParticipants{}).Participants; s[0].Load != 0 {
		t.Errorf("%+v", s)
	}
}

func TestC10_RecoveredBranchesCount(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxQueue: 3}, "a", "b")
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	for range 3 {
		r.begin(run(coordinator.Decided, "a", "b"))
		r.deliver()
	}
	r.crash(true)
	r.up("a", "b")
	if err := r.ask(run(coordinator.Applied, "a")).Err; !busyAt("a", err) {
		t.Error(err)
	}
}

// busyAt reports that nothing was begun, for want of room at a participant.
func busyAt(participant string, err error) bool {
	ref := (*txc.Refusal)(nil)
	return errors.Is(err, txc.ErrBusy) && errors.As(err, &ref) && ref.Reason.Code == txc.CodeBusy && ref.Reason.Participant == participant && ref.Reason.Retryable
}

func TestC10_RoomComesBackHoweverABranchEnds(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxQueue: 1}, "a", "b")
	load := func(what string) {
		t.Helper()
		for _, p := range r.ask(coordinator.AskParticipants{}).Participants {
			if p.Load != 0 {
				t.Errorf("%s: the load of %s is %d", what, p.Name, p.Load)
			}
		}
	}
	vote := func(v protocol.Vote) func(protocol.Message) (protocol.Vote, bool) {
		return func(protocol.Message) (protocol.Vote, bool) { return v, true }
	}
	for _, c := range []struct {
		name string
		a, b func(protocol.Message) (protocol.Vote, bool)
	}{
		{"committed", nil, nil},
		{"a no", nil, vote(protocol.Vote{Vote: txc.No})},
		{"read-only", nil, vote(protocol.Vote{Vote: txc.ReadOnly})},
		{"held", nil, vote(protocol.Vote{Vote: txc.Held})},
		{"nothing written", vote(protocol.Vote{Vote: txc.Held}), vote(protocol.Vote{Vote: txc.ReadOnly})},
	} {
		r.fakes["a"].vote, r.fakes["b"].vote = c.a, c.b
		token := r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
		r.answer(token)
		load(c.name)
	}
	r.fakes["a"].vote, r.fakes["b"].vote = nil, nil
	r.fakes["b"].fate = fated(txc.Hazard)
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	load("a heuristic")
	r.fakes["b"].fate = nil
	r.fakes["b"].deaf = true
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.cut("b")
	load("a lost vote")
}

func TestC10_TransactionsInMemoryHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxLive: 3}, "a")
	for range 3 {
		r.ask(coordinator.AskBegin{})
	}
	for name, a := range map[string]coordinator.Answered{"begin": r.ask(coordinator.AskBegin{}), "run": r.ask(run(coordinator.Applied, "a"))} {
		if !errors.Is(a.Err, txc.ErrBusy) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	r.ask(coordinator.AskAbort{ID: tx(1, 1)})
	if a := r.ask(coordinator.AskBegin{}); a.Err != nil {
		t.Error(a.Err)
	}
}

func TestC10_WorkInMemoryHasABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c", "d", "e")
	big := func() coordinator.AskRun {
		ev := run(coordinator.Applied, "a", "b", "c", "d")
		for i := range ev.Request.Work {
			ev.Request.Work[i].Work = make([]byte, txc.MaxWork)
		}
		return ev
	}
	for _, f := range r.fakes {
		f.deaf = true
	}
	for range 256 {
		r.begin(big())
	}
	if a := r.ask(big()); !errors.Is(a.Err, txc.ErrBusy) {
		t.Errorf("%v", a.Err)
	}
	id := r.ask(coordinator.AskBegin{}).Result.ID
	if a := r.ask(coordinator.AskEnlist{ID: id, Work: work("a")[0]}); !errors.Is(a.Err, txc.ErrBusy) {
		t.Errorf("enlist: %v", a.Err)
	}
	r.pass(11 * time.Second)
	if a := r.ask(coordinator.AskEnlist{ID: r.ask(coordinator.AskBegin{}).Result.ID, Work: work("a")[0]}); a.Err != nil {
		t.Errorf("when they have ended: %v", a.Err)
	}
}

func TestC10_ResultsLeaveMemoryWithTheirTransaction(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c", "d")
	results := make([]byte, txc.MaxBranchRes)
	for _, f := range r.fakes {
		f.vote = func(protocol.Message) (protocol.Vote, bool) {
			return protocol.Vote{Vote: txc.Held, Results: results}, true
		}
	}
	for range 2100 {
		r.step(withToken(t, run(coordinator.Applied, "a", "b", "c", "d"), "run"))
		r.deliver()
		if got := r.answer("run").Result; got.Outcome != txc.Committed {
			t.Fatalf("%+v", got.Reason)
		}
		delete(r.answers, "run")
	}
}

func TestC10_ParticipantsHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{PresumeAfter: 1, OrphanEvery: time.Hour})
	for i := range 1024 {
		r.add(newFake(fmt.Sprintf("participant-with-the-longest-of-all-names-%05d", i), byte(i)))
		r.register(r.order[i])
	}
	if a := r.ask(coordinator.AskRegister{Peer: coordinator.Peer{Name: "one-more"}}); !errors.Is(a.Err, txc.ErrBusy) {
		t.Errorf("%+v", a)
	}
	if a := r.register(r.order[0]); a.Err != nil {
		t.Errorf("one that is registered: %v", a.Err)
	}
	// all of them fit one record (C3)
	r.crash(true)
	r.pass(time.Minute)
	r.begin(coordinator.AskOutcome{ID: tx(1, 1)})
	if p := records[wal.PresumedBody](r); len(p) != 1 || len(p[0].Body.(wal.PresumedBody).Absent) != 1024 {
		t.Errorf("%d presumptions, stop %v", len(p), r.stop)
	}
}

func TestC10_ClientsThatWaitForOneTransactionHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.fakes["a"].deaf = true
	r.begin(run(coordinator.Applied, "a"))
	told := 0
	for range 3000 {
		r.step(coordinator.AskCommit{Token: "wait", ID: tx(1, 1)})
		if a, ok := r.answers["wait"]; ok {
			told++
			if a.Result.Outcome != txc.Undecided {
				t.Fatalf("%+v", a)
			}
			delete(r.answers, "wait")
		}
	}
	if told < 1900 {
		t.Errorf("%d were not kept", told)
	}
}

func TestADiskThatIsNearlyFullRefusesNewTransactionsOnly(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	open := r.ask(coordinator.AskBegin{}).Result.ID
	r.fakes["a"].deaf = true
	running := r.begin(run(coordinator.Applied, "a", "b"))
	r.low = true
	for name, a := range map[string]coordinator.Answered{"begin": r.ask(coordinator.AskBegin{}), "run": r.ask(run(coordinator.Applied, "a", "b"))} {
		var ref *txc.Refusal
		if !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeDiskLow || !errors.Is(a.Err, txc.ErrUnavailable) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if s := r.ask(coordinator.AskStatus{}).Status; s.State != "waiting" || !s.DiskLow {
		t.Errorf("%+v", s)
	}
	r.fakes["a"].deaf = false
	r.ask(coordinator.AskEnlist{ID: open, Work: work("a")[0]})
	commit := r.begin(coordinator.AskCommit{ID: open})
	r.deliver()
	for _, token := range []string{running, commit} {
		if got := r.answer(token).Result; got.Outcome != txc.Committed {
			t.Errorf("%+v", got)
		}
	}
}

func TestNoLinkIsAnAbortThatTouchedNobody(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.cut("b")
	got := r.ask(run(coordinator.Applied, "a", "b")).Result
	if got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeUnreachable || got.Reason.Participant != "b" || !got.Reason.Retryable {
		t.Errorf("%+v", got)
	}
	if len(r.sent["a"]) != 0 {
		t.Errorf("a was told %+v", r.sent["a"])
	}
	if a := r.ask(run(coordinator.Applied, "a", "nobody")); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("%+v", a)
	}
}

func TestCommitIsRepeatedToWhoHasNotAnsweredAlone(t *testing.T) {
	r := newRig(t, coordinator.Options{RetryMin: time.Second, RetryMax: 4 * time.Second}, "a", "b")
	f := r.fakes["b"]
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	delete(f.ended, tx(1, 1)) // it never applied it, either
	r.pass(60 * time.Second)
	if got := r.answer(token).Result; got.Outcome != txc.Committed || got.Applied {
		t.Errorf("past its limit: %+v", got)
	}
	n := len(heardBy[protocol.Commit](f))
	if n < 14 || n > 40 {
		t.Errorf("commit was sent %d times in a minute", n)
	}
	if n := len(heardBy[protocol.Commit](r.fakes["a"])); n != 1 {
		t.Errorf("%d times to the one that has answered", n)
	}
}

func TestC11_TheKeysThatWereSentAgainHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	again := func(key int) coordinator.Event {
		return coordinator.AskRun{Token: fmt.Sprint(key), Request: coordinator.Request{Key: fmt.Sprint(key), OwnKey: true, FirstSentAgo: time.Second}}
	}
	const most = 1 << 18
	for n := 0; n < most; {
		var events []coordinator.Event
		for range 4096 {
			events = append(events, again(n))
			n++
		}
		r.step(events...)
		clear(r.answers)
	}
	refused := func(key int) bool {
		r.step(again(key))
		a := r.answer(fmt.Sprint(key))
		clear(r.answers)
		return errors.Is(a.Err, txc.ErrUnknown)
	}
	if !refused(most) || refused(0) {
		t.Error("the bound is not where it says, or holds for a key that is remembered")
	}
	r.now = r.now.Add(wal.OwnKeySpan + time.Second)
	if refused(most) {
		t.Error("ten minutes later it still holds")
	}
}
