package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
)

// Bounds of a connection.
const (
	dialTime  = 5 * time.Second
	heartbeat = 5 * time.Second // a peer that is gone without a word is noticed after three of them
	grace     = 1 * time.Second // for an answer when whoever asked has no time left
	closeTime = 2 * time.Second // a broker that has stopped reading does not answer
)

// line keeps one connection: made when first asked for, and again when it was lost.
type line struct {
	address string
	config  amqp.Config
	log     *slog.Logger
	dialing chan struct{} // holds one: whoever takes it may dial, or close

	mu     sync.Mutex
	link   *link // nil: none yet
	closed bool
}

func newLine(address string, o Options, does string) *line {
	l := &line{address: address, log: o.Logger, dialing: make(chan struct{}, 1), config: amqp.Config{
		Heartbeat: heartbeat, Properties: amqp.Table{"product": "txc", "connection_name": "txc " + o.Name + " " + does},
	}}
	l.dialing <- struct{}{}
	return l
}

// get gives a connection that was not lost yet.
func (l *line) get(ctx context.Context) (*link, error) {
	select {
	case <-l.dialing:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a connection: %w", context.Cause(ctx))
	}
	defer func() { l.dialing <- struct{}{} }()
	old := l.now()
	if old != nil && !old.conn.IsClosed() {
		return old, nil
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return nil, txc.ErrClosed
	}
	if old != nil {
		old.end(ctx)
	}
	fresh, err := dial(ctx, l.address, l.config)
	l.mu.Lock()
	l.link = fresh // nil with an error
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	l.log.Info("connected to the broker", "as", l.config.Properties["connection_name"], "version", fresh.version())
	return fresh, nil
}

// now is the last connection, nil if there was none.
func (l *line) now() *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link
}

// close ends the line: what uses it fails.
func (l *line) close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	last := l.link
	l.mu.Unlock()
	if last != nil {
		last.end(ctx)
	}
	<-l.dialing // a dial that runs ends with its own time
	if fresh := l.now(); fresh != nil {
		fresh.end(ctx)
	}
	l.dialing <- struct{}{}
}
