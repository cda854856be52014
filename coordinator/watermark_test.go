package coordinator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// watermark asks what the coordinator tells a participant now: its next message bears it.
func (r *rig) watermark(name string) (txc.ID, []txc.ID) {
	r.t.Helper()
	r.now = r.now.Add(250 * time.Millisecond)
	r.step()
	a := r.register(name)
	return a.Opening.Watermark, a.Opening.Open
}

func TestP5_TheWatermarkPassesWhatIsOver(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	if mark, open := r.watermark("a"); mark != tx(1, 1) || len(open) != 0 {
		t.Errorf("at first: %s, %v", mark, open)
	}
	for range 3 {
		r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
	}
	r.flush()
	if mark, open := r.watermark("a"); mark != tx(1, 4) || len(open) != 0 {
		t.Errorf("after three: %s, %v", mark, open)
	}
}

func TestP5_AnEndInMemoryMovesNothing(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	if mark, open := r.watermark("a"); mark != tx(1, 2) || !slices.Equal(open, []txc.ID{tx(1, 1)}) {
		t.Errorf("acknowledged, the end not durable: %s, %v", mark, open)
	}
	r.flush()
	if mark, open := r.watermark("a"); mark != tx(1, 2) || len(open) != 0 {
		t.Errorf("the end is durable: %s, %v", mark, open)
	}
}

func TestP5_AnAcknowledgementCountsOnceItIsDurable(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	token := r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.fakes["b"].deaf = false
	r.deliverOnce()
	r.fakes["b"].deaf = true
	r.deliver() // a has acknowledged, b has not
	r.answer(token)
	if _, open := r.watermark("a"); !slices.Equal(open, []txc.ID{tx(1, 1)}) {
		t.Errorf("at once: %v", open)
	}
	r.now = r.now.Add(1100 * time.Millisecond) // noted now, lazily
	r.step()
	if _, open := r.watermark("a"); !slices.Equal(open, []txc.ID{tx(1, 1)}) {
		t.Errorf("noted in memory: %v", open)
	}
	r.flush()
	if _, open := r.watermark("a"); len(open) != 0 {
		t.Errorf("durable: %v", open)
	}
	if _, open := r.watermark("b"); !slices.Equal(open, []txc.ID{tx(1, 1)}) {
		t.Errorf("of b, which has not acknowledged: %v", open)
	}
	acks := records[wal.AcknowledgedBody](r)
	if len(acks) != 1 || !slices.Equal(acks[0].Body.(wal.AcknowledgedBody).Participants, []string{"a"}) {
		t.Errorf("%+v", acks)
	}
	r.crash(true)
	r.up("a", "b")
	if n := len(heardBy[protocol.Commit](r.fakes["a"])); n != 1 {
		t.Errorf("a heard commit %d times", n)
	}
}

func TestP5_AnOpenTransactionIsAnExceptionForEverybody(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	id := r.ask(coordinator.AskBegin{}).Result.ID
	r.begin(run(coordinator.Applied, "a"))
	r.deliver()
	r.flush()
	for _, name := range []string{"a", "b"} {
		if mark, open := r.watermark(name); mark != tx(1, 3) || !slices.Equal(open, []txc.ID{id}) {
			t.Errorf("%s: %s, %v", name, mark, open)
		}
	}
	r.ask(coordinator.AskAbort{ID: id})
	if mark, open := r.watermark("b"); mark != tx(1, 3) || len(open) != 0 {
		t.Errorf("afterwards: %s, %v", mark, open)
	}
}

func TestP5_AHeuristicThatWaitsForAPersonHoldsNobodyElseBack(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].fate = fated(txc.Hazard)
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.pass(3 * time.Second)
	if _, open := r.watermark("b"); len(open) != 0 {
		t.Errorf("b: %v", open)
	}
	r.crash(true)
	r.up("a", "b")
	r.pass(3 * time.Second)
	if _, open := r.watermark("b"); len(open) != 0 {
		t.Errorf("b after a restart: %v", open)
	}
}

func TestP5_TheExceptionsHaveABoundAndTheWatermarkWaits(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	for range txc.MaxOpen + 10 {
		r.step(withToken(t, coordinator.AskBegin{}, "begin"))
		delete(r.answers, "begin")
	}
	mark, open := r.watermark("a")
	if mark != tx(1, txc.MaxOpen+1) || len(open) != txc.MaxOpen || open[0] != tx(1, 1) {
		t.Errorf("%s, %d exceptions from %s", mark, len(open), open[0])
	}
}

