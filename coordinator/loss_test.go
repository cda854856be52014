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

func TestC6_AWitnessThatIsNotContainedStopsWhatWouldBeginAndCompletesTheRest(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	first := r.mark
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	kept := r.log.Synced()
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.disk.Cut(kept)
	r.open()
	if r.rec.Head != kept || len(r.rec.Unfinished) != 1 {
		t.Fatalf("%+v", r.rec)
	}
	open := r.ask(coordinator.AskBegin{}).Result.ID
	r.fakes["b"].mute = nil
	r.register("a")
	r.connect("a")
	r.deliver()
	if r.stop != nil {
		t.Fatalf("stopped: %v", r.stop)
	}
	stopped := records[wal.StoppedBody](r)
	if len(stopped) != 1 || stopped[0].Body.(wal.StoppedBody).What != "not_contained" || stopped[0].Body.(wal.StoppedBody).Participant != "a" {
		t.Fatalf("%+v", stopped)
	}
	check := func() {
		t.Helper()
		for name, a := range map[string]coordinator.Answered{
			"run":   r.ask(run(coordinator.Applied, "a", "b")),
			"begin": r.ask(coordinator.AskBegin{}),
		} {
			var ref *txc.Refusal
			if !errors.Is(a.Err, txc.ErrUnavailable) || !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeWaiting {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if s := r.ask(coordinator.AskStatus{}).Status; s.State != "refusing" || len(s.WaitingFor) == 0 {
			t.Errorf("%+v", s)
		}
		if got := r.question("a", tx(1, 2), first, "a", "b").Answer.Outcome; got != txc.Undecided {
			t.Errorf("of what was lost: %v", got)
		}
		if got := outcome(r, tx(1, 2)); got.Outcome != txc.Unknown {
			t.Errorf("a client, of what was lost: %+v", got)
		}
		if got := outcome(r, tx(1, 1)); got.Outcome != txc.Committed {
			t.Errorf("of what is recorded: %+v", got)
		}
	}
	check()
	if got := outcome(r, open); got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeWaiting {
		t.Errorf("the one that was open: %+v", got)
	}
	r.connect("b")
	r.deliver()
	r.pass(10 * time.Second)
	r.flush()
	if n := len(records[wal.EndBody](r)); n == 0 || r.fakes["b"].ended[tx(1, 1)] != txc.CommittedBefore {
		t.Errorf("the recorded one was not completed: %d ends", n)
	}
	r.pass(2 * time.Minute)
	check()
	r.crash(true) // and across restarts
	r.connect("a")
	r.connect("b")
	r.deliver()
	check()
}

func TestC12_AnAcceptedLossDisownsWhatWasShownForEver(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	first := r.mark
	kept := r.log.Synced()
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b")) // lost; a has applied it, b has too, c never heard of it
	r.deliver()
	delete(r.fakes["b"].ended, tx(1, 1))
	r.fakes["b"].markers = nil
	r.fakes["b"].promised[tx(1, 1)] = protocol.InDoubt{ID: tx(1, 1), Mark: first, Members: []string{"a", "b"}} // no: b is in doubt
	r.fakes["b"].mute = nil
	r.disk.Cut(kept)
	r.open()
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Why: "no"}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("nothing was found yet: %+v", a)
	}
	r.up("a", "b")
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve"}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("without a reason: %+v", a)
	}
	r.holdLog = true
	token := r.begin(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "disk lost"})
	r.unanswered(token)
	if r.stop != nil {
		t.Error("stopped before the acceptance was durable")
	}
	r.write()
	if a := r.answer(token); a.Err != nil || !errors.Is(r.stop, txc.ErrStopped) {
		t.Errorf("%+v, %v", a, r.stop)
	}
	r.unanswered(r.begin(coordinator.AskStatus{}))

	for range 2 { // across restarts
		epoch := r.rec.Epoch
		r.open()
		if r.rec.Epoch <= epoch {
			t.Errorf("epoch %d after %d", r.rec.Epoch, epoch)
		}
		r.up("a", "b", "c")
		if s := r.ask(coordinator.AskStatus{}).Status; s.State != "serving" {
			t.Errorf("%+v", s)
		}
		r.pass(3 * time.Minute)
		if got := r.question("b", tx(1, 1), first, "a", "b").Answer.Outcome; got != txc.Undecided {
			t.Errorf("of what was lost: %v", got)
		}
		if got := outcome(r, tx(1, 1)); got.Outcome != txc.Unknown {
			t.Errorf("a client: %+v", got)
		}
		if _, ok := r.fakes["b"].promised[tx(1, 1)]; !ok {
			t.Fatal("b's branch was ended")
		}
		// its fellow's marker is kept, and shown beside it
		for _, name := range []string{"a", "b", "c"} {
			if mark, open := r.watermark(name); mark.Epoch != r.rec.Epoch || len(open) != 1 || open[0] != tx(1, 1) {
				t.Errorf("%s may forget below %s but %v", name, mark, open)
			}
		}
		all := r.ask(coordinator.AskList{Filter: coordinator.Filter{States: []string{"in-doubt"}}}).List
		if len(all) != 1 || all[0].ID != tx(1, 1) || all[0].Outcome != txc.Unknown || len(all[0].Branches) != 2 ||
			all[0].Branches[0].State != "in-doubt" || all[0].Branches[1].State != "committed" || all[0].Branches[1].Participant != "a" {
			t.Errorf("%+v", all)
		}
		token := r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
		if got := r.answer(token).Result; got.Outcome != txc.Committed {
			t.Errorf("new work: %+v", got)
		}
	}
	settled := r.fakes["b"].promised[tx(1, 1)]
	settled.Settled = txc.CommittedBefore // H2, at the participant
	r.fakes["b"].promised[tx(1, 1)] = settled
	r.pass(time.Minute)
	if _, open := r.watermark("a"); len(open) != 0 {
		t.Errorf("settled, and still an exception: %v", open)
	}
}

