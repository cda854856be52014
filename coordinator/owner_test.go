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

func TestC5_ADurableWordOfAnotherOwnerStopsForGood(t *testing.T) {
	for _, c := range []struct {
		name string
		what string
		show func(*rig)
	}{
		{"a higher epoch, in a hello", "higher_epoch", func(r *rig) {
			r.fakes["a"].seen = []protocol.Seen{{Coordinator: 1, Epoch: 9, Mark: 5, LSN: 3}}
			r.cut("a")
			r.connect("a")
			r.deliver()
		}},
		{"a higher epoch, at registration", "higher_epoch", func(r *rig) {
			r.fakes["a"].seen = []protocol.Seen{{Coordinator: 1, Epoch: 9, Mark: 5, LSN: 3}}
			if a := r.ask(coordinator.AskRegister{Peer: coordinator.Peer{Name: "a", Seen: r.fakes["a"].seen}}); a.Err == nil {
				r.t.Error("it was registered")
			}
		}},
		{"this epoch with another mark, in a vote", "other_mark", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Vote{Vote: txc.No, Seen: protocol.Seen{Coordinator: 1, Epoch: 1, Mark: 5}}})
		}},
		{"a higher epoch, with a fate", "higher_epoch", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Fated{Fate: txc.AbortedNow, Seen: protocol.Seen{Coordinator: 1, Epoch: 2, Mark: 5}}})
		}},
		{"a refusal that shows it", "higher_epoch", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Fenced{About: protocol.AboutCommit, Seen: protocol.Seen{Coordinator: 1, Epoch: 2, Mark: 5}}})
		}},
		{"a question over the link", "higher_epoch", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Inquiry{Seen: protocol.Seen{Coordinator: 1, Epoch: 2, Mark: 5}}})
		}},
		{"a unary question", "higher_epoch", func(r *rig) {
			if a := r.ask(coordinator.AskInquire{Question: coordinator.Question{Participant: "a", Instance: r.fakes["a"].instance, ID: tx(1, 1), Mark: r.mark, Seen: protocol.Seen{Coordinator: 1, Epoch: 2, Mark: 5}}}); a.Answer.Outcome != txc.Undecided {
				r.t.Errorf("it hears %v", a.Answer.Outcome)
			}
		}},
		{"a promise of another mark", "other_mark", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 1), Mark: 5, Body: protocol.Inquiry{}})
		}},
		{"an id of this epoch that was never issued", "never_issued", func(r *rig) {
			r.say("a", protocol.Message{ID: tx(1, 99), Mark: r.mark, Body: protocol.Inquiry{}})
		}},
		{"a listed branch that was never issued", "never_issued", func(r *rig) {
			r.fakes["a"].promised[tx(1, 99)] = protocol.InDoubt{ID: tx(1, 99), Mark: r.mark}
			r.pass(30 * time.Second)
		}},
		{"a marker of a higher epoch", "higher_epoch", func(r *rig) {
			r.fakes["a"].markers = []protocol.Proof{{ID: tx(4, 1), Mark: 5}}
			r.pass(30 * time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
			r.begin(run(coordinator.Decided, "a", "b")) // c1.1.1 aborts
			r.deliver()
			r.fakes["a"].frozen = true
			c.show(r)
			if !errors.Is(r.stop, txc.ErrStopped) {
				t.Fatalf("stop: %v", r.stop)
			}
			stopped := records[wal.StoppedBody](r)
			if len(stopped) == 0 || stopped[0].Body.(wal.StoppedBody).What != c.what {
				t.Fatalf("%+v", stopped)
			}
			r.open()
			if len(r.dialed) != 0 {
				t.Errorf("after a restart it speaks to %v", r.dialed)
			}
			if s := r.ask(coordinator.AskStatus{}).Status; s.State != "refusing" {
				t.Errorf("%+v", s)
			}
			if a := r.ask(run(coordinator.Applied, "a", "b")); !errors.Is(a.Err, txc.ErrUnavailable) {
				t.Errorf("%+v", a)
			}
			if got := r.question("b", tx(1, 1), r.mark-1, "a", "b").Answer.Outcome; got != txc.Undecided {
				t.Errorf("b hears %v", got)
			}
			if got := outcome(r, tx(2, 5)); got.Outcome != txc.Unknown { // the other owner may have issued it
				t.Errorf("a client hears %+v of an id of this epoch", got)
			}
			epoch := r.rec.Epoch
			if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "the other one is gone"}); a.Err != nil {
				t.Fatal(a.Err)
			}
			shown := stopped[0].Body.(wal.StoppedBody).Epoch
			r.open()
			if r.rec.Epoch <= max(epoch, shown) {
				t.Errorf("epoch %d after %d and %d", r.rec.Epoch, epoch, shown)
			}
			r.fakes["b"].vote = nil
			r.up("a", "b")
			if s := r.ask(coordinator.AskStatus{}).Status; s.State != "serving" {
				t.Errorf("accepted: %+v", s)
			}
		})
	}
}

