package frame

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// ReplyWriter packs what a coordinator sends on one client's stream. Not for concurrent use.
type ReplyWriter struct {
	opening Opening
	limit   int
}

// NewReplyWriter makes the writer of a stream of a coordinator's opening, whose client said hello as peer.
func NewReplyWriter(o Opening, peer Hello) *ReplyWriter {
	return &ReplyWriter{opening: o, limit: peer.limit()}
}

// Append appends one frame with the first n replies of the batch: as many as fit. An error concerns reply n and wraps
// txc.ErrInvalid; those before it are in the frame all the same.
func (w *ReplyWriter) Append(b []byte, batch []Reply) (_ []byte, n int, err error) {
	return appendFrame(b, batch, w.limit, func(b []byte, r *Reply) ([]byte, error) {
		switch body := r.Body.(type) {
		case Begun:
			return w.tx(b, r.N, sayBegun, (*Tx)(&body))
		case Done:
			return w.tx(b, r.N, sayDone, (*Tx)(&body))
		case Refused:
			b = appendUint(b, 3, r.N)
			b, at := open(b, sayRefused)
			b = appendUint(b, 1, uint64(body.Status))
			return shut(appendReason(b, 2, body.Reason), at), nil
		default:
			return b, wrong("%T cannot be answered", body)
		}
	})
}

func (w *ReplyWriter) tx(b []byte, n uint64, say protowire.Number, t *Tx) (_ []byte, err error) {
	h := head{n: n}
	other := t.ID.Coordinator != w.opening.Coordinator // an id that a client asked about: it stands in text
	if !other {
		h.id, h.mark = t.ID, t.Mark
	}
	if b, err = appendHead(b, w.opening, h); err != nil {
		return b, err
	}
	b, at := open(b, say)
	if other {
		b = appendID(b, 1, t.ID)
	}
	b = appendString(b, 2, t.Key)
	b = appendUint(b, 3, uint64(t.Outcome))
	b = appendBool(b, 4, t.Applied)
	b = appendUint(b, 5, uint64(t.Heuristic))
	b = appendReason(b, 6, t.Reason)
	for i := range t.Branches {
		b = appendBranchTx(b, &t.Branches[i])
	}
	b = appendUint(b, 8, t.Age)
	b = appendBool(b, 9, t.Replayed)
	b = appendBool(b, 10, t.Presumed)
	if other {
		b = appendFixed(b, 11, t.Mark)
	}
	return shut(appendBool(b, 12, t.Older), at), nil
}

func appendBranchTx(b []byte, t *BranchTx) []byte {
	b, at := open(b, 7)
	b = appendString(b, 1, t.Participant)
	b = appendUint(b, 2, uint64(t.Vote))
	b = appendString(b, 3, t.State)
	b = appendReason(b, 4, t.Reason)
	return shut(appendBytes(b, 5, t.Results), at)
}

// ReplyReader unpacks what a client hears on one stream. Not for concurrent use.
type ReplyReader struct {
	opening Opening
	peer    Hello
	met     bool
	shared  shared
}

// NewReplyReader makes the reader of a new stream.
func NewReplyReader() *ReplyReader { return &ReplyReader{shared: newShared()} }

// Peer is the coordinator's hello, once one was read.
func (r *ReplyReader) Peer() (Hello, bool) { return r.peer, r.met }

// Read appends the replies of one frame to into. Results alias b, which must not change any more. An error wraps
// txc.ErrInvalid, and ErrDisagree where the hello was refused; the stream is over then.
func (r *ReplyReader) Read(b []byte, into []Reply) ([]Reply, error) {
	err := readFrame(b, &r.met, &r.peer, &r.shared, func(f *fields) {
		if r.opening == (Opening{}) && r.peer.From != nil {
			r.opening = OpeningOf(r.peer.From)
		}
		h, say, what := f.entry(r.opening)
		if f.err != nil || say == 0 {
			return
		}
		in := fields{b: what}
		body := r.body(&in, say, h)
		if f.leave(&in); f.err == nil {
			into = append(into, Reply{N: h.n, Body: body})
		}
	})
	if err == nil && r.peer.From == nil {
		return into, wrong("a coordinator's hello without its sender")
	}
	return into, err
}

func (r *ReplyReader) body(f *fields, say protowire.Number, h head) ReplyBody {
	switch say {
	case sayBegun:
		return Begun(r.tx(f, h))
	case sayDone:
		return Done(r.tx(f, h))
	case sayRefused:
		var v Refused
		for f.next() {
			switch f.num {
			case 1:
				v.Status = f.uint32()
			case 2:
				v.Reason = r.shared.reason(f)
			}
		}
		return v
	default:
		f.fail("entry %d is not for a client", say)
		return nil
	}
}

func (r *ReplyReader) tx(f *fields, h head) Tx {
	t := Tx{ID: h.id, Mark: h.mark}
	for f.next() {
		switch f.num {
		case 1:
			if t.ID = f.id(); !h.id.IsZero() {
				f.fail("the entry says the id already")
			}
		case 2:
			t.Key = f.text(txc.MaxKey)
		case 3:
			t.Outcome = txc.Outcome(f.enum(uint8(txc.NotMine)))
		case 4:
			t.Applied = f.bool()
		case 5:
			t.Heuristic = Heuristic(f.enum(uint8(Hazardous)))
		case 6:
			t.Reason = r.shared.reason(f)
		case 7:
			t.Branches = append(t.Branches, r.branch(f))
			f.atMost(len(t.Branches), txc.MaxBranches)
		case 8:
			t.Age = f.uint64()
		case 9:
			t.Replayed = f.bool()
		case 10:
			t.Presumed = f.bool()
		case 11:
			if t.Mark = f.fixed64(); !h.id.IsZero() {
				f.fail("the entry says the mark already")
			}
		case 12:
			t.Older = f.bool()
		}
	}
	return t
}

func (r *ReplyReader) branch(f *fields) (t BranchTx) {
	in := f.element()
	for in.next() {
		switch in.num {
		case 1:
			t.Participant = r.shared.name(&in)
		case 2:
			t.Vote = txc.Vote(in.enum(uint8(txc.ReadOnly)))
		case 3:
			t.State = r.shared.word(&in, MaxState)
		case 4:
			t.Reason = r.shared.reason(&in)
		case 5:
			t.Results = in.bytes(MaxEntry)
		}
	}
	f.leave(&in)
	return t
}
