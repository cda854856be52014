package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func work(names ...string) (all []coordinator.Work) {
	for _, name := range names {
		all = append(all, coordinator.Work{Participant: name, Work: []byte("w-" + name)})
	}
	return all
}

func run(wait coordinator.Wait, names ...string) coordinator.AskRun {
	return coordinator.AskRun{Request: coordinator.Request{Work: work(names...), Wait: wait}}
}

func outcome(r *rig, id txc.ID) coordinator.Result {
	r.t.Helper()
	a := r.ask(coordinator.AskOutcome{ID: id})
	if a.Err != nil {
		r.t.Fatalf("outcome of %s: %v", id, a.Err)
	}
	return a.Result
}

func tx(epoch uint32, sequence uint64) txc.ID {
	return txc.ID{Coordinator: 1, Epoch: epoch, Sequence: sequence}
}

func TestATransactionOfTwoBranchesCommits(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	got := r.answer(token).Result
	if got.Outcome != txc.Committed || !got.Applied || got.ID != tx(1, 1) || got.Heuristic != coordinator.NoHeuristic {
		t.Errorf("%+v", got)
	}
	for _, b := range got.Branches {
		if b.Vote != txc.Yes || b.State != "committed" {
			t.Errorf("%+v", b)
		}
	}
	for _, name := range []string{"a", "b"} {
		commit := heardBy[protocol.Commit](r.fakes[name])
		if len(commit) != 1 || string(commit[0].Body.(protocol.Commit).Evidence) != "e-"+name {
			t.Errorf("%s heard %+v", name, commit)
		}
	}
	r.flush()
	if n := len(records[wal.EndBody](r)); n != 1 {
		t.Errorf("%d ends", n)
	}
}

func TestC1_NobodyHearsCommittedBeforeTheRecordIsDurable(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.step(coordinator.Watching{On: true})
	r.holdLog = true
	token := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", OwnKey: true, Work: work("a", "b"), Wait: coordinator.Decided}})
	r.deliver()
	r.unanswered(token)
	if len(r.queue) != 1 || r.queue[0].Kind != wal.Commit {
		t.Fatalf("the log was given %v", r.queue)
	}
	id := r.queue[0].ID
	for name, a := range map[string]coordinator.Answered{
		"outcome by id":  r.ask(coordinator.AskOutcome{ID: id}),
		"outcome by key": r.ask(coordinator.AskOutcome{Key: "k"}),
		"abort":          r.ask(coordinator.AskAbort{ID: id}),
	} {
		if a.Err != nil || a.Result.Outcome != txc.Undecided {
			t.Errorf("%s: %v %v", name, a.Result.Outcome, a.Err)
		}
	}
	commit := r.begin(coordinator.AskCommit{ID: id})
	joined := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", OwnKey: true, Work: work("a", "b")}})
	r.unanswered(commit)
	r.unanswered(joined)
	list := r.ask(coordinator.AskList{}).List
	detail := r.ask(coordinator.AskDetail{ID: id}).Detail
	for _, d := range append(append(list, detail), r.changed...) {
		if d.Outcome == txc.Committed || d.State == "committing" {
			t.Errorf("told: %+v", d)
		}
	}
	if a := r.ask(coordinator.AskInquire{Question: coordinator.Question{Participant: "a", Instance: r.fakes["a"].instance, ID: id, Mark: r.mark}}); a.Answer.Outcome != txc.Undecided {
		t.Errorf("a participant hears %v", a.Answer.Outcome)
	}
	if n := len(sentTo[protocol.Commit](r, "a")) + len(sentTo[protocol.Commit](r, "b")); n != 0 {
		t.Errorf("%d commits left", n)
	}

	r.write()
	if r.answer(token).Result.Outcome != txc.Committed || len(sentTo[protocol.Commit](r, "a")) != 1 {
		t.Error("not told after the record was durable")
	}
	r.deliver()
	if !r.answer(commit).Result.Applied || !r.answer(joined).Result.Applied {
		t.Error("who asked meanwhile was not told")
	}
}

func TestC2_NothingOvertakesADecisionThatMayBeDurable(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.holdLog = true
	token := r.begin(coordinator.AskRun{Request: coordinator.Request{Timeout: time.Second, Work: work("a", "b"), Wait: coordinator.Decided}})
	r.deliver()
	r.pass(5 * time.Second)
	r.cut("a")
	r.step(coordinator.AskAbort{Token: "late", ID: tx(1, 1)})
	r.say("b", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Vote{Vote: txc.No}})
	r.unanswered(token)
	if n := len(sentTo[protocol.Abort](r, "b")); n != 0 {
		t.Errorf("%d aborts left", n)
	}
	r.write()
	if got := r.answer(token).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
}

func TestTheFirstVoteCounts(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	token := r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Vote{Vote: txc.Yes, Evidence: []byte("other")}})
	r.fakes["b"].deaf = false
	r.deliver()
	r.answer(token)
	if m := records[wal.CommitBody](r)[0].Body.(wal.CommitBody).Members; string(m[0].Evidence) != "e-a" {
		t.Errorf("%q", m[0].Evidence)
	}
}

