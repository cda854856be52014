package nats

import (
	"context"
	"errors"
	"fmt"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc/participant/staged"
)

// contentType is the header that bears a message's content type.
const contentType = "Content-Type"

// Publish publishes one message after the other: were they all sent at once, one that the stream refuses would come behind
// its followers when it is published again.
func (b *broker) Publish(ctx context.Context, all []staged.Message) (taken int, err error) {
	for i, m := range all {
		b.said.Store(nil)
		if _, err := b.js.PublishMsg(ctx, message(m)); err != nil {
			return i, fmt.Errorf("message %s to %q: %w", m.ID, m.To, b.because(err))
		}
	}
	return len(all), nil
}

// because adds what the server has complained of to an answer that did not come: it says nothing else of a permission.
func (b *broker) because(err error) error {
	err = away(err)
	if said := b.said.Load(); said != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrTimeout)) {
		return fmt.Errorf("%w (the server said: %w)", err, *said)
	}
	return err
}

// away says in other words what the client says of a server that it has no connection to: its buffer for such times is off,
// and what a server that was never there can do is not known.
func away(err error) error {
	if errors.Is(err, client.ErrReconnectBufExceeded) || errors.Is(err, client.ErrHeadersNotSupported) {
		return errAway
	}
	return err
}

var errAway = errors.New("there is no connection to the server")

// message is a message as it is sent, all of its headers included.
func message(m staged.Message) *client.Msg {
	h := client.Header{jetstream.MsgIDHeader: {m.ID}, staged.HeaderID: {m.ID}}
	for name, value := range m.Headers {
		h[name] = []string{value}
	}
	if m.ContentType != "" {
		h[contentType] = []string{m.ContentType}
	}
	return &client.Msg{Subject: m.To, Header: h, Data: m.Body}
}

// size is what limits count: the headers, as they stand on the wire, and the body.
func size(m *client.Msg) int {
	n := len("NATS/1.0\r\n\r\n") + len(m.Data)
	for name, values := range m.Header {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}
