package protocol_test

import (
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

func TestStand(t *testing.T) {
	seen := Seen{Coordinator: 1, Epoch: 7, Mark: 70, LSN: 5}
	for _, c := range []struct {
		proves string
		seen   Seen
		epoch  uint32
		mark   uint64
		want   Standing
	}{
		{"P6: below the highest is refused", seen, 6, 60, Refused},
		{"P6: below the highest is refused, whatever its mark", seen, 6, 70, Refused},
		{"P6: far below the highest is refused, whatever its mark", seen, 1, 70, Refused},
		{"P6: equal with another mark is refused", seen, 7, 71, Refused},
		{"P6: equal with the same mark is current", seen, 7, 70, Current},
		{"P6: above is newer, whatever its mark", seen, 8, 70, Newer},
		{"P6: the first one ever is newer", Seen{}, 1, 10, Newer},
		{"no epoch is no opening", Seen{}, 0, 0, Refused},
	} {
		t.Run(c.proves, func(t *testing.T) {
			epoch, mark := c.epoch, c.mark
			if got := c.seen.Stand(epoch, mark); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func id(sequence uint64) txc.ID { return txc.ID{Coordinator: 1, Epoch: 7, Sequence: sequence} }

func TestGuard(t *testing.T) {
	self := Self{Cluster: "txc", Incarnation: 9}
	seen := Seen{Coordinator: 1, Epoch: 7, Mark: 70}
	passed := Passed{Below: id(10), Open: []txc.ID{id(4)}}
	sender := func(change func(*Sender)) *Sender {
		s := &Sender{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 70}
		if change != nil {
			change(s)
		}
		return s
	}
	us := sender(nil)
	old := sender(func(s *Sender) { s.Epoch = 6 })
	for _, c := range []struct {
		proves string
		m      Message
		known  bool
		want   Guarded
	}{
		{"another cluster", Message{From: sender(func(s *Sender) { s.Cluster = "other" }), ID: id(11), Body: Commit{}}, true, NotMine},
		{"an id of another coordinator than the sender", Message{From: us, ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, Body: Commit{}}, true, NotMine},
		{"no sender", Message{ID: id(11), Body: Commit{}}, true, NotMine},
		{"P6: a fenced hello", Message{From: old, Body: Hello{}}, false, FencedOff},
		{"P6: a fenced Prepare", Message{From: old, ID: id(11), Body: Prepare{Incarnation: 9}}, true, FencedOff},
		{"P6: a fenced Commit", Message{From: old, ID: id(11), Body: Commit{}}, true, FencedOff},
		{"P6: a fenced Abort", Message{From: old, ID: id(11), Body: Abort{}}, true, FencedOff},
		{"P6: a fenced answer", Message{From: old, ID: id(11), Body: Answer{}}, true, FencedOff},
		{"P6: a fenced listing", Message{From: old, Body: List{}}, false, FencedOff},
		{"P6: another mark", Message{From: sender(func(s *Sender) { s.Mark = 71 }), ID: id(11), Body: Abort{}}, true, FencedOff},
		{"P6: a newer opening", Message{From: sender(func(s *Sender) { s.Epoch = 8 }), Body: Hello{}}, false, FirstSeen},
		{"P4: a Prepare for an earlier start", Message{From: us, ID: id(11), Body: Prepare{Incarnation: 8}}, false, OtherIncarnation},
		{"P4: a Prepare for no start at all", Message{From: us, ID: id(11), Body: Prepare{}}, false, OtherIncarnation},
		{"P5: below the watermark, nothing known", Message{From: us, ID: id(3), Body: Commit{}}, false, BelowWatermark},
		{"P5: below the watermark, but known", Message{From: us, ID: id(3), Body: Commit{}}, true, Admitted},
		{"P5: below the watermark, but listed", Message{From: us, ID: id(4), Body: Commit{}}, false, Admitted},
		{"above the watermark", Message{From: us, ID: id(10), Body: Prepare{Incarnation: 9}}, false, Admitted},
		{"a hello", Message{From: us, Body: Hello{}}, false, Admitted},
	} {
		t.Run(c.proves, func(t *testing.T) {
			if got := self.Guard(&c.m, seen, passed, c.known); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestGuardCall(t *testing.T) {
	self := Self{Cluster: "txc", Incarnation: 9}
	for _, c := range []struct {
		proves       string
		e            Enlistment
		below, known bool
		want         Guarded
	}{
		{"the first call", Enlistment{}, false, false, Admitted},
		{"a later call", Enlistment{9, 1}, false, true, Admitted},
		{"P4: a call of an earlier start", Enlistment{8, 1}, false, true, OtherIncarnation},
		{"P4: a count without a start", Enlistment{0, 1}, false, true, OtherIncarnation},
		{"P5: a call below the watermark", Enlistment{}, true, false, BelowWatermark},
	} {
		t.Run(c.proves, func(t *testing.T) {
			if got := self.GuardCall(c.e, c.below, c.known); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// P5: what has passed once never comes back, in whatever order watermarks arrive; the union holds exactly the ids of both.
func TestPassedJoin(t *testing.T) {
	sets := []Passed{
		{}, {Below: id(3)}, {Below: id(6), Open: []txc.ID{id(1), id(4)}}, {Below: id(6), Open: []txc.ID{id(4)}},
		{Below: id(9), Open: []txc.ID{id(2), id(4), id(7)}}, {Below: txc.ID{Coordinator: 1, Epoch: 8, Sequence: 1}, Open: []txc.ID{id(4)}},
	}
	for _, p := range sets {
		for _, q := range sets {
			both := p.Join(q)
			for n := range uint64(12) {
				if got, want := both.Has(id(n)), p.Has(id(n)) || q.Has(id(n)); got != want {
					t.Errorf("%v and %v: %v: got %v, want %v", p, q, id(n), got, want)
				}
			}
		}
	}
}
