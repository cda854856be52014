package coordinator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestTheSameEventsGiveTheSameEffects(t *testing.T) {
	play := func() string {
		r := newRig(t, coordinator.Options{}, "a", "b", "c", "d")
		r.fakes["c"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
		for i := range 30 {
			r.begin(coordinator.AskRun{Request: coordinator.Request{Labels: map[string]string{"x": "1", "y": "2", "z": "3"}, Work: work([]string{"a", "b", "c", "d"}[i%3:]...)}})
			if i%7 == 3 {
				r.cut("b")
				r.up("b")
			}
			r.deliver()
		}
		r.begin(coordinator.AskRun{Request: coordinator.Request{Labels: map[string]string{"A": "1", "B": "2", "C": "3"}}})
		r.pass(time.Minute)
		r.crash(true)
		r.up("a", "b", "c", "d")
		r.pass(time.Minute)
		var all string
		for _, name := range r.order {
			for _, m := range r.fakes[name].heard {
				all += fmt.Sprintf("%s %s %T %+v %+v\n", name, m.ID, m.Body, m.From, m.Body)
			}
		}
		for i := range r.tokens {
			all += fmt.Sprintf("%+v\n", r.answers[fmt.Sprintf("ask %d", i)].Result)
		}
		return all
	}
	first := play()
	for range 5 {
		if play() != first {
			t.Fatal("another run, another story")
		}
	}
}