func TestNothingIsSaidBeforeTheWelcome(t *testing.T) {
	r := newRig(t, coordinator.Options{RetryMin: time.Second, RetryMax: time.Second}, "a", "b")
	f := r.fakes["b"]
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.cut("b")
	r.connect("b")
	f.deaf = true
	r.pass(31 * time.Second)
	r.question("b", tx(1, 1), r.mark)
	if sent := r.sent["b"]; len(sent) != 1 || sent[0].Body != (protocol.Hello{}) {
		t.Errorf("%+v", sent)
	}
	if got := r.ask(run(coordinator.Applied, "b")).Result; got.Reason.Code != txc.CodeUnreachable {
		t.Errorf("%+v", got)
	}
	f.mute, f.deaf = nil, false
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.List); return ok }
	r.deliver() // welcome; what it holds is not shown yet
	if n := len(heardBy[protocol.Commit](f)); n < 2 {
		t.Error("it was not told what is decided")
	}
	r.crash(true)
	r.up("a", "b")
	if got := r.ask(run(coordinator.Applied, "b")).Result; got.Reason.Code != txc.CodeUnreachable {
		t.Errorf("new work before it is heard: %+v", got)
	}
}

func TestReadOnlyAndHeldVotesLeaveNoRecord(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.ReadOnly}, true }
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.Held}, true }
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed || !got.Applied {
		t.Errorf("%+v", got)
	}
	if len(records[wal.CommitBody](r)) != 0 || len(heardBy[protocol.Abort](r.fakes["a"])) != 0 || len(r.fakes["b"].promised) != 0 {
		t.Error("a record, or an abort for the read-only one, or locks that are kept")
	}
	if got := outcome(r, tx(1, 1)); got.Outcome != txc.Committed {
		t.Errorf("asked later: %+v", got)
	}
}

func TestANoAbortsAndTellsAllButCertainNoes(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) {
		return protocol.Vote{Vote: txc.No, Certain: true, Reason: txc.Reason{Code: txc.CodeConflict, Text: "busy", Retryable: true}}, true
	}
	token := r.begin(run(coordinator.Applied, "a", "b", "c"))
	r.deliver()
	got := r.answer(token).Result
	if got.Outcome != txc.Aborted || got.Reason != (txc.Reason{Code: txc.CodeConflict, Text: "busy", Participant: "b", Retryable: true}) {
		t.Errorf("%+v", got)
	}
	if len(heardBy[protocol.Abort](r.fakes["b"])) != 0 || len(heardBy[protocol.Abort](r.fakes["a"])) != 1 || len(heardBy[protocol.Abort](r.fakes["c"])) != 1 {
		t.Error("aborts went to the wrong ones")
	}
}

func TestAPrepareWithoutAVoteIsANoWhenItsLinkBreaks(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.cut("a") // its vote was taken: it outlives its stream
	r.unanswered(token)
	if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; !d.Reason.IsZero() {
		t.Errorf("%+v", d.Reason)
	}
	r.cut("b")
	if got := r.answer(token).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeLostVote || got.Reason.Participant != "b" {
		t.Errorf("%+v", got)
	}
	// a missed its abort: it asks, and hears.
	r.up("a")
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Inquiry{Members: []string{"a", "b"}}})
	r.deliver()
	if len(r.fakes["a"].promised) != 0 {
		t.Error("a is in doubt")
	}
}

func TestARestartBehindTheSameLinkIsALostVote(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	token := r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	f := r.fakes["b"]
	f.restart()
	welcome := protocol.Welcome{Name: "b", Instance: f.instance, Incarnation: f.incarnation}
	r.say("b", protocol.Message{Body: welcome})
	if got := r.answer(token).Result; got.Reason.Code != txc.CodeLostVote {
		t.Errorf("%+v", got)
	}
	f.deaf = false
	r.deliver()
	token = r.begin(run(coordinator.Applied, "a", "b"))
	if p := sentTo[protocol.Prepare](r, "b"); len(p) != 1 || p[0].Body.(protocol.Prepare).Incarnation != f.incarnation {
		t.Errorf("the prepare after the restart: %+v", p)
	}
	r.say("b", protocol.Message{Body: welcome}) // said twice: nothing is lost
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
}

func TestTheDeadlineAbortsAndComesNoSooner(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	token := r.begin(coordinator.AskRun{Request: coordinator.Request{Timeout: 3 * time.Second, Work: work("a", "b")}})
	prepare := sentTo[protocol.Prepare](r, "b")[0].Body.(protocol.Prepare)
	if prepare.TimeLeft != 3*time.Second || len(prepare.Members) != 2 || prepare.MayRelease || prepare.Joined || string(prepare.Work) != "w-b" {
		t.Errorf("%+v", prepare)
	}
	r.pass(2900 * time.Millisecond)
	r.unanswered(token)
	r.pass(100 * time.Millisecond)
	if got := r.answer(token).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeDeadline || !got.Reason.Retryable {
		t.Errorf("%+v", got)
	}
}
