package rpc

import (
	"context"
	"errors"
	"sync"
)

// outbox gathers what one stream has not taken yet: a mutex and a swap of whole buffers, so that a sender drains all that
// is there into one frame, without a timer, and a put costs no hand-over while the sender is busy.
type outbox[T any] struct {
	mu    sync.Mutex
	items []T
	limit int
	shut  bool
	wake  chan struct{} // holds one wake-up
}

func newOutbox[T any](limit int) *outbox[T] {
	return &outbox[T]{limit: limit, wake: make(chan struct{}, 1)}
}

// put adds items, in order. False: they would be more than the limit, or the outbox is shut; none was added.
func (o *outbox[T]) put(items ...T) bool {
	o.mu.Lock()
	if o.shut || len(o.items)+len(items) > o.limit {
		o.mu.Unlock()
		return false
	}
	first := len(o.items) == 0
	o.items = append(o.items, items...)
	o.mu.Unlock()
	if first {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take hands over all items, and keeps spare for what comes next. It waits for the first; nil: ctx ended.
func (o *outbox[T]) take(ctx context.Context, spare []T) []T {
	clear(spare)
	for {
		o.mu.Lock()
		if len(o.items) > 0 {
			items := o.items
			o.items = spare[:0]
			o.mu.Unlock()
			return items
		}
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		}
	}
}

// close refuses all that comes later.
func (o *outbox[T]) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut, o.items = true, nil
}

var errNothingFits = errors.New("a frame took nothing")

// stream is what both kinds of gRPC streams have.
type stream interface {
	Context() context.Context
	SendMsg(m any) error
	RecvMsg(m any) error
}

// framer packs batches into frames and sends them; its buffer is reused.
type framer[T any] struct {
	stream stream
	pack   func(b []byte, batch []T) ([]byte, int, error)
	refuse func(item T, err error) (instead T, ok bool) // of an item that no frame takes
	count  *Traffic
	buf    []byte
}

// send sends a batch in as few frames as it takes.
func (f *framer[T]) send(batch []T) error {
	for len(batch) > 0 {
		b, n, err := f.pack(f.buf[:0], batch)
		f.buf = b
		if len(b) > 0 {
			if err := f.stream.SendMsg(&Frame{Bytes: b}); err != nil {
				return err
			}
			f.count.sent(n)
		}
		batch = batch[n:]
		switch {
		case err != nil:
			instead, ok := f.refuse(batch[0], err)
			if !ok {
				batch = batch[1:]
				continue
			}
			batch[0] = instead
		case n == 0:
			return errNothingFits
		}
	}
	return nil
}
