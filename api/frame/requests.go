package frame

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// AppendHello appends a frame that holds a hello and nothing else, as the first one on a client's stream does.
func AppendHello(b []byte, h Hello) ([]byte, error) { return appendHello(b, frameHello, &h) }

// RequestWriter packs what a client sends on one stream. Not for concurrent use.
type RequestWriter struct {
	opening Opening
	limit   int
}

// NewRequestWriter makes the writer of a stream whose coordinator said hello as peer.
func NewRequestWriter(peer Hello) *RequestWriter {
	w := &RequestWriter{limit: peer.limit()}
	if peer.From != nil {
		w.opening = OpeningOf(peer.From)
	}
	return w
}

// Append appends one frame with the first n requests of the batch: as many as fit. An error concerns request n and wraps
// txc.ErrInvalid, ErrTooLarge where it needs a unary call; those before it are in the frame all the same.
func (w *RequestWriter) Append(b []byte, batch []Request) (_ []byte, n int, err error) {
	return appendFrame(b, batch, w.limit, func(b []byte, r *Request) ([]byte, error) {
		h := head{n: r.N}
		switch body := r.Body.(type) {
		case Enlist:
			h.id, h.mark = body.ID, body.Mark
		case End:
			h.id, h.mark = body.ID, body.Mark
		case Outcome:
			h.id, h.mark = body.ID, body.Mark
		case Run, Begin:
		}
		b, err := appendHead(b, w.opening, h)
		if err != nil {
			return b, err
		}
		return appendRequest(b, r.Body)
	})
}

// appendFrame appends entries until one does not fit, is too large, or is wrong.
func appendFrame[T any](b []byte, batch []T, limit int, put func(b []byte, t *T) ([]byte, error)) (_ []byte, n int, err error) {
	start := len(b)
	for i := range batch {
		at := len(b)
		body := 0
		b, body = open(b, frameEntries)
		if b, err = put(b, &batch[i]); err != nil {
			return b[:at], i, err
		}
		if n := len(b) - body; n > MaxEntry {
			return b[:at], i, fmt.Errorf("%w: an entry of %d bytes, at most %d", ErrTooLarge, n, MaxEntry)
		}
		if b = shut(b, body); len(b)-start > limit || i == MaxEntries {
			return b[:at], i, nil
		}
	}
	return b, len(batch), nil
}

func appendRequest(b []byte, body RequestBody) (_ []byte, err error) {
	switch r := body.(type) {
	case Run:
		b, at := open(b, sayRun)
		if b, err = appendBegin(b, 1, &r.Begin); err != nil {
			return b, err
		}
		b = appendBranches(b, 2, r.Branches)
		return shut(appendBool(b, 3, r.Decided), at), nil
	case Begin:
		return appendBegin(b, sayBegin, &r)
	case Enlist:
		b, at := open(b, sayEnlist)
		return shut(appendBranches(b, 2, []Branch{r.Branch}), at), nil
	case End:
		num := sayCommitTx
		if r.Abort {
			num = sayAbortTx
		}
		b, at := open(b, num)
		b = appendBool(b, 2, r.Decided)
		b = appendBranches(b, 3, r.Joined)
		return shut(appendString(b, 4, cut(r.Why, MaxText)), at), nil
	case Outcome:
		b, at := open(b, sayOutcome)
		return shut(appendString(b, 2, r.Key), at), nil
	default:
		return b, wrong("%T cannot be asked", body)
	}
}

func appendBegin(b []byte, num protowire.Number, r *Begin) ([]byte, error) {
	if r.Timeout < 0 || r.FirstSentAgo < 0 {
		return b, wrong("a negative time")
	}
	b, at := open(b, num)
	b = appendString(b, 1, r.Key)
	b = appendUint(b, 2, min(roundedUp(r.Timeout), 1<<32-1))
	for _, k := range slices.Sorted(maps.Keys(r.Labels)) {
		var label int
		b, label = open(b, 3)
		b = shut(appendString(appendString(b, 1, k), 2, r.Labels[k]), label)
	}
	b = appendUint(b, 4, r.Age)
	b = appendUint(b, 5, roundedUp(r.FirstSentAgo))
	return shut(appendBool(b, 6, r.OwnKey), at), nil
}

// roundedUp keeps what is not zero from becoming it: zero has a meaning of its own.
func roundedUp(d time.Duration) uint64 {
	return uint64((d + time.Millisecond - 1) / time.Millisecond)
}

func appendBranches(b []byte, num protowire.Number, branches []Branch) []byte {
	for i := range branches {
		e := &branches[i]
		var at int
		b, at = open(b, num)
		b = appendString(b, 1, e.Participant)
		if !e.Joined {
			b = appendPresent(b, 2, e.Work)
		}
		b = appendUint(b, 3, uint64(e.Calls))
		b = shut(appendFixed(b, 4, e.Incarnation), at)
	}
	return b
}
