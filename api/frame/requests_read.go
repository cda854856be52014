package frame

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of a request that a reader lets pass, wider than the limits of its contents: for those the one request is
// refused (Check), not its stream.
const (
	looseText     = 4096
	looseBranches = 256
	looseLabels   = 256
)

// RequestReader unpacks what a client sends on one stream. Not for concurrent use.
type RequestReader struct {
	opening Opening
	peer    Hello
	met     bool
	shared  shared
}

// NewRequestReader makes the reader of a stream whose coordinator is of this opening.
func NewRequestReader(o Opening) *RequestReader {
	return &RequestReader{opening: o, shared: newShared()}
}

// Peer is the client's hello, once one was read.
func (r *RequestReader) Peer() (Hello, bool) { return r.peer, r.met }

// Read appends the requests of one frame to into. Work aliases b, which must not change any more. An error wraps
// txc.ErrInvalid, and ErrDisagree where the hello was refused; the stream is over then.
func (r *RequestReader) Read(b []byte, into []Request) ([]Request, error) {
	err := readFrame(b, &r.met, &r.peer, &r.shared, func(f *fields) {
		h, say, what := f.entry(r.opening)
		if f.err != nil || say == 0 {
			return
		}
		in := fields{b: what}
		body := r.body(&in, say, h)
		if f.leave(&in); f.err == nil {
			into = append(into, Request{N: h.n, Body: body})
		}
	})
	return into, err
}

// readFrame walks over a frame of a client's stream: a hello first, then entries.
func readFrame(b []byte, met *bool, peer *Hello, s *shared, entry func(f *fields)) error {
	if len(b) > MaxFrame {
		return wrong("%d bytes, at most %d", len(b), MaxFrame)
	}
	f := fields{b: b}
	entries := 0
	for f.next() {
		switch f.num {
		case frameHello:
			h := f.hello(s)
			if f.err == nil && *met {
				f.fail("a second hello")
			}
			if f.err == nil {
				*peer, *met, f.err = h, true, h.Agree()
			}
		case frameFrom:
			f.fail("a sender on a client's stream")
		case frameEntries:
			if entries++; !*met || entries > MaxEntries {
				f.fail("an entry before the hello, or more than %d", MaxEntries)
				continue
			}
			entry(&f)
		}
	}
	return f.verdict(*met)
}

func (r *RequestReader) body(f *fields, say protowire.Number, h head) RequestBody {
	switch say {
	case sayRun:
		return r.run(f)
	case sayBegin:
		return r.begin(f)
	case sayEnlist:
		e := Enlist{ID: h.id, Mark: h.mark}
		for f.next() {
			if f.num == 2 {
				f.single()
				e.Branch = r.branch(f)
			} else {
				f.said(1, 3)
			}
		}
		return e
	case sayCommitTx, sayAbortTx:
		return r.end(f, say, h)
	case sayOutcome:
		o := Outcome{ID: h.id, Mark: h.mark}
		for f.next() {
			if f.num == 2 {
				o.Key = f.text(looseText)
			} else {
				f.said(1, 3)
			}
		}
		return o
	default:
		f.fail("entry %d is not for a coordinator", say)
		return nil
	}
}

// said refuses fields whose content the entry bears already.
func (f *fields) said(nums ...protowire.Number) {
	for _, n := range nums {
		if f.num == n {
			f.fail("the entry or the stream says it already")
		}
	}
}

func (r *RequestReader) run(f *fields) (run Run) {
	for f.next() {
		switch f.num {
		case 1:
			in := f.message()
			run.Begin = r.begin(&in)
			f.leave(&in)
		case 2:
			run.Branches = append(run.Branches, r.branch(f))
			f.atMost(len(run.Branches), looseBranches)
		case 3:
			run.Decided = f.enum(1) == 1
		}
	}
	return run
}

func (r *RequestReader) begin(f *fields) (g Begin) {
	for f.next() {
		switch f.num {
		case 1:
			g.Key = f.text(looseText)
		case 2:
			g.Timeout = time.Duration(f.uint32()) * time.Millisecond
		case 3:
			r.label(f, &g)
		case 4:
			g.Age = f.uint64()
		case 5:
			g.FirstSentAgo = time.Duration(min(f.uint64(), 1<<32)) * time.Millisecond
		case 6:
			g.OwnKey = f.bool()
		}
	}
	return g
}

func (r *RequestReader) label(f *fields, g *Begin) {
	var k, v string
	in := f.element()
	for in.next() {
		switch in.num {
		case 1:
			k = in.text(looseText)
		case 2:
			v = in.text(looseText)
		}
	}
	f.leave(&in)
	if g.Labels == nil {
		g.Labels = make(map[string]string)
	}
	g.Labels[k] = v
	f.atMost(len(g.Labels), looseLabels)
}

func (r *RequestReader) branch(f *fields) Branch {
	e := Branch{Joined: true}
	in := f.element()
	for in.next() {
		switch in.num {
		case 1:
			e.Participant = r.shared.any(&in)
		case 2:
			e.Work, e.Joined = in.bytes(MaxEntry), false
		case 3:
			e.Calls = in.uint32()
		case 4:
			e.Incarnation = in.fixed64()
		}
	}
	f.leave(&in)
	return e
}

func (r *RequestReader) end(f *fields, say protowire.Number, h head) End {
	e := End{ID: h.id, Mark: h.mark, Abort: say == sayAbortTx}
	for f.next() {
		switch f.num {
		case 2:
			e.Decided = f.enum(1) == 1
		case 3:
			e.Joined = append(e.Joined, r.branch(f))
			f.atMost(len(e.Joined), looseBranches)
		case 4:
			e.Why = f.cutText()
		default:
			f.said(1, 5)
		}
	}
	return e
}
