package frame

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// Numbers of what an entry can say.
const (
	sayPrepare  protowire.Number = 10
	sayCommit   protowire.Number = 11
	sayAbort    protowire.Number = 12
	sayAnswer   protowire.Number = 13
	sayList     protowire.Number = 14
	sayFrom     protowire.Number = 15
	sayVote     protowire.Number = 20
	sayFate     protowire.Number = 21
	sayInquiry  protowire.Number = 22
	sayListed   protowire.Number = 24
	sayFenced   protowire.Number = 25
	sayRun      protowire.Number = 30
	sayBegin    protowire.Number = 31
	sayEnlist   protowire.Number = 32
	sayCommitTx protowire.Number = 33
	sayAbortTx  protowire.Number = 34
	sayOutcome  protowire.Number = 35
	sayBegun    protowire.Number = 40
	sayDone     protowire.Number = 41
	sayRefused  protowire.Number = 42
)

// Numbers of a frame's own fields.
const (
	frameHello   protowire.Number = 1
	frameFrom    protowire.Number = 2
	frameEntries protowire.Number = 3
)

// head is what every entry can bear beside what it says.
type head struct {
	id   txc.ID
	mark uint64
	n    uint64
}

func appendHead(b []byte, o Opening, h head) ([]byte, error) {
	switch {
	case h.id.IsZero():
		if h.mark != 0 {
			return b, wrong("a mark without an id")
		}
	case h.id.Coordinator != o.Coordinator || h.id.Epoch == 0 || h.id.Sequence == 0:
		return b, wrong("id %v on a stream of coordinator %d", h.id, o.Coordinator)
	case h.id.Epoch == o.Epoch && h.mark == o.Mark:
		b = appendUint(b, 2, h.id.Sequence)
	default:
		b = appendUint(b, 1, uint64(h.id.Epoch))
		b = appendUint(b, 2, h.id.Sequence)
		b = appendFixed(b, 4, h.mark)
	}
	return appendUint(b, 3, h.n), nil
}

// entry walks over an entry up to what it says. say is that field's number, and what its bytes; both are zero where it
// says nothing that this version knows.
func (f *fields) entry(o Opening) (h head, say protowire.Number, what []byte) {
	if f.want(protowire.BytesType) && len(f.v) > MaxEntry {
		f.fail("an entry of %d bytes, at most %d", len(f.v), MaxEntry)
	}
	in := f.element()
	epoch := uint32(0)
	for in.next() {
		switch in.num {
		case 1:
			epoch = in.uint32()
		case 2:
			h.id.Sequence = in.uint64()
		case 3:
			h.n = in.uint64()
		case 4:
			h.mark = in.fixed64()
		case sayPrepare, sayCommit, sayAbort, sayAnswer, sayList, sayFrom, sayVote, sayFate, sayInquiry, sayListed, sayFenced,
			sayRun, sayBegin, sayEnlist, sayCommitTx, sayAbortTx, sayOutcome, sayBegun, sayDone, sayRefused:
			if say != 0 {
				in.fail("an entry that says two things")
			}
			say, what = in.num, in.bytes(MaxEntry)
		}
	}
	switch {
	case h.id.Sequence == 0:
		if epoch != 0 || h.mark != 0 {
			in.fail("an epoch or mark without a sequence")
		}
	case epoch == 0 && h.mark != 0:
		in.fail("a mark without its epoch")
	case epoch == 0:
		h.id, h.mark = o.id(h.id.Sequence), o.Mark
	default:
		h.id = txc.ID{Coordinator: o.Coordinator, Epoch: epoch, Sequence: h.id.Sequence}
	}
	f.leave(&in)
	return h, say, what
}
