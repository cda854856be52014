package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// Bounds of publishing.
const (
	window      = 100 // messages of a branch that are published before their confirmations are waited for
	maxChannels = 256 // of a connection: four times what an agent has at work by default; a server allows 2,047 by default
)

// What may become of a message. Each is unknown to the caller: the branch stays in doubt, and is published again.
var (
	errBlocked  = errors.New("the broker does not take messages")
	errReturned = errors.New("no queue takes it")
)

// channel is one AMQP channel in confirm mode, used by one branch at a time.
type channel struct {
	ch       *amqp.Channel
	returned chan amqp.Return             // has room for a window: the library drops what nobody takes, and that would pass for success
	lost     chan *amqp.Error             // says why it was closed, once
	why      error                        // what it said
	waiting  []*amqp.DeferredConfirmation // of the messages of the last window
}

// Publish publishes the messages of one branch, and returns nil once each is confirmed and none has come back.
func (b *broker) Publish(ctx context.Context, all []staged.Message) (taken int, err error) {
	k, err := b.publishes.get(ctx)
	if err != nil {
		return 0, err
	}
	return k.publish(ctx, all)
}

func (k *link) publish(ctx context.Context, all []staged.Message) (taken int, err error) {
	if why, _ := k.shut(); why != "" {
		return 0, fmt.Errorf("%w: %s", errBlocked, why)
	}
	c, err := k.take(ctx)
	if err != nil {
		return 0, err
	}
	defer k.give(c)
	for taken < len(all) {
		part := all[taken:min(taken+window, len(all))]
		if err := k.send(ctx, c, part); err != nil {
			return taken, err
		}
		n, err := k.await(ctx, c, part)
		if taken += n; err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// take gives a channel that waits for nothing.
func (k *link) take(ctx context.Context) (*channel, error) {
	k.mu.Lock()
	var found *channel
	kept := k.idle[:0]
	for _, c := range k.idle {
		switch {
		case c.ch.IsClosed():
			k.open--
		case found == nil && c.quiet():
			found = c
		default:
			kept = append(kept, c)
		}
	}
	k.idle = kept
	full := found == nil && k.open >= maxChannels
	if found == nil && !full {
		k.open++
	}
	k.mu.Unlock()
	switch {
	case found != nil:
		return found, nil
	case full:
		return nil, fmt.Errorf("%w: %d channels wait for the broker", txc.ErrBusy, maxChannels)
	}
	c, err := k.openChannel(ctx)
	if err != nil {
		k.mu.Lock()
		k.open--
		k.mu.Unlock()
	}
	return c, err
}

func (k *link) openChannel(ctx context.Context) (*channel, error) {
	end, err := k.during(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	defer end()
	ch, err := k.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	c := &channel{ch: ch, returned: ch.NotifyReturn(make(chan amqp.Return, window)), lost: ch.NotifyClose(make(chan *amqp.Error, 1))}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("ask for confirmations: %w", err)
	}
	return c, nil
}

// give takes a channel back.
func (k *link) give(c *channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.ch.IsClosed() {
		k.open--
		return
	}
	k.idle = append(k.idle, c)
}

// quiet reports that all that was published has been answered, and forgets the answers: whoever waited has given up.
func (c *channel) quiet() bool {
	for _, d := range c.waiting {
		select {
		case <-d.Done():
		default:
			return false
		}
	}
	c.waiting = c.waiting[:0]
	for len(c.returned) > 0 {
		<-c.returned
	}
	return true
}

// send publishes one window.
func (k *link) send(ctx context.Context, c *channel, part []staged.Message) error {
	end, err := k.during(ctx)
	if err != nil {
		return fmt.Errorf("message %s: %w", part[0].ID, err)
	}
	defer end()
	for i := range part {
		to, err := ParseAddress(part[i].To)
		if err == nil {
			err = fits(&part[i], k.conn.Config.FrameSize)
		}
		if err != nil { // sent, it would end the connection, and all that others do on it
			return fmt.Errorf("message %s: %w", part[i].ID, err)
		}
		d, err := c.ch.PublishWithDeferredConfirm(to.Exchange, to.Key, true, false, publishing(&part[i]))
		if err != nil {
			return fmt.Errorf("message %s: %w", part[i].ID, c.cause(err))
		}
		c.waiting = append(c.waiting, d)
	}
	return nil
}

func publishing(m *staged.Message) amqp.Publishing {
	headers := make(amqp.Table, len(m.Headers)+1)
	for name, value := range m.Headers {
		headers[name] = value
	}
	headers[staged.HeaderID] = m.ID
	return amqp.Publishing{Headers: headers, ContentType: m.ContentType, DeliveryMode: amqp.Persistent, MessageId: m.ID, Body: m.Body}
}

// await waits for the confirmations of a window, and tells how many of its first messages are the broker's. Where it returns
// early the channel still waits for the others.
func (k *link) await(ctx context.Context, c *channel, part []staged.Message) (taken int, err error) {
	err = k.confirmed(ctx, c, part)
	back := map[string]*amqp.Return{}
	for len(c.returned) > 0 { // the broker sends what comes back before it confirms it
		r := <-c.returned
		back[r.MessageId] = &r
	}
	is := func(d *amqp.DeferredConfirmation) bool {
		select {
		case <-d.Done():
			return d.Acked()
		default:
			return false
		}
	}
	for taken < len(part) && is(c.waiting[taken]) && back[part[taken].ID] == nil {
		taken++
	}
	if err != nil {
		return taken, err
	}
	waited := c.waiting
	c.waiting = c.waiting[:0]
	for i, d := range waited {
		if !d.Acked() {
			return taken, fmt.Errorf("message %s to %s: %w", part[i].ID, part[i].To, c.cause(errors.New("the broker refused it: a queue is full, or cannot store it")))
		}
	}
	for _, m := range part {
		if r := back[m.ID]; r != nil {
			return taken, fmt.Errorf("message %s: %w: exchange %q, key %q: %s", m.ID, errReturned, r.Exchange, r.RoutingKey, r.ReplyText)
		}
	}
	return taken, nil
}

// confirmed waits until the broker has said something of each message.
func (k *link) confirmed(ctx context.Context, c *channel, part []staged.Message) error {
	for i, d := range c.waiting {
		for done := false; !done; {
			why, turned := k.shut()
			select {
			case <-d.Done():
				done = true
				continue
			default:
			}
			if why != "" {
				return fmt.Errorf("%w: %s", errBlocked, why)
			}
			select {
			case <-d.Done():
			case <-turned:
			case <-ctx.Done():
				return fmt.Errorf("message %s: not confirmed: %w", part[i].ID, context.Cause(ctx))
			}
		}
	}
	return nil
}

// cause is why the channel was closed, if it was, else err.
func (c *channel) cause(err error) error {
	switch {
	case c.why != nil:
		return c.why
	case !c.ch.IsClosed():
		return err
	}
	c.why = amqp.ErrClosed           // in good order: by Close
	if why := <-c.lost; why != nil { // said, or closed, before anybody who waits for the channel is told
		c.why = why
	}
	return c.why
}
