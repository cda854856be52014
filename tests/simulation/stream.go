package simulation

import (
	"reflect"
	"slices"
	"time"

	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/internal/protocol"
)

// stream is what both ends of one connection know of it: the codec, as it is, for both directions. A frame is read where
// it is written: reading depends on nothing but the bytes and those before. What then travels is what was read.
type stream struct {
	n        *wire
	down, up *frame.MessageWriter
	atP, atC *frame.MessageReader
	open     bool // from both sides
}

func newStream(n *wire) *stream {
	hello := frame.NewHello("sim")
	hello.Name = n.p.name
	return &stream{
		n: n, down: frame.NewMessageWriter(hello), up: frame.NewMessageWriter(frame.NewHello("sim")),
		atP: frame.NewMessageReader(frame.AtParticipant, cluster, n.p.name),
		atC: frame.NewMessageReader(frame.AtCoordinator, "", n.p.name),
	}
}

// toParticipant is what the participant reads of a batch.
func (s *stream) toParticipant(batch []protocol.Message) []protocol.Message {
	got := s.through(batch, s.down, s.atP)
	if peer, ok := s.atP.Peer(); ok && s.up.Opening() == (frame.Opening{}) {
		s.atC.Opened(s.down.Opening())
		s.up.Meet(peer)
	}
	return got
}

// toCoordinator is what the coordinator reads of a batch.
func (s *stream) toCoordinator(batch []protocol.Message) []protocol.Message {
	got := s.through(batch, s.up, s.atC)
	_, s.open = s.atC.Peer()
	return got
}

func (s *stream) through(batch []protocol.Message, w *frame.MessageWriter, r *frame.MessageReader) (got []protocol.Message) {
	got = make([]protocol.Message, 0, len(batch))
	for rest := batch; len(rest) > 0; {
		b, n, err := w.Append(make([]byte, 0, 192), rest)
		if err == nil {
			got, err = r.Read(b, got)
		}
		if err != nil || n == 0 {
			s.n.w.broken("codec: %d messages, the first of which is %T, to or from %s: %v", len(rest), rest[0].Body, s.n.p.name, err)
			return nil
		}
		s.n.w.bytes(b)
		rest = rest[n:]
	}
	if s.n.w.compares {
		for i := range batch {
			if i >= len(got) || !same(batch[i], got[i]) {
				s.n.w.broken("codec: %+v was sent, and %d messages were read: %+v", batch[i], len(got), got)
			}
		}
	}
	return got
}

// same reports whether a message came through as it was sent. Its parts that the codec may not keep: times are whole
// milliseconds, an empty list is none.
func same(sent, got protocol.Message) bool {
	if p, ok := sent.Body.(protocol.Prepare); ok {
		p.TimeLeft = p.TimeLeft / time.Millisecond * time.Millisecond
		q, _ := got.Body.(protocol.Prepare)
		if len(p.Work) == 0 && len(q.Work) == 0 && (p.Work == nil) == (q.Work == nil) {
			p.Work = q.Work
		}
		sent.Body = p
	}
	return reflect.DeepEqual(tidy(sent), tidy(got))
}

// tidy makes empty lists nil: some of them have room for more.
func tidy(m protocol.Message) protocol.Message {
	if m.From != nil && len(m.From.Open) == 0 {
		from := *m.From
		from.Open = nil
		m.From = &from
	}
	switch b := m.Body.(type) {
	case protocol.Commit:
		b.Evidence = orNil(b.Evidence)
		m.Body = b
	case protocol.Abort:
		b.Evidence = orNil(b.Evidence)
		m.Body = b
	case protocol.Vote:
		b.Evidence, b.Results = orNil(b.Evidence), orNil(b.Results)
		m.Body = b
	case protocol.Inquiry:
		b.Members = orNil(b.Members)
		m.Body = b
	case protocol.Welcome:
		b.Seen = orNil(b.Seen)
		m.Body = b
	case protocol.Listed:
		b.InDoubt, b.Committed, b.Seen = slices.Clone(orNil(b.InDoubt)), orNil(b.Committed), orNil(b.Seen)
		for i := range b.InDoubt {
			d := &b.InDoubt[i]
			d.Since, d.Evidence, d.Members = time.UnixMilli(d.Since.UnixMilli()).UTC(), orNil(d.Evidence), orNil(d.Members)
		}
		m.Body = b
	case protocol.Prepare, protocol.Answer, protocol.List, protocol.Fated, protocol.Hello, protocol.Fenced:
	}
	return m
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
