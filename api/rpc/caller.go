package rpc

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
)

// Caller is a client's link to one coordinator. Thousands of requests share its one Session stream; where the
// coordinator has none, and for what a stream does not take, it makes unary calls.
//
//	Do ─▶ outbox ─▶ sender ─▶ Session ─▶ coordinator
//	 ▲                                     │
//	 └── pending[n] ◀── reader ◀───────────┘
type Caller struct {
	software string
	conn     *grpc.ClientConn
	client   txcpb.CoordinatorClient

	mu      sync.Mutex
	way     *way          // that is open; nil: none
	changed chan struct{} // closed when way changes
	shut    bool
	opening frame.Opening // of the last hello
	err     error         // why there is no way

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// MaxPending bounds the requests of one Caller that wait for their replies: beyond it a request is refused at once.
const MaxPending = 65536

// NewCaller makes the link to a coordinator at host:port. It returns at once and connects in the background, again and
// again, until Close.
func NewCaller(addr, software string) (*Caller, error) {
	conn, err := Dial(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: coordinator %q: %w", txc.ErrInvalid, addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Caller{software: software, conn: conn, client: txcpb.NewCoordinatorClient(conn), changed: make(chan struct{}), cancel: cancel}
	c.wg.Go(func() {
		again(ctx, func() { c.connected(ctx) })
	})
	return c, nil
}

// Close ends the link. What waits for a reply hears that it is unknown. Every goroutine has ended when it returns; twice
// is fine.
func (c *Caller) Close() error {
	c.cancel()
	c.wg.Wait()
	c.mu.Lock()
	if !c.shut {
		c.shut = true
		close(c.changed)
	}
	c.mu.Unlock()
	if err := c.conn.Close(); err != nil && status.Code(err) != codes.Canceled { // Canceled: it is closed already
		return fmt.Errorf("close caller: %w", err)
	}
	return nil
}

// Opening is the coordinator's, as its last hello said; zero before the first.
func (c *Caller) Opening() frame.Opening {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opening
}

// Wait waits until requests can be sent.
func (c *Caller) Wait(ctx context.Context) error {
	_, err := c.open(ctx)
	return err
}

// Do asks and waits for the reply. An error that wraps txc.ErrUnknown says that the request may have been carried out; any
// other, that it was not. txc.ErrUnavailable: nobody was reached before ctx ended.
func (c *Caller) Do(ctx context.Context, body frame.RequestBody) (frame.Tx, error) {
	if refusal := frame.Check(body); refusal != nil {
		return frame.Tx{}, refusal
	}
	for {
		w, err := c.open(ctx)
		if err != nil {
			return frame.Tx{}, err
		}
		if w.out == nil {
			return c.unary(ctx, body)
		}
		reply := w.do(ctx, body)
		switch reply.then {
		case retry:
			continue
		case callUnary:
			return c.unary(ctx, body)
		case settled:
		}
		return reply.tx, reply.err
	}
}

// open waits for a way.
func (c *Caller) open(ctx context.Context) (*way, error) {
	for {
		c.mu.Lock()
		w, changed, shut, why := c.way, c.changed, c.shut, c.err
		c.mu.Unlock()
		switch {
		case shut:
			return nil, fmt.Errorf("%w: the caller", txc.ErrClosed)
		case w != nil:
			return w, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if why == nil {
				return nil, fmt.Errorf("%w: no coordinator was reached: %w", txc.ErrUnavailable, ctx.Err())
			}
			return nil, fmt.Errorf("%w: no coordinator was reached: %w: %w", txc.ErrUnavailable, why, ctx.Err())
		}
	}
}

func (c *Caller) set(w *way, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w == nil && c.way == nil {
		c.err = why
		return
	}
	if w != nil && w.opening != (frame.Opening{}) {
		c.opening = w.opening
	}
	c.way, c.err = w, why
	close(c.changed)
	c.changed = make(chan struct{})
}

// connected waits for a connection, and serves it until it is lost.
func (c *Caller) connected(ctx context.Context) {
	err := ready(ctx, c.conn)
	if err == nil {
		err = c.session(ctx)
	}
	if status.Code(err) == codes.Unimplemented {
		c.set(&way{}, nil)
		c.conn.WaitForStateChange(ctx, connectivity.Ready)
		err = errLost
	}
	c.set(nil, err)
}
