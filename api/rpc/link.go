package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// link is a coordinator's link to a participant in another process.
//
//	Send ─▶ outbox ─▶ sender ─▶ Session ─▶ participant          the fast path
//	                ╲▶ workers ─▶ Prepare, Commit, Abort, Recover   where there is no Session
//	receive ◀── reader, or workers
//
// One goroutine, run, connects for ever: it tries a Session first, and uses unary calls where that is not implemented.
type link struct {
	peer     coordinator.Peer
	software string
	log      *slog.Logger
	count    *Traffic

	handing sync.Mutex // receive is called by one goroutine at a time
	receive func(up bool, batch []protocol.Message)

	mu      sync.Mutex
	conn    *grpc.ClientConn          // replaced by run alone
	foreign bool                      // conn is for a participant without Session
	out     *outbox[protocol.Message] // of the connection that is there; nil: none is
	greeted bool                      // a Hello was given to it
	from    *protocol.Sender          // of the last message; nil: there was none

	cancel context.CancelFunc
	wg     sync.WaitGroup
	said   string // the last trouble that was logged, none since it was linked; run's, or of what run waits for
}

// Dialer makes a coordinator's links to participants at their registered addresses.
func Dialer(o Options) coordinator.Dialer {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return func(p coordinator.Peer, receive func(up bool, batch []protocol.Message)) (coordinator.Link, error) {
		conn, err := Dial(p.Address)
		if err != nil {
			return nil, fmt.Errorf("%w: %s at %q: %w", txc.ErrInvalid, p.Name, p.Address, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &link{
			peer: p, software: o.Software, count: o.Traffic, log: o.Logger.With("participant", p.Name, "address", p.Address),
			conn: conn, receive: receive, cancel: cancel,
		}
		l.wg.Go(func() { l.run(ctx) })
		return l, nil
	}
}

// Send hands messages to the connection that is there. Without one, and on one whose Hello has not come yet, they are
// dropped: they were meant for a connection that is gone, and the coordinator is being told so. False: too many wait.
func (l *link) Send(batch []protocol.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return true
	}
	for i := 0; !l.greeted && i < len(batch); i++ {
		if _, hello := batch[i].Body.(protocol.Hello); hello {
			batch, l.greeted = batch[i:], true
		}
	}
	if !l.greeted || len(batch) == 0 {
		return true
	}
	l.from = batch[len(batch)-1].From
	return l.out.put(batch...)
}

// Close ends the link; every goroutine of it has ended when it returns, and receive is not called again. Twice is fine.
func (l *link) Close() error {
	l.cancel()
	l.wg.Wait()
	if err := l.dialed().Close(); err != nil && status.Code(err) != codes.Canceled { // Canceled: it is closed already
		return fmt.Errorf("close link to %s: %w", l.peer.Name, err)
	}
	return nil
}

func (l *link) hand(up bool, batch []protocol.Message) {
	l.handing.Lock()
	defer l.handing.Unlock()
	l.receive(up, batch)
}

// run keeps a connection up until the link is closed.
func (l *link) run(ctx context.Context) {
	again(ctx, func() {
		if err := l.connected(ctx); ctx.Err() == nil && err.Error() != l.said {
			l.said = err.Error()
			l.log.Warn("no link: will be retried", "err", err)
		}
	})
}

// connected waits for a connection and serves it until it is lost; the error says why.
func (l *link) connected(ctx context.Context) error {
	if err := ready(ctx, l.dialed()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := l.up()
	defer l.down(out)
	greeted, err := l.session(ctx, out)
	if status.Code(err) != codes.Unimplemented {
		return err
	}
	if err := l.redial(true); err != nil {
		return err
	}
	if err := ready(ctx, l.dialed()); err != nil {
		return err
	}
	return l.unary(ctx, out, greeted)
}

func (l *link) dialed() *grpc.ClientConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

func (l *link) client() txcpb.ParticipantClient { return txcpb.NewParticipantClient(l.dialed()) }

// redial makes another connection if the one that is there asks for life too often, or too seldom, for this participant.
func (l *link) redial(foreign bool) error {
	l.mu.Lock()
	old, same := l.conn, l.foreign == foreign
	l.mu.Unlock()
	if same {
		return nil
	}
	every := KeepAlive
	if foreign {
		every = keepAliveForeign
	}
	conn, err := dial(l.peer.Address, every)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.conn, l.foreign = conn, foreign
	l.mu.Unlock()
	return old.Close()
}

// up opens the way for messages and tells the coordinator, whose Hello follows; down closes it and tells that too.
func (l *link) up() *outbox[protocol.Message] {
	out := newOutbox[protocol.Message](MaxQueue)
	l.mu.Lock()
	l.out, l.greeted = out, false
	l.mu.Unlock()
	l.hand(true, nil)
	return out
}

func (l *link) down(out *outbox[protocol.Message]) {
	l.mu.Lock()
	l.out = nil
	l.mu.Unlock()
	out.close()
	l.hand(false, nil)
}

// linked notes that the participant has answered a hello.
func (l *link) linked(software, way string) {
	l.said = ""
	l.log.Info("linked", "software", software, "way", way)
}

// unsaid drops a message that no frame takes: its branch is found by other ways, and a person should know.
func (l *link) unsaid(m protocol.Message, err error) (protocol.Message, bool) {
	l.log.Error("a message cannot be sent", "tx", m.ID, "what", fmt.Sprintf("%T", m.Body), "err", err)
	return m, false
}
