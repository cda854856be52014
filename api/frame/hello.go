package frame

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Hello opens a stream, both ways. A zero field was not said.
type Hello struct {
	Min, Max    uint32           // versions of the stream's protocol
	From        *protocol.Sender // a coordinator's
	Name        string           // a participant's own; of a coordinator's hello to a participant: whom it means
	Instance    [16]byte         // a participant's: its store's identity
	MaxFrame    uint32           // bytes that the speaker takes; 0: MaxFrame
	Software    string
	Seen        []protocol.Seen // a participant's witnesses
	Incarnation uint64          // a participant's
	Stamp       uint64          // a participant's; 0: its store keeps none
}

// NewHello is a hello of this package's versions and bounds.
func NewHello(software string) Hello {
	return Hello{Min: VersionMin, Max: VersionMax, MaxFrame: MaxFrame, Software: software}
}

// Agree refuses a hello whose versions or bounds leave nothing in common with this package's. The error wraps
// ErrDisagree and tells a person what to do.
func (h Hello) Agree() error {
	if h.Min > VersionMax || h.Max < VersionMin {
		return fmt.Errorf("%w: it speaks versions %d to %d of the stream, this side %d to %d: upgrade the older one",
			ErrDisagree, h.Min, h.Max, VersionMin, VersionMax)
	}
	if h.MaxFrame != 0 && h.MaxFrame < MinFrame {
		return fmt.Errorf("%w: it takes frames of %d bytes, at least %d are needed", ErrDisagree, h.MaxFrame, MinFrame)
	}
	return nil
}

// limit is how long a frame may be for the speaker of h.
func (h Hello) limit() int {
	if h.MaxFrame == 0 {
		return MaxFrame
	}
	return int(min(max(h.MaxFrame, MinFrame), MaxFrame))
}

func appendHello(b []byte, num protowire.Number, h *Hello) (_ []byte, err error) {
	b, at := open(b, num)
	b = appendUint(b, 1, uint64(h.Min))
	b = appendUint(b, 2, uint64(h.Max))
	if h.From != nil {
		if err := OpeningOf(h.From).check(); err != nil {
			return b, wrong("hello: %w", err)
		}
		if b, err = appendSender(b, 3, h.From); err != nil {
			return b, err
		}
	}
	b = appendString(b, 4, h.Name)
	if h.Instance != ([16]byte{}) {
		b = appendBytes(b, 5, h.Instance[:])
	}
	b = appendUint(b, 6, uint64(h.MaxFrame))
	b = appendString(b, 7, cut(h.Software, MaxSoftware))
	for _, s := range h.Seen {
		b = appendSeen(b, 8, s, Opening{})
	}
	b = appendFixed(b, 9, h.Incarnation)
	b = appendUint(b, 10, h.Stamp)
	return shut(b, at), nil
}

func (f *fields) hello(s *shared) Hello {
	in := f.message()
	var h Hello
	for in.next() {
		switch in.num {
		case 1:
			h.Min = in.uint32()
		case 2:
			h.Max = in.uint32()
		case 3:
			in.single()
			h.From = new(protocol.Sender)
			in.sender(Opening{}, h.From)
			if err := OpeningOf(h.From).check(); err != nil {
				in.fail("%w", err)
			}
		case 4:
			h.Name = s.name(&in)
		case 5:
			h.Instance = in.instance()
		case 6:
			h.MaxFrame = in.uint32()
		case 7:
			h.Software = cut(string(in.raw(MaxFrame)), MaxSoftware)
		case 8:
			h.Seen = append(h.Seen, in.witness())
			in.atMost(len(h.Seen), MaxSeen)
		case 9:
			h.Incarnation = in.fixed64()
		case 10:
			h.Stamp = in.uint64()
		}
	}
	f.leave(&in)
	return h
}

// witness reads one that must be complete.
func (f *fields) witness() protocol.Seen {
	s := f.seen(Opening{})
	if s.Coordinator == 0 || s.Epoch == 0 {
		f.fail("a witness without coordinator or epoch")
	}
	return s
}

func (o Opening) id(sequence uint64) txc.ID {
	return txc.ID{Coordinator: o.Coordinator, Epoch: o.Epoch, Sequence: sequence}
}
