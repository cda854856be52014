package frame

import (
	"fmt"

	"github.com/txc-dev/txc/internal/protocol"
)

// MessageWriter packs one direction of a stream between a coordinator and a participant. It keeps what the stream says
// already, so it belongs to one stream. Not for concurrent use.
type MessageWriter struct {
	hello    Hello
	opening  Opening
	instance [16]byte
	from     *protocol.Sender // the last one written
	limit    int
}

// NewMessageWriter makes the writer of a new stream. Of hello it takes what no message bears: versions, bounds,
// software, and of a coordinator's the participant's name.
func NewMessageWriter(hello Hello) *MessageWriter {
	return &MessageWriter{hello: hello, limit: MaxFrame}
}

// Meet tells the writer what the other side's hello said. A participant's must know it before it writes.
func (w *MessageWriter) Meet(peer Hello) {
	w.limit = peer.limit()
	if peer.From != nil {
		w.opening = OpeningOf(peer.From)
	}
}

// Opening is the stream's; zero before a hello was written or met.
func (w *MessageWriter) Opening() Opening { return w.opening }

// Append appends one frame with the first n messages of the batch to b: as many as fit. The batch keeps its bytes, the
// frame aliases nothing. An error concerns message n and wraps txc.ErrInvalid; those before it are in the frame all the
// same, and the stream goes on without n.
func (w *MessageWriter) Append(b []byte, batch []protocol.Message) (_ []byte, n int, err error) {
	start, entries := len(b), 0
	for i := range batch {
		at, from := len(b), w.from
		if b, err = w.message(b, &batch[i], i, entries); err == nil && len(b)-at > MaxEntry {
			err = fmt.Errorf("%w: an entry of %d bytes, at most %d", ErrTooLarge, len(b)-at, MaxEntry)
		}
		if full := len(b)-start > w.limit || entries == MaxEntries; full || err != nil {
			w.from = from
			return b[:at], i, err
		}
		entries++
	}
	return b, len(batch), nil
}

func (w *MessageWriter) message(b []byte, m *protocol.Message, i, entries int) (_ []byte, err error) {
	switch body := m.Body.(type) {
	case protocol.Hello:
		return w.openStream(b, m, i)
	case protocol.Welcome:
		return w.welcome(b, &body, i)
	default:
		if w.opening == (Opening{}) {
			return b, wrong("%T before the hello", m.Body)
		}
	}
	if m.From != nil && m.From != w.from {
		if b, err = w.sender(b, m.From, entries); err != nil {
			return b, err
		}
	}
	b, at := open(b, frameEntries)
	if b, err = appendHead(b, w.opening, head{id: m.ID, mark: m.Mark}); err != nil {
		return b, err
	}
	if b, err = w.body(b, m.Body); err != nil {
		return b, err
	}
	return shut(b, at), nil
}

func (w *MessageWriter) openStream(b []byte, m *protocol.Message, i int) ([]byte, error) {
	if i > 0 || w.opening != (Opening{}) || m.From == nil {
		return b, wrong("a hello is the first of its stream and names its sender")
	}
	h := w.hello
	h.From = m.From
	b, err := appendHello(b, frameHello, &h)
	if err == nil {
		w.opening, w.from = OpeningOf(m.From), m.From
	}
	return b, err
}

func (w *MessageWriter) welcome(b []byte, m *protocol.Welcome, i int) ([]byte, error) {
	if i > 0 || w.opening == (Opening{}) || w.instance != ([16]byte{}) {
		return b, wrong("a welcome is the first on its stream, and follows a hello")
	}
	h := w.hello
	h.Name, h.Instance, h.Incarnation, h.Stamp, h.Seen = m.Name, m.Instance, m.Incarnation, m.Stamp, m.Seen
	if m.Software != "" {
		h.Software = m.Software
	}
	w.instance = m.Instance
	return appendHello(b, frameHello, &h)
}

// sender says what is new of a sender: before the first entry as the frame's, later as an entry of its own.
func (w *MessageWriter) sender(b []byte, s *protocol.Sender, entries int) (_ []byte, err error) {
	if w.from != nil && s.LSN == w.from.LSN && s.Watermark == w.from.Watermark && OpeningOf(s) == w.opening && sameIDs(s.Open, w.from.Open) {
		w.from = s
		return b, nil
	}
	old := w.from
	if old == nil {
		old = &protocol.Sender{}
	}
	if entries == 0 {
		b, err = appendChange(b, frameFrom, w.opening, old, s)
	} else {
		var at int
		b, at = open(b, frameEntries)
		if b, err = appendChange(b, sayFrom, w.opening, old, s); err == nil {
			b = shut(b, at)
		}
	}
	if err == nil {
		w.from = s
	}
	return b, err
}

func (w *MessageWriter) body(b []byte, body protocol.Body) ([]byte, error) {
	switch body := body.(type) {
	case protocol.Prepare:
		return appendPrepare(b, &body), nil
	case protocol.Commit:
		return appendEnd(b, sayCommit, body.Evidence, body.Relaxed), nil
	case protocol.Abort:
		return appendEnd(b, sayAbort, body.Evidence, false), nil
	case protocol.Answer:
		b, at := open(b, sayAnswer)
		b = appendUint(b, 1, uint64(body.Outcome))
		b = appendBool(b, 3, body.Recorded)
		return shut(appendBool(b, 4, body.Acknowledged), at), nil
	case protocol.List:
		b, at := open(b, sayList)
		return shut(appendString(b, 2, cut(body.Page, MaxPage)), at), nil
	case protocol.Vote:
		return appendVote(b, w.opening, &body), nil
	case protocol.Fated:
		return appendFate(b, w.opening, &body), nil
	case protocol.Inquiry:
		return appendInquiry(b, w.opening, w.instance, &body), nil
	case protocol.Listed:
		return appendListed(b, &body), nil
	case protocol.Fenced:
		b, at := open(b, sayFenced)
		b = appendSeen(b, 1, body.Seen, w.opening)
		return shut(appendUint(b, 2, uint64(body.About)), at), nil
	case protocol.Hello, protocol.Welcome:
		return b, wrong("%T inside a stream", body)
	default:
		return b, wrong("%T cannot be said", body)
	}
}