func TestC12_WatermarksWaitForWhoMayShowWhatWasLost(t *testing.T) {
	r := newRig(t, coordinator.Options{OrphanEvery: time.Hour}, "a", "b", "c")
	kept := r.log.Synced()
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.disk.Cut(kept)
	r.open()
	r.up("a")
	r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Why: "lost"})
	r.open()
	r.up("a", "b")
	if mark, _ := r.watermark("a"); !mark.IsZero() {
		t.Errorf("c is not heard, and a may forget below %s", mark)
	}
	r.pass(61 * time.Second)
	if mark, _ := r.watermark("a"); mark.Epoch != r.rec.Epoch {
		t.Errorf("after a minute: %s", mark)
	}
}

// C12: a log that is a copy lost the end of the last opening that it shares with the other one, and nobody knows which
// opening that was: nothing of those before the one that found out is presumed.
func TestC12_OfACopyNothingBeforeIsPresumed(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	shared := r.mark
	r.open()
	r.fakes["a"].seen = []protocol.Seen{{Coordinator: 1, Epoch: 2, Mark: 0x2222, LSN: 40}}
	r.fakes["b"].promised[tx(1, 1)] = protocol.InDoubt{ID: tx(1, 1), Mark: shared, Members: []string{"a", "b"}}
	r.up("a")
	if r.stop == nil {
		t.Fatal("C5: it serves on")
	}
	r.open()
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "an old copy"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	r.open()
	r.up("a", "b")
	r.pass(3 * time.Minute)
	if got := r.question("b", tx(1, 1), shared, "a", "b").Answer.Outcome; got != txc.Undecided {
		t.Errorf("of the opening that both logs share: %v", got)
	}
	if _, ok := r.fakes["b"].promised[tx(1, 1)]; !ok {
		t.Error("b's branch was ended")
	}
}
