package frame

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Opening is what a coordinator's hello fixes for its stream: ids of this epoch and mark go by their sequence alone.
type Opening struct {
	Cluster     string
	Coordinator uint32
	Epoch       uint32
	Mark        uint64
}

// OpeningOf is what of a sender stays the same on its stream.
func OpeningOf(s *protocol.Sender) Opening {
	return Opening{Cluster: s.Cluster, Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark}
}

func (o Opening) check() error {
	if o.Coordinator == 0 || o.Epoch == 0 {
		return fmt.Errorf("an opening without coordinator or epoch")
	}
	return txc.CheckCluster(o.Cluster)
}

// appendSender writes all of a sender, as a hello does.
func appendSender(b []byte, num protowire.Number, s *protocol.Sender) ([]byte, error) {
	b, at := open(b, num)
	b = appendString(b, 1, s.Cluster)
	b = appendUint(b, 2, uint64(s.Coordinator))
	b = appendUint(b, 3, uint64(s.Epoch))
	b = appendFixed(b, 4, s.Mark)
	b = appendUint(b, 5, s.LSN)
	b, err := appendWatermark(b, OpeningOf(s), s)
	return shut(b, at), err
}

// appendChange writes what is new of a sender since the one before, on the stream of opening o.
func appendChange(b []byte, num protowire.Number, o Opening, old, s *protocol.Sender) ([]byte, error) {
	if OpeningOf(s) != o {
		return b, wrong("a sender of another opening (epoch %d) on the stream of epoch %d", s.Epoch, o.Epoch)
	}
	b, at := open(b, num)
	b = appendUint(b, 5, s.LSN)
	if s.Watermark == old.Watermark && sameIDs(s.Open, old.Open) {
		return shut(b, at), nil
	}
	if s.Watermark.IsZero() {
		return b, wrong("a watermark was taken back")
	}
	b, err := appendWatermark(b, o, s)
	return shut(b, at), err
}

// sameIDs sees at once that two senders share one list.
func sameIDs(a, b []txc.ID) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

func appendWatermark(b []byte, o Opening, s *protocol.Sender) ([]byte, error) {
	near := func(id txc.ID) bool { return id.Coordinator == o.Coordinator && id.Epoch == o.Epoch }
	if near(s.Watermark) {
		b = appendUint(b, 8, s.Watermark.Sequence)
	} else {
		b = appendID(b, 6, s.Watermark)
	}
	rest := s.Open
	for len(rest) > 0 && !near(rest[0]) {
		b = appendID(b, 7, rest[0])
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return b, nil
	}
	b, at := open(b, 9)
	last := uint64(0)
	for _, id := range rest {
		if !near(id) || id.Sequence <= last {
			return b, wrong("open ids are not ascending at %v", id)
		}
		b = protowire.AppendVarint(b, id.Sequence-last)
		last = id.Sequence
	}
	return shut(b, at), nil
}

// sender reads a sender into s; near is the stream's opening, or empty in its hello. It reports whether a watermark was
// said.
func (f *fields) sender(near Opening, s *protocol.Sender) (watermark bool) {
	in := f.element()
	var sequences []byte // of field 9, which may come before the opening is known
	for in.next() {
		switch in.num {
		case 1:
			s.Cluster = in.text(txc.MaxCluster)
		case 2:
			s.Coordinator = in.uint32()
		case 3:
			s.Epoch = in.uint32()
		case 4:
			s.Mark = in.fixed64()
		case 5:
			s.LSN = in.uint64()
		case 6:
			in.notBoth(watermark)
			s.Watermark, watermark = in.id(), true
		case 7:
			s.Open = append(s.Open, in.id())
			in.atMost(len(s.Open), txc.MaxOpen)
		case 8:
			in.notBoth(watermark)
			s.Watermark, watermark = txc.ID{Sequence: in.uint64()}, true
		case 9:
			in.single()
			sequences = in.bytes(txc.MaxOpen * maxVarint)
		}
	}
	if near == (Opening{}) {
		near = OpeningOf(s)
	}
	if s.Watermark.Coordinator == 0 && s.Watermark.Sequence > 0 {
		s.Watermark.Coordinator, s.Watermark.Epoch = near.Coordinator, near.Epoch
	}
	in.openSequences(sequences, near, s)
	f.leave(&in)
	return watermark
}

func (f *fields) openSequences(b []byte, near Opening, s *protocol.Sender) {
	last := uint64(0)
	if len(b) > 0 {
		s.Open = slices.Grow(s.Open, min(len(b), txc.MaxOpen))
	}
	for len(b) > 0 && f.err == nil {
		step, n := protowire.ConsumeVarint(b)
		if n < 0 || step == 0 || last+step < last {
			f.fail("open sequences: not ascending")
			return
		}
		b, last = b[n:], last+step
		s.Open = append(s.Open, txc.ID{Coordinator: near.Coordinator, Epoch: near.Epoch, Sequence: last})
		f.atMost(len(s.Open), txc.MaxOpen)
	}
	for i, id := range s.Open {
		if id.Coordinator != near.Coordinator || i > 0 && s.Open[i-1].Compare(id) >= 0 {
			f.fail("open ids are not ascending at %v", id)
		}
	}
}

func (f *fields) notBoth(said bool) {
	if said {
		f.fail("two watermarks")
	}
}

func (f *fields) atMost(n, limit int) {
	if n > limit {
		f.fail("more than %d", limit)
	}
}

// change makes the next sender of a stream from the one before and what was said.
func (f *fields) change(o Opening, old *protocol.Sender) *protocol.Sender {
	var said protocol.Sender
	watermark := f.sender(o, &said)
	next := &protocol.Sender{Cluster: o.Cluster, Coordinator: o.Coordinator, Epoch: o.Epoch, Mark: o.Mark, LSN: said.LSN}
	if said.Coordinator != 0 || said.Cluster != "" || said.Epoch != 0 || said.Mark != 0 {
		if OpeningOf(&said) != o {
			f.fail("a sender of another opening than the stream's")
		}
	}
	switch {
	case watermark:
		next.Watermark, next.Open = said.Watermark, said.Open
	case len(said.Open) > 0:
		f.fail("open ids without a watermark")
	case old != nil:
		next.Watermark, next.Open = old.Watermark, old.Open
	}
	return next
}