func TestC5_ADecisionInTheSameGroupAsAProofIsNotTold(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliverOnce() // voted; the record is durable, commit is out
	token := r.begin(run(coordinator.Decided, "a", "b"))
	r.holdLog = true
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: 5, Body: protocol.Inquiry{}})
	r.deliver() // the second is decided behind the proof
	r.write()
	if r.stop == nil {
		t.Fatal("not stopped")
	}
	r.unanswered(token)
}

func TestC5_NothingIsPreparedWhileAProofIsWritten(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	id := r.ask(coordinator.AskBegin{}).Result.ID
	r.ask(coordinator.AskEnlist{ID: id, Work: work("a")[0]})
	r.holdLog = true
	r.say("b", protocol.Message{ID: tx(1, 1), Mark: 5, Body: protocol.Inquiry{}})
	if got := r.ask(coordinator.AskCommit{ID: id}).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeWaiting {
		t.Errorf("%+v", got)
	}
	if n := len(sentTo[protocol.Prepare](r, "a")); n != 0 {
		t.Errorf("%d prepares", n)
	}
}

func TestC5_AClientsWordProvesNothing(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.ask(coordinator.AskOutcome{ID: tx(7, 1), Mark: 9})
	r.ask(coordinator.AskOutcome{ID: tx(1, 99)})
	r.ask(coordinator.AskCommit{ID: tx(1, 99), Mark: 77})
	r.ask(coordinator.AskAbort{ID: tx(3, 99), Mark: 77})
	r.ask(coordinator.AskEnlist{ID: tx(3, 99), Mark: 77})
	if r.stop != nil || len(records[wal.StoppedBody](r)) != 0 {
		t.Errorf("%v", r.stop)
	}
}

func TestC5_ARefusalThatShowsUsIsStale(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].deaf = true
	token := r.begin(run(coordinator.Applied, "a", "b"))
	seen := protocol.Seen{Coordinator: 1, Epoch: 1, Mark: r.mark}
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Fenced{About: protocol.AboutPrepare, Seen: seen}})
	if got := r.answer(token).Result; got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeFenced {
		t.Errorf("%+v", got)
	}
	if r.stop != nil {
		t.Errorf("stopped: %v", r.stop)
	}
}

func TestProofsHaveABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.crash(false)
	r.crash(false)
	r.up("a", "b")
	r.step(coordinator.AskStatus{Token: "first"})
	for i := range 2000 {
		r.say("a", protocol.Message{ID: tx(1, 1), Mark: uint64(1_000_000 + i), Body: protocol.Inquiry{}})
	}
	if n := len(records[wal.StoppedBody](r)); n == 0 || n > 256 {
		t.Errorf("%d proofs", n)
	}
	r.say("a", protocol.Message{ID: tx(9, 1), Mark: 4, Body: protocol.Inquiry{}})
	if r.stop == nil {
		t.Error("another owner went unnoticed")
	}
	r.open()
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "all of it"}); a.Err != nil {
		t.Error(a.Err)
	}
}
