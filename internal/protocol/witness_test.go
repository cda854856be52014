package protocol_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// Three openings; the second began at LSN 10, the third, which runs, at 15. Nothing beyond 20 is synced.
var table = Openings{All: []Opening{{1, 0xa, 1}, {2, 0xb, 10}, {4, 0xd, 15}}}

func TestJudge(t *testing.T) {
	lossy := Openings{All: table.All, Losses: []Loss{{Epoch: 2, Mark: 0xb, From: 15, To: 17}, {Epoch: 3, Mark: 0xc, From: 1, To: 12}}}
	for _, r := range []struct {
		proves string
		table  Openings
		seen   Seen
		want   Verdict
	}{
		{"C6: one who has seen nothing", table, Seen{}, Contained},
		{"C6: an old opening, below the next one's first", table, Seen{Epoch: 1, Mark: 0xa, LSN: 9}, Contained},
		{"C6: an old opening's lost tail is not made good by a newer opening", table, Seen{Epoch: 1, Mark: 0xa, LSN: 10}, NotContained},
		{"C6: the one before this", table, Seen{Epoch: 2, Mark: 0xb, LSN: 14}, Contained},
		{"C6: the one before this, beyond its end", table, Seen{Epoch: 2, Mark: 0xb, LSN: 16}, NotContained},
		{"C6: this opening, synced", table, Seen{Epoch: 4, Mark: 0xd, LSN: 20}, Contained},
		{"C6: this opening, never synced", table, Seen{Epoch: 4, Mark: 0xd, LSN: 21}, NotContained},
		{"C5: a higher epoch", table, Seen{Epoch: 5, Mark: 0xe}, HigherEpoch},
		{"C5: this epoch with another mark", table, Seen{Epoch: 4, Mark: 0xe, LSN: 3}, OtherMark},
		{"C6: an older epoch with another mark was lost", table, Seen{Epoch: 2, Mark: 0xe, LSN: 3}, NotContained},
		{"C6: an older epoch that this log never opened was lost", table, Seen{Epoch: 3, Mark: 0xc, LSN: 3}, NotContained},
		{"C12: a tail whose loss was accepted", lossy, Seen{Epoch: 2, Mark: 0xb, LSN: 17}, Accepted},
		{"C12: more than was accepted", lossy, Seen{Epoch: 2, Mark: 0xb, LSN: 18}, NotContained},
		{"C12: an opening whose loss was accepted", lossy, Seen{Epoch: 3, Mark: 0xc, LSN: 12}, Accepted},
		{"C12: an opening lost, beyond what was accepted", lossy, Seen{Epoch: 3, Mark: 0xc, LSN: 13}, NotContained},
		{"C5: a log that was never opened owns nothing", Openings{}, Seen{Epoch: 1, Mark: 0xa}, HigherEpoch},
	} {
		if got := r.table.Judge(r.seen, 20); got != r.want {
			t.Errorf("%s: got %v, want %v", r.proves, got, r.want)
		}
	}
	for v, good := range map[Verdict]bool{NotContained: false, Contained: true, Accepted: true, HigherEpoch: false, OtherMark: false} {
		if v.Good() != good {
			t.Errorf("%v: good is %v", v, v.Good())
		}
	}
	if !lossy.Disowned(2, 0xb) || !lossy.Disowned(3, 0xc) || lossy.Disowned(2, 0xc) || lossy.Disowned(1, 0xa) {
		t.Error("C12: disowned is what was accepted as lost, opening by opening")
	}
	copied := Openings{All: table.All, Losses: []Loss{{Epoch: 9, Mark: 0xf, From: 1, To: 30}, {Epoch: 2, From: 1, To: 99}}}
	if !copied.Disowned(1, 0xa) || !copied.Disowned(2, 0xb) || copied.Disowned(4, 0xd) {
		t.Error("C12: of a copy every opening that the other log may have gone on from is disowned, and none behind")
	}
	if !lossy.Ambiguous(1) || !lossy.Ambiguous(3) || lossy.Ambiguous(4) || table.Ambiguous(1) {
		t.Error("C12: an id without its mark may be of the opening that was lost, up to its epoch")
	}
}

func TestOpeningAt(t *testing.T) {
	o := Openings{All: []Opening{{1, 0xa, 1}, {2, 0xb, 10}, {4, 0xd, 15}}}
	for lsn, want := range map[uint64]uint32{0: 0, 1: 1, 9: 1, 10: 2, 14: 2, 15: 4, 99: 4} {
		if got := o.At(lsn); got != want {
			t.Errorf("record %d was written under epoch %d, not %d", lsn, want, got)
		}
	}
}

func TestOpenings(t *testing.T) {
	for _, r := range []struct {
		proves string
		epoch  uint32
		mark   uint64
		want   bool
	}{
		{"C5: this opening", 4, 0xd, true},
		{"C5: an older one", 1, 0xa, true},
		{"C5: an older one's number with another's mark", 1, 0xb, false},
		{"C5: an epoch that was skipped", 3, 0, false},
		{"C5: a future one", 5, 0xd, false},
	} {
		if got := table.Has(r.epoch, r.mark); got != r.want {
			t.Errorf("%s: got %v, want %v", r.proves, got, r.want)
		}
	}
}

