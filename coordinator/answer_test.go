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

// question asks as a participant does without a link.
func (r *rig) question(name string, id txc.ID, mark uint64, members ...string) coordinator.Answered {
	r.t.Helper()
	return r.ask(coordinator.AskInquire{Question: coordinator.Question{Participant: name, Instance: r.fakes[name].instance, ID: id, Mark: mark, Members: members}})
}

func TestC4_AParticipantHearsWhatHoldsOfItsBranch(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	first := r.mark
	r.begin(run(coordinator.Applied, "a", "b")) // 1: committed, acknowledged, ended
	r.deliver()
	r.flush()
	r.fakes["b"].deaf = true
	r.begin(run(coordinator.Applied, "a", "b")) // 2: voting
	r.deliver()
	ask := func(name string, id txc.ID, mark uint64) txc.Outcome {
		return r.question(name, id, mark, "a", "b").Answer.Outcome
	}
	if got := ask("a", tx(1, 2), first); got != txc.Undecided {
		t.Errorf("while it votes: %v", got)
	}
	if got := ask("a", tx(1, 1), first); got != txc.Finished {
		t.Errorf("of what it has acknowledged: %v", got)
	}
	r.step(coordinator.AskAbort{Token: "abort", ID: tx(1, 2)})
	if got := ask("a", tx(1, 2), first); got != txc.Aborted {
		t.Errorf("of an id of this opening without a record: %v", got)
	}
	r.fakes["b"].deaf = false
	r.deliver()
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b")) // 3: committed, b's acknowledgement is lost
	r.deliver()
	if got := ask("b", tx(1, 3), first); got != txc.Committed {
		t.Errorf("of a recorded one: %v", got)
	}
	if got := ask("a", tx(1, 3), first); got != txc.Finished {
		t.Errorf("of one it has acknowledged and that has not ended: %v", got)
	}
	if got := ask("a", txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, first); got != txc.NotMine {
		t.Errorf("of another coordinator's: %v", got)
	}
	if r.stop != nil {
		t.Errorf("stopped: %v", r.stop)
	}
}

func TestC4_AClientIsToldHistoryAndNoMoreThanIsKnown(t *testing.T) {
	r := newRig(t, coordinator.Options{PresumeAfter: -1}, "a", "b")
	for range 3 {
		r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
	}
	r.flush()
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if got := outcome(r, tx(1, 4)); got.Outcome != txc.Aborted || got.Presumed {
		t.Errorf("aborted, and remembered: %+v", got)
	}
	if a := r.ask(coordinator.AskOutcome{ID: tx(1, 5)}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("above the last id issued: %+v", a)
	}
	if got := r.ask(coordinator.AskOutcome{ID: tx(1, 1), Mark: 99}).Result; got.Outcome != txc.Unknown {
		t.Errorf("under a mark that was never drawn: %+v", got)
	}
	if a := r.ask(coordinator.AskOutcome{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("another coordinator's: %+v", a)
	}
	if a := r.ask(coordinator.AskOutcome{}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("of nothing: %+v", a)
	}

	r.crash(true)
	for name, id := range map[string]txc.ID{"aborted before": tx(1, 4), "never issued before": tx(1, 77), "of an epoch never opened": tx(9, 1)} {
		if got := outcome(r, id); got.Outcome != txc.Unknown || got.Older {
			t.Errorf("%s, nobody heard: %+v", name, got)
		}
	}
	if got := outcome(r, tx(1, 2)); got.Outcome != txc.Committed || !got.Applied || !got.Replayed {
		t.Errorf("recorded, nobody heard: %+v", got)
	}
	r.up("a")
	if got := outcome(r, tx(1, 4)); got.Outcome != txc.Unknown {
		t.Errorf("b is not heard: %+v", got)
	}
	r.up("b")
	if got := outcome(r, tx(1, 4)); got.Outcome != txc.Aborted || !got.Presumed {
		t.Errorf("all are heard: %+v", got)
	}
	if a := r.ask(coordinator.AskOutcome{ID: tx(9, 1)}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("of an epoch never opened, all are heard: %+v", a)
	}
}

func TestC4_BelowTheFloor(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].stamp = 5
	r.up("b")
	first := r.mark
	for range 3 {
		r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
		r.flush()
	}
	if err := r.log.Drop(r.log.Synced()); err != nil {
		t.Fatal(err)
	}
	r.step()
	if r.log.Floor() == (txc.ID{}) {
		t.Fatal("nothing was dropped")
	}
	if got := outcome(r, tx(1, 1)); got.Outcome != txc.Unknown || !got.Older {
		t.Errorf("a client hears %+v", got)
	}
	if got := r.question("a", tx(1, 1), first, "a", "b").Answer.Outcome; got != txc.Finished {
		t.Errorf("one whose store keeps no stamp may have been restored: it hears %v", got)
	}
	if got := r.question("b", tx(1, 1), first, "a", "b").Answer.Outcome; got != txc.Aborted {
		t.Errorf("one whose store keeps a stamp hears %v", got)
	}
	r.cut("b")
	r.fakes["b"].stamp = 3 // it was restored from a copy, and asks before it shows that
	r.fakes["b"].restart()
	if got := r.question("b", tx(1, 1), first, "a", "b").Answer.Outcome; got != txc.Undecided {
		t.Errorf("one that has not shown its stamp since it was away hears %v", got)
	}
	if r.up("b"); r.state("b") != "quarantined" {
		t.Errorf("it is %s", r.state("b"))
	}
}

