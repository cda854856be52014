package rpc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
)

// way is how requests reach the coordinator as long as one connection lasts. The zero value means unary calls.
type way struct {
	opening frame.Opening
	out     *outbox[frame.Request]

	mu      sync.Mutex
	pending map[uint64]*pending
	last    uint64
	ended   bool
}

// pending is a request that waits for its reply.
type pending struct {
	ch   chan answer // cap 1
	sent bool        // the sender has taken it: it may have arrived; guarded by way.mu
}

type answer struct {
	tx   frame.Tx
	err  error
	then next
}

// next says what a request's answer leads to.
type next uint8

const (
	settled   next = iota
	retry          // it was not sent: try the next way
	callUnary      // a stream does not take it
)

// do puts a request on the way and waits for what comes of it.
func (w *way) do(ctx context.Context, body frame.RequestBody) answer {
	p := &pending{ch: make(chan answer, 1)}
	w.mu.Lock()
	switch {
	case w.ended:
		w.mu.Unlock()
		return answer{then: retry}
	case len(w.pending) >= MaxPending:
		w.mu.Unlock()
		return answer{err: txc.Refuse(txc.ErrBusy, txc.CodeBusy, fmt.Sprintf("%d requests wait for their replies", MaxPending))}
	}
	w.last++
	n := w.last
	w.pending[n] = p
	w.mu.Unlock()
	w.out.put(frame.Request{N: n, Body: body}) // a way that has ended in between tells p so
	select {
	case a := <-p.ch:
		return a
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pending, n)
	select {
	case a := <-p.ch: // it came just now
		return a
	default:
	}
	if p.sent {
		return answer{err: fmt.Errorf("%w: no reply: %w", txc.ErrUnknown, ctx.Err())}
	}
	return answer{err: fmt.Errorf("%w: not sent: %w", txc.ErrUnavailable, ctx.Err())}
}

// sending notes what is about to be sent, and leaves out whom nobody waits for any more.
func (w *way) sending(batch []frame.Request) []frame.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := batch[:0]
	for _, r := range batch {
		if p := w.pending[r.N]; p != nil {
			p.sent = true
			kept = append(kept, r)
		}
	}
	return kept
}

// answer settles a request; a reply that nobody waits for is dropped.
func (w *way) answer(n uint64, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.pending[n]; p != nil {
		delete(w.pending, n)
		p.ch <- a
	}
}

// end tells all that still wait: what was not sent goes the next way, of what was sent nobody knows (P8).
func (w *way) end(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for n, p := range w.pending {
		delete(w.pending, n)
		if p.sent {
			p.ch <- answer{err: fmt.Errorf("%w: the connection was lost before the reply: %w", txc.ErrUnknown, why)}
		} else {
			p.ch <- answer{then: retry}
		}
	}
	w.out.close()
}

// session opens a stream, exchanges hellos, and serves it until it ends.
func (c *Caller) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := c.client.Session(ctx, grpc.ForceCodecV2(Codec{}))
	if err != nil {
		return err
	}
	reader := frame.NewReplyReader()
	peer, err := c.greet(st, reader, cancel)
	if err != nil {
		return err
	}
	w := &way{opening: frame.OpeningOf(peer.From), out: newOutbox[frame.Request](MaxPending + 1), pending: map[uint64]*pending{}}
	ended := make(chan error, 2)
	var both sync.WaitGroup
	both.Go(func() { unlessEnded(c.send(ctx, st, w, peer), ended) })
	both.Go(func() { ended <- c.read(st, w, reader) })
	c.set(w, nil)
	err = <-ended
	c.set(nil, err)
	cancel()
	both.Wait()
	w.end(err)
	return err
}

// greet exchanges hellos, within HelloWait.
func (c *Caller) greet(st grpc.ClientStream, r *frame.ReplyReader, cancel context.CancelFunc) (frame.Hello, error) {
	late := time.AfterFunc(HelloWait, cancel)
	defer late.Stop()
	hello, err := frame.AppendHello(nil, frame.NewHello(c.software))
	if err != nil {
		return frame.Hello{}, err
	}
	var raw Frame
	sent := st.SendMsg(&Frame{Bytes: hello}) // of a stream that has ended RecvMsg tells why
	if err := st.RecvMsg(&raw); err != nil {
		return frame.Hello{}, err
	}
	if sent != nil {
		return frame.Hello{}, sent
	}
	if _, err := r.Read(raw.Bytes, nil); err != nil {
		return frame.Hello{}, err
	}
	peer, _ := r.Peer()
	return peer, nil
}

func (c *Caller) send(ctx context.Context, st grpc.ClientStream, w *way, peer frame.Hello) error {
	writer := frame.NewRequestWriter(peer)
	f := framer[frame.Request]{stream: st, pack: writer.Append, refuse: func(r frame.Request, _ error) (frame.Request, bool) {
		w.answer(r.N, answer{then: callUnary})
		return r, false
	}}
	var batch []frame.Request
	for {
		if batch = w.out.take(ctx, batch); batch == nil {
			return ctx.Err()
		}
		if err := f.send(w.sending(batch)); err != nil {
			return err
		}
	}
}

func (c *Caller) read(st grpc.ClientStream, w *way, reader *frame.ReplyReader) error {
	var replies []frame.Reply
	for {
		var raw Frame
		if err := st.RecvMsg(&raw); err != nil {
			return err
		}
		var err error
		if replies, err = reader.Read(raw.Bytes, replies[:0]); err != nil {
			return err
		}
		for _, r := range replies {
			switch body := r.Body.(type) {
			case frame.Begun:
				w.answer(r.N, answer{tx: frame.Tx(body)})
			case frame.Done:
				w.answer(r.N, answer{tx: frame.Tx(body)})
			case frame.Refused:
				w.answer(r.N, answer{err: ErrorOf(codes.Code(body.Status), body.Reason)})
			}
		}
		clear(replies)
	}
}
