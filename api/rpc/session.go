package rpc

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// session is one client's stream.
//
//	frames ─▶ read ─▶ coordinator.Ask ─▶ (its owner) ─▶ outbox ─▶ send ─▶ frames
//
// No goroutine per request: what the coordinator's owner answers gathers in the outbox, and the sender turns all that is
// there into one frame.
type session struct {
	clients *clients
	stream  grpc.ServerStream
	reader  *frame.RequestReader
	out     *outbox[answered]
	waiting atomic.Int64  // requests without a reply
	room    chan struct{} // holds one wake-up: waiting fell
	met     chan struct{} // closed when the client's hello was read
}

// answered is a reply on its way to the sender, which makes the bytes: the coordinator's owner has better to do.
type answered struct {
	n      uint64
	begun  bool
	result coordinator.Result
	err    error
}

// Session serves one client's stream.
func (s *clients) Session(st grpc.BidiStreamingServer[txcpb.Frame, txcpb.Frame]) error {
	v := &session{
		clients: s, stream: st, reader: frame.NewRequestReader(frame.OpeningOf(s.from)),
		out: newOutbox[answered](MaxInFlight + frame.MaxEntries + 1), room: make(chan struct{}, 1), met: make(chan struct{}),
	}
	defer v.out.close()
	return s.s.session(st, s.c.Done(), v.read, v.send)
}

func (v *session) read(ctx context.Context) error {
	var requests []frame.Request
	for met := false; ; {
		var raw Frame
		if err := v.stream.RecvMsg(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var err error
		if requests, err = v.reader.Read(raw.Bytes, requests[:0]); err != nil {
			return err
		}
		if !met {
			met = true
			close(v.met)
		}
		for i := range requests {
			v.ask(requests[i].N, requests[i].Body)
		}
		clear(requests)
		for v.waiting.Load() > MaxInFlight {
			select {
			case <-v.room:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func (v *session) ask(n uint64, body frame.RequestBody) {
	v.waiting.Add(1)
	if refusal := frame.Check(body); refusal != nil {
		v.out.put(answered{n: n, err: refusal})
		return
	}
	_, begun := body.(frame.Begin)
	err := v.clients.c.Ask(func(a coordinator.Answered) {
		// The outbox has room for all that may wait: only a stream that has ended refuses, and its client asks again.
		v.out.put(answered{n: n, begun: begun, result: a.Result, err: a.Err})
	}, func(t coordinator.Token) coordinator.Event { return ask(body, t) })
	if err != nil {
		v.out.put(answered{n: n, err: err})
	}
}

func (v *session) send(ctx context.Context) error {
	select {
	case <-v.met:
	case <-ctx.Done():
		return ctx.Err()
	}
	hello := frame.NewHello(v.clients.s.o.Software)
	hello.From = v.clients.from
	first, err := frame.AppendHello(nil, hello)
	if err != nil {
		return err
	}
	if err := v.stream.SendMsg(&Frame{Bytes: first}); err != nil {
		return err
	}
	peer, _ := v.reader.Peer()
	w := frame.NewReplyWriter(frame.OpeningOf(v.clients.from), peer)
	f := framer[frame.Reply]{stream: v.stream, pack: w.Append, refuse: shorten, count: v.clients.s.o.Traffic}
	var batch []answered
	var replies []frame.Reply
	for {
		if batch = v.out.take(ctx, batch); batch == nil {
			return ctx.Err()
		}
		replies = replies[:0]
		for i := range batch {
			replies = append(replies, batch[i].reply())
		}
		if v.waiting.Add(-int64(len(batch))) <= MaxInFlight {
			select {
			case v.room <- struct{}{}:
			default:
			}
		}
		if err := f.send(replies); err != nil {
			return err
		}
		clear(replies)
	}
}

func (a *answered) reply() frame.Reply {
	r := frame.Reply{N: a.n}
	switch {
	case a.err != nil:
		code, reason := RefusalOf(a.err)
		r.Body = frame.Refused{Status: uint32(code), Reason: reason}
	case a.begun:
		r.Body = frame.Begun(txOf(&a.result))
	default:
		r.Body = frame.Done(txOf(&a.result))
	}
	return r
}

// shorten makes a reply fit that no frame takes: texts go first, and results if they must. The outcome stays.
func shorten(r frame.Reply, err error) (frame.Reply, bool) {
	done, ok := r.Body.(frame.Done)
	if !ok {
		return frame.Reply{N: r.N, Body: frame.Refused{Status: uint32(codes.Internal), Reason: txc.Reason{Code: txc.CodeTooLarge, Text: err.Error()}}}, true
	}
	t := frame.Tx{ID: done.ID, Mark: done.Mark, Outcome: done.Outcome, Applied: done.Applied, Replayed: done.Replayed, Presumed: done.Presumed,
		Older: done.Older, Heuristic: done.Heuristic, Reason: txc.Reason{Code: done.Reason.Code, Retryable: done.Reason.Retryable}, Age: done.Age}
	if done.Outcome == txc.Committed {
		t.Reason = txc.Reason{Code: txc.CodeTooLarge, Text: "the reply was too large for a stream: ask for the outcome by a unary call"}
	}
	return frame.Reply{N: r.N, Body: frame.Done(t)}, true
}
