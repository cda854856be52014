package coordinator_test

import (
	"slices"
	"time"

	"github.com/txc-dev/txc"
)

// look judges everything that came of the last event.
func (s *story) look() {
	s.rig.t.Helper()
	for _, name := range cast {
		for _, m := range s.sent[name] {
			s.sends(name, m)
			s.meets(m.ID)
			s.wires[name] = append(s.wires[name], m)
		}
		s.sent[name] = nil
	}
	for token, a := range s.rig.answers {
		s.ledger.answers(token, a)
		s.meets(a.Result.ID)
	}
}

// meets enters an id among those that later events are about.
func (s *story) meets(id txc.ID) {
	if !id.IsZero() && !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

// rest brings everything back and lets minutes go by: then nobody is in doubt, every ask is answered, and every branch has
// ended as the log says.
func (s *story) rest() {
	s.rig.t.Helper()
	if s.stop != nil {
		s.restart(true)
		s.look()
	}
	for _, name := range cast {
		s.linkage(name, 0)
		s.look()
	}
	for range 90 {
		for busy := true; busy; {
			s.writes(0)
			s.look()
			busy = false
			for _, name := range cast {
				busy = busy || len(s.wires[name]) > 0
				s.hears(name, true)
				s.look()
			}
		}
		for _, name := range cast {
			for id := range s.fakes[name].promised {
				s.inquire(name, id)
				s.look()
			}
		}
		s.waits(2 * time.Second)
		s.look()
	}
	for _, name := range cast {
		for id := range s.fakes[name].promised {
			s.rig.t.Errorf("%s is in doubt about %s for ever", name, id)
		}
		for id, fate := range s.fakes[name].ended {
			if _, ok := s.durable[id]; ok != (fate == txc.CommittedBefore) && s.promised[id] {
				s.rig.t.Errorf("%s has %s as %v, durable: %v", name, id, fate, ok)
			}
		}
	}
}
