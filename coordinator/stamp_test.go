package coordinator_test

import (
	"context"
	"testing"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal/mem"
)

// stamped is a core and its log, with one participant whose registrations and welcomes a test words itself.
type stamped struct {
	t    *testing.T
	core *coordinator.Core
	log  *mem.Log
	now  time.Time
}

func newStamped(t *testing.T) *stamped {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	log, rec, err := mem.Open(mem.NewDisk(), mem.Options{Cluster: "txc", Number: 1, Mark: 7, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	core, err := coordinator.NewCore(rec, coordinator.Options{Seed: 1}, now)
	if err != nil {
		t.Fatal(err)
	}
	return &stamped{t, core, log, now}
}

// step gives the core events, and its log what it wants written, until it wants nothing more.
func (s *stamped) step(events ...coordinator.Event) {
	s.t.Helper()
	for len(events) > 0 {
		var out coordinator.Effects
		s.core.Step(coordinator.World{Now: s.now}, events, &out)
		events = nil
		if len(out.Append) > 0 {
			lsn, err := s.log.Append(context.Background(), out.Append)
			if err != nil {
				s.t.Fatal(err)
			}
			events = append(events, coordinator.Appended{N: len(out.Append), LSN: lsn})
		}
	}
}

func (s *stamped) register(incarnation, stamp uint64) {
	s.t.Helper()
	s.step(coordinator.AskRegister{Peer: coordinator.Peer{
		Name: "bank-a", Address: "127.0.0.1:1", Instance: [16]byte{1}, Incarnation: incarnation, Stamp: stamp,
	}})
}

func (s *stamped) welcome(incarnation, stamp uint64) {
	s.t.Helper()
	s.step(coordinator.LinkUp{Participant: "bank-a"}, coordinator.Received{Participant: "bank-a", Messages: []protocol.Message{
		{Body: protocol.Welcome{Name: "bank-a", Instance: [16]byte{1}, Incarnation: incarnation, Stamp: stamp}},
	}})
}

func (s *stamped) quarantined() bool {
	s.t.Helper()
	var out coordinator.Effects
	s.core.Step(coordinator.World{Now: s.now}, []coordinator.Event{coordinator.AskParticipants{}}, &out)
	if len(out.Answers) != 1 || len(out.Answers[0].Participants) != 1 {
		s.t.Fatalf("the participants are %+v", out.Answers)
	}
	return out.Answers[0].Participants[0].State == "quarantined"
}

// P12, C13: a lower stamp proves an older store only if it comes from another start of the participant. Of one start,
// registration and link overtake each other.
func TestLowerStampOfTheSameStartIsLate(t *testing.T) {
	for _, row := range []struct {
		proves string
		say    func(s *stamped)
		want   bool
	}{
		{"a welcome that was written before the registration is late", func(s *stamped) { s.register(1, 4); s.welcome(1, 3) }, false},
		{"a registration that was written before the welcome is late", func(s *stamped) { s.register(1, 3); s.welcome(1, 5); s.register(1, 4) }, false},
		{"a registration of a start that was over before the next one was linked is late", func(s *stamped) {
			s.register(1, 3)
			s.welcome(2, 3)
			s.welcome(2, 4)
			s.register(1, 3)
			s.welcome(2, 4)
		}, false},
		{"so may be one of a start that was never heard of", func(s *stamped) { s.register(2, 3); s.welcome(2, 4); s.register(1, 3); s.welcome(2, 4) }, false},
		{"another start with a lower stamp has another store, as its welcome shows", func(s *stamped) { s.register(1, 4); s.welcome(1, 4); s.register(2, 3); s.welcome(2, 3) }, true},
		{"another start's welcome with a lower stamp too", func(s *stamped) { s.register(1, 4); s.welcome(1, 4); s.welcome(2, 3) }, true},
		{"another start with the same stamp has the same store", func(s *stamped) { s.register(1, 4); s.welcome(1, 4); s.register(2, 4); s.welcome(2, 4) }, false},
	} {
		t.Run(row.proves, func(t *testing.T) {
			s := newStamped(t)
			row.say(s)
			if got := s.quarantined(); got != row.want {
				t.Errorf("quarantined: %v, not %v", got, row.want)
			}
		})
	}
}
