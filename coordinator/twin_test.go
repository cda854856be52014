package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// The log is an old copy: the lost openings issued ids of the same names, and of epochs that this log skips.
func TestC12_AnIDWithoutItsMarkIsNotPresumedAfterALossFromElsewhere(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	aborted := r.ask(coordinator.AskBegin{}).Result
	r.fakes["a"].seen = []protocol.Seen{{Coordinator: 1, Epoch: 3, Mark: 0x3333, LSN: 40}}
	r.register("a")
	if r.stop == nil {
		t.Fatal("C5: it serves on")
	}
	r.open()
	r.up("a", "b")
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "an old copy"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	r.open()
	r.up("a", "b")
	for _, id := range []txc.ID{aborted.ID, tx(1, 9), tx(2, 1), tx(3, 1)} {
		if got := outcome(r, id); got.Outcome != txc.Unknown || !got.Older {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if a := r.ask(coordinator.AskOutcome{ID: aborted.ID, Mark: aborted.Mark}); a.Err != nil || a.Result.Outcome != txc.Aborted {
		t.Errorf("said with its mark: %+v", a)
	}
	if got := r.commits("a", "b").Result; got.Outcome != txc.Committed || outcome(r, got.ID).Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	if a := r.ask(coordinator.AskOutcome{ID: tx(r.rec.Epoch, 99)}); a.Err == nil {
		t.Errorf("never issued: %+v", a.Result)
	}
}

// C11, C12: what was sent before the coordinator last started, of a log that has lost something, does not run again because
// the wall clock says that the loss was long ago, however often it started since; what was sent since does, whatever it says.
func TestC12_AClockThatJumpsHidesNoLoss(t *testing.T) {
	for _, row := range []struct {
		name  string
		jump  time.Duration
		opens int // since the loss
	}{
		{"forwards", 48 * time.Hour, 1},
		{"backwards", -48 * time.Hour, 1},
		{"not at all", 0, 1},
		{"forwards, and an opening lies between", 48 * time.Hour, 2},
		{"not at all, and openings lie between", 0, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.fakes["a"].seen = []protocol.Seen{{Coordinator: 1, Epoch: 3, Mark: 0x3333, LSN: 40}}
			r.register("a")
			r.open()
			r.up("a", "b")
			if a := r.ask(coordinator.AskAccept{What: wal.ResolveLoss, Who: "eve", Why: "an old copy"}); a.Err != nil {
				t.Fatal(a.Err)
			}
			for n := range row.opens {
				if n == row.opens-1 {
					r.now = r.now.Add(row.jump)
				}
				r.open()
				r.up("a", "b")
			}
			retry := func(key string, ago time.Duration) coordinator.Result {
				token := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: key, Work: work("a", "b"), Wait: coordinator.Decided, FirstSentAgo: ago}})
				r.deliver()
				return r.answer(token).Result
			}
			if got := retry("before", 10*time.Second); got.Outcome != txc.Unknown || !got.Older {
				t.Errorf("sent before the loss: %+v", got)
			}
			r.pass(10 * time.Second)
			if got := retry("since", time.Second); got.Outcome != txc.Committed {
				t.Errorf("sent since: %+v", got)
			}
		})
	}
}