// C7, C4: what an earlier opening has recorded, and ended, is still the answer to whoever asks.
func TestC7_AnEarlierOpeningsRecordIsTheAnswer(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	first := r.mark
	if got := r.commits("a", "b").Result; got.Outcome != txc.Committed {
		t.Fatalf("%+v", got)
	}
	r.flush()
	r.open()
	r.up("a", "b")
	for _, name := range []string{"a", "b"} {
		if got := r.question(name, tx(1, 1), first, "a", "b").Answer.Outcome; got != txc.Finished { // it had acknowledged
			t.Errorf("%s hears %v", name, got)
		}
	}
}

func TestC4_ALateYesIsAQuestion(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].deaf = true
	r.begin(coordinator.AskRun{Request: coordinator.Request{Timeout: time.Second, Work: work("a", "b")}})
	r.pass(time.Second)
	r.sent["a"] = nil // the abort is lost
	r.fakes["a"].deaf = false
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Vote{Vote: txc.Yes}})
	if got := sentTo[protocol.Answer](r, "a"); len(got) != 1 || got[0].Body.(protocol.Answer).Outcome != txc.Aborted {
		t.Errorf("%+v", got)
	}
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Vote{Vote: txc.No}})
	if got := sentTo[protocol.Answer](r, "a"); len(got) != 1 {
		t.Errorf("a late no was answered: %+v", got)
	}
}

func TestC4_AQuestionOverALinkIsAnsweredByCommitWithItsEvidence(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	token := r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	id := r.answer(token).Result.ID
	r.say("a", protocol.Message{ID: id, Mark: r.mark, Body: protocol.Inquiry{Members: []string{"a", "b"}}})
	sent := r.sent["a"]
	if len(sent) != 2 {
		t.Fatalf("%+v", sent)
	}
	if c, ok := sent[0].Body.(protocol.Commit); !ok || string(c.Evidence) != "e-a" {
		t.Errorf("first %+v", sent[0].Body)
	}
	if a, ok := sent[1].Body.(protocol.Answer); !ok || a.Outcome != txc.Committed {
		t.Errorf("then %+v", sent[1].Body)
	}
}

func TestAnUnreadableLogPresumesNothing(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.findErr = errors.New("damaged")
	if got := r.question("b", tx(1, 1), r.mark, "a", "b").Answer.Outcome; got != txc.Undecided {
		t.Errorf("a participant hears %v", got)
	}
	if a := r.ask(coordinator.AskOutcome{ID: tx(1, 1)}); !errors.Is(a.Err, txc.ErrUnknown) {
		t.Errorf("a client hears %+v", a)
	}
	if a := r.ask(coordinator.AskOutcome{Key: "k"}); !errors.Is(a.Err, txc.ErrUnknown) {
		t.Errorf("by key: %+v", a)
	}
	if a := r.ask(coordinator.AskRun{Request: coordinator.Request{Key: "k", Work: work("a")}}); !errors.Is(a.Err, txc.ErrUnknown) {
		t.Errorf("a keyed request: %+v", a)
	}
}

func TestAParticipantsAnswerWaitsForNobodyElse(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.holdFind = true
	r.say("a", protocol.Message{ID: tx(1, 0), Mark: r.mark, Body: protocol.Inquiry{}})
	if len(r.lookups) != 1 {
		t.Fatalf("%d look-ups", len(r.lookups))
	}
	r.cut("a") // the link that it was asked over is lost: the next one does not hear of it before its hello
	r.connect("a")
	r.find()
	if got := sentTo[protocol.Answer](r, "a"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestQuestionsThatWaitForTheLogHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.holdFind = true
	for range 10_000 {
		r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Inquiry{Members: []string{"a", "b"}}})
	}
	if n := len(r.lookups); n > 5000 {
		t.Errorf("%d look-ups are out", n)
	}
	if got := r.question("a", tx(1, 1), r.mark).Answer.Outcome; got != txc.Undecided {
		t.Errorf("past the bound it hears %v", got)
	}
	if got := r.begin(coordinator.AskInquire{Question: coordinator.Question{Participant: "b", Instance: r.fakes["b"].instance, ID: tx(1, 1), Mark: r.mark}}); len(r.answers[got].Answer.From.Cluster) != 0 {
		t.Error("b was answered without a look-up")
	}
	r.find()
	if got := r.question("a", tx(1, 1), r.mark, "a", "b").Answer.Outcome; got != txc.Aborted {
		t.Errorf("afterwards it hears %v", got)
	}
}

// A record without an end is in memory. Should the log know better, it is told, to its members alone.
func TestC4_ARecordWithoutAnEndIsToldToItsMembers(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.holdFind = true
	record := wal.New(tx(1, 1), epoch0, wal.CommitBody{Members: []wal.Member{{Participant: "b"}}})
	for name, want := range map[string]txc.Outcome{"b": txc.Committed, "c": txc.Finished} {
		token := r.begin(coordinator.AskInquire{Question: coordinator.Question{Participant: name, Instance: r.fakes[name].instance, ID: tx(1, 1), Mark: r.mark}})
		r.step(coordinator.Found{Lookup: r.lookups[0], ID: tx(1, 1), Record: record, OK: true})
		r.lookups = nil
		if got := r.answer(token).Answer.Outcome; got != want {
			t.Errorf("%s hears %v", name, got)
		}
	}
}

func TestAnInquiryOfSomebodyElseIsNotAnswered(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	q := coordinator.Question{Participant: "nobody", ID: tx(1, 1), Mark: r.mark}
	if a := r.ask(coordinator.AskInquire{Question: q}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("of one that never registered: %+v", a)
	}
	q.Participant, q.Instance = "b", [16]byte{99}
	if a := r.ask(coordinator.AskInquire{Question: q}); a.Answer.Outcome != txc.Undecided {
		t.Errorf("of another store under the name: %+v", a)
	}
}
