package coordinator_test

import (
	"testing"

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