func TestWatermark(t *testing.T) {
	id := func(sequence uint64) txc.ID { return txc.ID{Coordinator: 1, Epoch: 2, Sequence: sequence} }
	ids := func(n int) (all []txc.ID) {
		for i := range n {
			all = append(all, id(uint64(2*i+1)))
		}
		return all
	}
	for _, r := range []struct {
		proves string
		alive  int
		mark   txc.ID
		open   int
	}{
		{"P5: with nothing alive everything is over", 0, id(9999), 0},
		{"P5: what is alive is listed", 3, id(9999), 3},
		{"P5: as many as may be listed", txc.MaxOpen, id(9999), txc.MaxOpen},
		{"P5: the watermark waits at the next one", txc.MaxOpen + 1, id(2*txc.MaxOpen + 1), txc.MaxOpen},
		{"P5: however many there are", txc.MaxOpen + 500, id(2*txc.MaxOpen + 1), txc.MaxOpen},
	} {
		alive := ids(r.alive)
		mark, open := Watermark(id(9999), alive)
		if mark != r.mark || len(open) != r.open {
			t.Errorf("%s: got %v and %d ids, want %v and %d", r.proves, mark, len(open), r.mark, r.open)
		}
		passed := Passed{Below: mark, Open: open}
		for _, a := range alive {
			if passed.Has(a) {
				t.Errorf("%s: %v is alive and passed", r.proves, a)
			}
		}
	}
	for _, r := range []struct {
		proves     string
		next, mark txc.ID
		want       bool
	}{
		{"P5: it may lag so far", id(txc.MaxLag + 10), id(10), false},
		{"P5: and no farther", id(txc.MaxLag + 10), id(9), true},
		{"P5: it does not lag", id(txc.MaxLag + 10), id(txc.MaxLag + 10), false},
		{"P5: the ids of an older opening do not count", id(txc.MaxLag), txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, false},
		{"P5: those of this one do, though it waits in an older one", id(txc.MaxLag + 1), txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, true},
	} {
		if got := Lagging(r.next, r.mark); got != r.want {
			t.Errorf("%s: got %v", r.proves, got)
		}
	}
}

// What a participant keeps of its coordinator's openings. Opening 1 let something be written here, up to LSN 5.
func TestWitnesses(t *testing.T) {
	seen := func(epoch uint32, mark, lsn uint64) Seen { return Seen{1, epoch, mark, lsn} }
	from := func(epoch uint32, mark, lsn uint64) *Sender {
		return &Sender{Coordinator: 1, Epoch: epoch, Mark: mark, LSN: lsn}
	}
	heard := func(s *Sender, epoch uint32) *Sender {
		s.Watermark = txc.ID{Coordinator: 1, Epoch: epoch, Sequence: 1}
		return s
	}
	one := Witnesses{seen(1, 0xa, 5)}
	two := Witnesses{seen(1, 0xa, 5), seen(2, 0xb, 0)}
	many := Witnesses{}
	for e := range uint32(MaxWitnesses) {
		many = append(many, seen(e+1, 0xf, 9))
	}
	for _, r := range []struct {
		proves string
		w      Witnesses
		from   *Sender
		hello  bool
		want   Witnesses
	}{
		{"the first hello", nil, from(1, 0xa, 3), true, Witnesses{seen(1, 0xa, 0)}},
		{"the first message", nil, from(1, 0xa, 3), false, Witnesses{seen(1, 0xa, 3)}},
		{"C6: the LSN grows", one, from(1, 0xa, 7), false, Witnesses{seen(1, 0xa, 7)}},
		{"C6: and never shrinks", one, from(1, 0xa, 4), false, one},
		{"C6: a newer opening's hello takes nothing away: it has not heard us yet", one, from(2, 0xb, 6), true, two},
		{"C6: nor does a message, or an answer, of an opening that has not heard us", two, from(2, 0xb, 6), false, Witnesses{seen(1, 0xa, 5), seen(2, 0xb, 6)}},
		{"C6: an opening that only said hello gives way to the next", two, from(3, 0xc, 8), true, Witnesses{seen(1, 0xa, 5), seen(3, 0xc, 0)}},
		{"P5, C6: once a watermark has passed the older openings, they were judged", two, heard(from(2, 0xb, 6), 2), false, Witnesses{seen(2, 0xb, 6)}},
		{"P5, C6: a watermark that has not, drops nothing", two, heard(from(2, 0xb, 6), 1), false, Witnesses{seen(1, 0xa, 5), seen(2, 0xb, 6)}},
		{"a watermark from the future drops no more than the past", one, heard(from(1, 0xa, 6), 9), false, Witnesses{seen(1, 0xa, 6)}},
		{"P6: what is refused changes nothing: below", two, from(1, 0xa, 9), false, two},
		{"P6: what is refused changes nothing: another mark", two, from(2, 0xe, 9), false, two},
		{"they are bounded", many, from(99, 0xf, 0), true, append(slices.Clone(many[1:]), seen(99, 0xf, 0))},
	} {
		before := slices.Clone(r.w)
		if got := r.w.Hear(r.from, r.hello); !slices.Equal(got, r.want) {
			t.Errorf("%s:\n got %v\nwant %v", r.proves, got, r.want)
		}
		if !slices.Equal(before, r.w) {
			t.Errorf("%s: its receiver was changed", r.proves)
		}
	}
	if (Witnesses{}).Highest() != (Seen{}) || two.Highest() != two[1] {
		t.Error("the highest is the last")
	}
}
