package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/internal/protocol"
)

// session serves one Session stream until it ends. A status of Unimplemented says that the participant has none; greeted,
// that the coordinator's Hello was taken from the outbox by then.
func (l *link) session(ctx context.Context, out *outbox[protocol.Message]) (greeted bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := l.client().Session(ctx, grpc.ForceCodecV2(Codec{}))
	if err != nil {
		return false, err
	}
	v := &going{link: l, stream: st, out: out, opened: make(chan frame.Opening, 1)}
	v.reader = frame.NewMessageReader(frame.AtCoordinator, "", l.peer.Name)
	ended := make(chan error, 3)
	late := time.AfterFunc(HelloWait, func() { ended <- fmt.Errorf("%w: no hello within %v", txc.ErrUnavailable, HelloWait) })
	defer late.Stop()
	var both sync.WaitGroup
	both.Go(func() { unlessEnded(v.send(ctx), ended) })
	both.Go(func() { ended <- v.read(ctx, late) })
	err = <-ended
	cancel()
	both.Wait()
	if v.peer.Load() != nil { // it has Session now, whatever it had before
		if err := l.redial(false); err != nil {
			return v.greeted, err
		}
	}
	return v.greeted, v.why(err)
}

// unlessEnded passes on how a stream's sender ended. io.EOF is what gRPC says to one whose stream has ended already: how,
// and what came before, the stream's reader is about to hear, and must not be cut off.
func unlessEnded(err error, ended chan<- error) {
	if !errors.Is(err, io.EOF) {
		ended <- err
	}
}

// going is the stream to a participant.
type going struct {
	link    *link
	stream  grpc.ClientStream
	out     *outbox[protocol.Message]
	reader  *frame.MessageReader
	opened  chan frame.Opening // what the hello that was sent bears
	greeted bool               // the sender's, until it has ended
	peer    atomic.Pointer[frame.Hello]
	status  error // what the stream ended with; the reader's, until it has ended
}

// why prefers what the stream ended with to what a sender notices of it.
func (v *going) why(err error) error {
	if v.status != nil {
		return v.status
	}
	return err
}

func (v *going) send(ctx context.Context) error {
	hello := frame.NewHello(v.link.software)
	hello.Name = v.link.peer.Name
	w := frame.NewMessageWriter(hello)
	f := framer[protocol.Message]{stream: v.stream, pack: w.Append, refuse: v.link.unsaid, count: v.link.count}
	var batch []protocol.Message
	for met := false; ; {
		if batch = v.out.take(ctx, batch); batch == nil {
			return ctx.Err()
		}
		if !v.greeted {
			if batch[0].From == nil {
				return fmt.Errorf("%w: a link begins with a hello", txc.ErrInvalid)
			}
			v.greeted = true
			v.opened <- frame.OpeningOf(batch[0].From)
		}
		if peer := v.peer.Load(); !met && peer != nil {
			met = true
			w.Meet(*peer)
		}
		if err := f.send(batch); err != nil {
			return err
		}
	}
}

func (v *going) read(ctx context.Context, late *time.Timer) error {
	for opened, met := false, false; ; {
		var raw Frame
		if err := v.stream.RecvMsg(&raw); err != nil {
			if ctx.Err() == nil {
				v.status = err
			}
			return err
		}
		if !opened {
			select {
			case o := <-v.opened:
				opened = true
				v.reader.Opened(o)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		batch, err := v.reader.Read(raw.Bytes, nil)
		if err != nil {
			v.status = err
			return err
		}
		if peer, ok := v.reader.Peer(); ok && !met { // not: what came was the refusal of our hello
			met = true
			late.Stop()
			v.peer.Store(&peer)
			v.link.linked(peer.Software, "stream")
		}
		if len(batch) > 0 {
			v.link.hand(true, batch)
		}
	}
}
