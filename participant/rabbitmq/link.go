package rabbitmq

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// link is one connection.
type link struct {
	conn *amqp.Connection
	raw  net.Conn // below TLS
	told sync.WaitGroup

	mu      sync.Mutex
	blocked string               // why the broker does not read what we publish; "": it does
	turned  chan struct{}        // closed, and another one made, when blocked changes
	idle    []*channel           // nobody uses them; some may still wait for confirmations of messages that somebody gave up on
	open    int                  // channels, idle or used
	durable map[string]time.Time // queues and exchanges that were seen to be durable
}

func dial(ctx context.Context, address string, config amqp.Config) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	k := &link{turned: make(chan struct{}), durable: map[string]time.Time{}}
	stop := func() bool { return true }
	config.Dial = func(network, address string) (net.Conn, error) {
		raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		k.raw = raw
		stop = context.AfterFunc(ctx, k.cut) // the handshake knows no context
		return raw, nil
	}
	conn, err := amqp.DialConfig(address, config)
	if !stop() && err == nil { // cut while it was being made
		err = context.Cause(ctx)
	}
	if err != nil {
		if k.raw != nil {
			k.cut()
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	k.conn = conn
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	k.told.Go(func() { // the library closes the channel with the connection
		for b := range blocked {
			k.turn(b)
		}
	})
	return k, nil
}

// cut ends the connection at once: all that waits for it fails.
func (k *link) cut() {
	_ = k.raw.Close() // what could not be closed was closed already
}

// end closes the connection as it should be, and at once where the broker does not answer.
func (k *link) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	stop := context.AfterFunc(ctx, k.cut)
	_ = k.conn.Close() // its only error is that it is closed, or lost
	stop()
	k.cut()
	k.told.Wait()
}

// during bounds a call of the library, which knows no context: the connection ends where the broker has not answered when ctx
// is over, and a little later. Others use the connection, too, and one whose time is short must not end it for them as long as
// the broker answers. The returned function is called after the call; an error: ctx is over, and nothing is to be begun.
func (k *link) during(ctx context.Context) (end func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-late.C:
			k.cut()
		case <-ended:
		}
	})
	return func() {
		stop()
		close(ended)
	}, nil
}

func (k *link) turn(b amqp.Blocking) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.blocked = ""
	if b.Active {
		k.blocked = "short of resources"
		if b.Reason != "" {
			k.blocked = b.Reason
		}
	}
	close(k.turned)
	k.turned = make(chan struct{})
}

// shut tells why the broker has stopped reading this connection; "": it has not. The channel is closed when that changes.
func (k *link) shut() (why string, turned <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.blocked, k.turned
}

func (k *link) version() string {
	v, _ := k.conn.Properties["version"].(string) // absent: not told
	return v
}

func (k *link) product() string {
	p, _ := k.conn.Properties["product"].(string)
	return p
}
