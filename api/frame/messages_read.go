package frame

import (
	"fmt"

	"github.com/txc-dev/txc/internal/protocol"
)

// Side says who reads.
type Side uint8

// The sides of a stream between a coordinator and a participant.
const (
	AtCoordinator Side = iota + 1
	AtParticipant
)

// MessageReader unpacks one direction of a stream between a coordinator and a participant. It belongs to one stream.
// Not for concurrent use.
type MessageReader struct {
	side     Side
	cluster  string // expected of a coordinator; empty: any
	name     string // expected: of the participant that answers, or that is meant
	opening  Opening
	peer     Hello
	met      bool
	refused  bool // at a coordinator: its hello was answered by a refusal (P6)
	from     *protocol.Sender
	shared   shared
	scratch  []string
	instance [16]byte
}

// NewMessageReader makes the reader of a new stream. A hello that disagrees with cluster or name is refused.
func NewMessageReader(side Side, cluster, name string) *MessageReader {
	return &MessageReader{side: side, cluster: cluster, name: name, shared: newShared()}
}

// Opened tells a coordinator's reader the opening that its own hello bears; before it nothing can be read.
func (r *MessageReader) Opened(o Opening) { r.opening = o }

// Peer is the other side's hello, once one was read.
func (r *MessageReader) Peer() (Hello, bool) { return r.peer, r.met }

// Read appends the messages of one frame to into. Work and results alias b, which must not change any more; evidence is
// copied, for it is kept long. Members, names and senders are shared between messages. An error wraps txc.ErrInvalid,
// and ErrDisagree where a hello was refused; the stream is over then. A coordinator may read a Fenced about its own hello
// in place of the participant's: it is the proof that another opening of its number was seen (C5, P6).
func (r *MessageReader) Read(b []byte, into []protocol.Message) ([]protocol.Message, error) {
	if len(b) > MaxFrame {
		return into, wrong("%d bytes, at most %d", len(b), MaxFrame)
	}
	f := fields{b: b}
	entries := 0
	for f.next() {
		switch f.num {
		case frameHello:
			into = r.hello(&f, into)
		case frameFrom:
			f.single()
			if f.first(r, entries) {
				r.from = f.change(r.opening, r.from)
			}
		case frameEntries:
			if entries++; entries > MaxEntries {
				f.fail("more than %d entries", MaxEntries)
			}
			into = r.entry(&f, into)
		}
	}
	return into, f.verdict(r.met || r.refused)
}

// first reports whether a frame's own sender stands where it belongs.
func (f *fields) first(r *MessageReader, entries int) bool {
	if !r.met || r.side != AtParticipant || entries > 0 {
		f.fail("a sender out of place")
	}
	return f.err == nil
}

func (r *MessageReader) hello(f *fields, into []protocol.Message) []protocol.Message {
	h := f.hello(&r.shared)
	if f.err == nil && r.met {
		f.fail("a second hello")
	}
	if f.err == nil {
		f.err = h.Agree()
	}
	if f.err != nil {
		return into
	}
	m := protocol.Message{}
	switch r.side {
	case AtParticipant:
		if h.From == nil {
			f.fail("a coordinator's hello without its sender")
			return into
		}
		if f.err = r.meant(h); f.err != nil {
			return into
		}
		r.opening, r.from = OpeningOf(h.From), h.From
		m.From, m.Body = h.From, protocol.Hello{}
	default:
		if r.opening == (Opening{}) || h.Instance == ([16]byte{}) || h.Incarnation == 0 {
			f.fail("a participant's hello before the coordinator's, or without identity and incarnation")
			return into
		}
		if h.Name != r.name {
			f.err = fmt.Errorf("%w: %q answers where %q was expected: is its address right?", ErrDisagree, h.Name, r.name)
			return into
		}
		r.instance = h.Instance
		m.Body = protocol.Welcome{Name: h.Name, Instance: h.Instance, Incarnation: h.Incarnation, Stamp: h.Stamp, Seen: h.Seen, Software: h.Software}
	}
	r.peer, r.met = h, true
	return append(into, m)
}

func (r *MessageReader) meant(h Hello) error {
	if r.cluster != "" && h.From.Cluster != r.cluster {
		return fmt.Errorf("%w: this is %q of cluster %q, the coordinator is of cluster %q", ErrDisagree, r.name, r.cluster, h.From.Cluster)
	}
	if h.Name != "" && r.name != "" && h.Name != r.name {
		return fmt.Errorf("%w: this is %q, the coordinator means %q: is its address right?", ErrDisagree, r.name, h.Name)
	}
	return nil
}

func (r *MessageReader) entry(f *fields, into []protocol.Message) []protocol.Message {
	if !r.met && r.opening == (Opening{}) {
		f.fail("an entry before the hello")
		return into
	}
	h, say, what := f.entry(r.opening)
	if f.err != nil || say == 0 {
		return into
	}
	in := fields{b: what}
	m := protocol.Message{ID: h.id, Mark: h.mark}
	if r.side == AtParticipant {
		if say == sayFrom {
			in = fields{b: f.v}
			r.fromEntry(&in)
			f.leave(&in)
			return into
		}
		m.Body, m.From = r.toParticipant(&in, say), r.from
	} else {
		m.Body = r.toCoordinator(&in, say)
	}
	if needs := about(m.Body); m.Body != nil && (needs == aboutID && h.id.IsZero() || needs == aboutLink && !h.id.IsZero()) {
		in.fail("%T with id %v", m.Body, h.id)
	}
	if h.n != 0 {
		in.fail("a request's number")
	}
	if !r.met {
		if fenced, ok := m.Body.(protocol.Fenced); !ok || fenced.About != protocol.AboutHello {
			in.fail("an entry before the hello")
		}
		r.refused = true
	}
	f.leave(&in)
	return append(into, m)
}

// fromEntry finds the sender in an entry again, to read it in place.
func (r *MessageReader) fromEntry(in *fields) {
	for in.next() {
		if in.num == sayFrom {
			r.from = in.change(r.opening, r.from)
		}
	}
}

// What a body is about.
const (
	aboutLink = iota + 1
	aboutID
	aboutEither
)

func about(b protocol.Body) int {
	switch b.(type) {
	case protocol.Prepare, protocol.Commit, protocol.Abort, protocol.Answer, protocol.Vote, protocol.Fated, protocol.Inquiry:
		return aboutID
	case protocol.Hello, protocol.Welcome, protocol.List, protocol.Listed:
		return aboutLink
	case protocol.Fenced:
		return aboutEither
	default:
		return 0
	}
}