// issue lets ids go by: transactions without a branch, which end at once.
func (r *rig) issue(n int) {
	r.t.Helper()
	for n > 0 {
		var events []coordinator.Event
		for ; n > 0 && len(events) < 4096; n-- {
			events = append(events, coordinator.AskRun{Token: fmt.Sprint("issue ", len(events))})
		}
		r.step(events...)
		clear(r.answers)
	}
}

func TestP5_NoNewWorkWhenTheWatermarkLagsTooFar(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxLive: 1 << 20}, "a", "b")
	for range txc.MaxOpen + 1 { // the watermark waits at the first of those beyond the exceptions
		r.step(coordinator.AskBegin{Token: "begin", Request: coordinator.Request{Timeout: 5 * time.Minute}})
		delete(r.answers, "begin")
	}
	r.issue(txc.MaxLag - 10)
	if got := r.commits("a").Result; got.Outcome != txc.Committed {
		t.Errorf("below the lag: %+v", got)
	}
	r.issue(100)
	if err := r.ask(run(coordinator.Applied, "a")).Err; !busyAt("a", err) {
		t.Errorf("past it: %v", err)
	}
	r.ask(coordinator.AskAbort{ID: tx(1, 1)})
	r.watermark("a")
	if got := r.commits("a").Result; got.Outcome != txc.Committed {
		t.Errorf("when the oldest has ended: %+v", got)
	}
}

// A participant is heard, and cannot apply what an older opening has decided: its watermark waits there.
func TestP5_AWatermarkThatWaitsInAnOlderOpeningLagsToo(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	f := r.fakes["a"]
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	for range txc.MaxOpen + 1 {
		r.begin(run(coordinator.Decided, "a"))
		r.deliver()
	}
	r.crash(false)
	r.up("a", "b")
	if mark, open := r.watermark("a"); mark != tx(1, txc.MaxOpen+1) || len(open) != txc.MaxOpen {
		t.Fatalf("it waits at %s, with %d exceptions", mark, len(open))
	}
	r.issue(txc.MaxLag + 100)
	if err := r.ask(run(coordinator.Applied, "a")).Err; !busyAt("a", err) {
		t.Errorf("new work for it: %v", err)
	}
	if got := r.commits("b").Result; got.Outcome != txc.Committed {
		t.Errorf("for another: %+v", got)
	}
}

func TestP5_ManyBeginsBetweenTwoRefreshesAreNoLag(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.issue(txc.MaxLag + 100) // no time passes
	if got := r.commits("a").Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
}

func TestP5_ADeadParticipantHoldsUpNobodyElse(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxQueue: 5}, "a", "b", "c")
	r.fakes["c"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	for range 4 {
		r.begin(run(coordinator.Decided, "a", "c"))
		r.deliver()
	}
	r.cut("c")
	for range 100 {
		token := r.begin(run(coordinator.Applied, "a", "b"))
		r.deliver()
		if got := r.answer(token).Result; got.Outcome != txc.Committed || !got.Applied {
			t.Fatalf("%+v", got)
		}
	}
	r.pass(3 * time.Second)
	for _, name := range []string{"a", "b"} {
		if mark, open := r.watermark(name); mark != tx(1, 105) || len(open) != 0 {
			t.Errorf("%s: %s, %v", name, mark, open)
		}
	}
	if s := r.ask(coordinator.AskStatus{}).Status; s.Live != 4 {
		t.Errorf("%d in memory", s.Live)
	}
	r.crash(true)
	if n := len(r.rec.Unfinished); n != 4 {
		t.Errorf("%d unfinished in the log", n)
	}
	r.up("a", "b")
	if got := r.ask(run(coordinator.Applied, "a", "c")).Result; got.Reason.Code != txc.CodeUnreachable || got.Reason.Participant != "c" {
		t.Errorf("new work for it: %+v", got)
	}
	r.fakes["c"].mute = nil
	r.up("c")
	r.flush()
	if s := r.ask(coordinator.AskStatus{}).Status; s.Live != 0 {
		t.Errorf("%d in memory when it is back", s.Live)
	}
}

func TestP5_OlderOpeningsArePassedOnceTheParticipantIsHeard(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.flush()
	r.crash(true)
	if mark, _ := r.watermark("a"); !mark.IsZero() {
		t.Errorf("a is not heard: %s", mark)
	}
	r.connect("a")
	r.deliverOnce() // hello; its list is not there yet
	r.step()
	if mark, _ := r.watermark("a"); !mark.IsZero() {
		t.Errorf("what it left was not shown: %s", mark)
	}
	r.deliver()
	if mark, _ := r.watermark("a"); mark != tx(2, 1) {
		t.Errorf("a is heard: %s", mark)
	}
	if mark, _ := r.watermark("b"); !mark.IsZero() {
		t.Errorf("b is not: %s", mark)
	}
}
