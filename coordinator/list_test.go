package coordinator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestTheListOfWhatIsInMemory(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	for i := range 6 {
		names := []string{"a", "b"}
		if i%2 == 1 {
			names = names[:1]
		}
		r.begin(coordinator.AskRun{Request: coordinator.Request{Labels: map[string]string{"n": fmt.Sprint(i)}, Work: work(names...)}})
		r.deliver()
		r.flush()
		r.now = r.now.Add(time.Second)
	}
	ids := func(f coordinator.Filter, before txc.ID) (s string, a coordinator.Answered) {
		a = r.ask(coordinator.AskList{Filter: f, Before: before})
		for _, d := range a.List {
			s += fmt.Sprint(d.ID.Sequence)
		}
		return s, a
	}
	for _, c := range []struct {
		name string
		f    coordinator.Filter
		want string
	}{
		{"all, newest first", coordinator.Filter{}, "654321"},
		{"in doubt", coordinator.Filter{States: []string{"in-doubt"}}, "531"},
		{"ended", coordinator.Filter{States: []string{"ended"}}, "642"},
		{"of b", coordinator.Filter{Participant: "b"}, "531"},
		{"with a label", coordinator.Filter{Labels: map[string]string{"n": "3"}}, "4"},
		{"since", coordinator.Filter{Since: epoch0.Add(3 * time.Second)}, "654"},
		{"none", coordinator.Filter{Limit: -1}, ""},
		{"aborted", coordinator.Filter{States: []string{"aborted", "mixed", "working"}}, ""},
	} {
		if got, a := ids(c.f, txc.ID{}); got != c.want || a.More || len(a.Memory) != 6 {
			t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, a.Memory)
		}
	}
	got, a := ids(coordinator.Filter{Limit: 4}, txc.ID{})
	if got != "6543" || !a.More || len(a.List[0].Timeline) == 0 {
		t.Errorf("%s", got)
	}
	if got, a := ids(coordinator.Filter{Limit: 4}, tx(1, 3)); got != "21" || a.More {
		t.Errorf("%s", got)
	}
	d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail
	if d.State != "committing" || len(d.WaitsFor) != 1 || d.WaitsFor[0] != "the acknowledgement of b" || d.Labels["n"] != "0" || d.Began != epoch0 {
		t.Errorf("%+v", d)
	}
	var what []string
	for _, m := range d.Timeline {
		what = append(what, m.What+" "+m.Participant)
	}
	if got := fmt.Sprint(what); got != "[begun  prepare sent a prepare sent b vote yes a vote yes b committed  commit sent a commit sent b committed now a commit sent b commit sent b]" {
		t.Errorf("%s", got)
	}
	if a := r.ask(coordinator.AskDetail{ID: tx(1, 99)}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("%+v", a)
	}
}

// Its end is written lazily; how long it took is no matter of when that happens.
func TestATransactionEndsWithItsLastAnswer(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.begin(run(coordinator.Applied, "a"))
	r.deliver()
	last := r.now
	r.now = r.now.Add(time.Second)
	r.flush()
	if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.State != "ended" || d.Ended != last {
		t.Errorf("%s, %v after its last answer", d.State, d.Ended.Sub(last))
	}
}

func TestWhatEndedIsRememberedForAWhile(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	for range 5000 {
		r.step(withToken(t, coordinator.AskRun{}, "run"))
		delete(r.answers, "run")
	}
	if n := len(r.ask(coordinator.AskList{}).List); n != 4096 {
		t.Errorf("%d", n)
	}
}

func TestATimelineHasABound(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.pass(10 * time.Minute)
	if n := len(r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail.Timeline); n > 40 {
		t.Errorf("%d moments", n)
	}
}
