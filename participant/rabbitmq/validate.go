package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// What was seen to be durable is believed, for one connection.
const (
	believed    = time.Minute
	maxBelieved = 4096 // queues and exchanges
)

// Validate tells why messages could not be published, as far as can be known. Whether the user may publish, and whether an
// exchange has a queue for a key, shows only when it is done.
func (b *broker) Validate(ctx context.Context, all []staged.Message) (txc.Reason, error) {
	if k := b.publishes.now(); k != nil && !k.conn.IsClosed() {
		if why, _ := k.shut(); why != "" {
			return reason(txc.CodeBusy, "%v: %s", errBlocked, why), nil
		}
	}
	k, err := b.asks.get(ctx)
	if err != nil {
		return txc.Reason{}, err
	}
	places := map[string]Address{}
	for i := range all {
		a, err := ParseAddress(all[i].To)
		if err == nil {
			err = fits(&all[i], k.conn.Config.FrameSize)
		}
		if err != nil {
			return reason(txc.CodeBadWork, "message %d to %q: %v", i, all[i].To, err), nil
		}
		places[a.place()] = a
	}
	for _, a := range places {
		if why, err := k.look(ctx, a); err != nil || !why.IsZero() {
			return why, err
		}
	}
	return txc.Reason{}, nil
}

// fits refuses what the broker would close a connection or a channel for.
func fits(m *staged.Message, frame int) error {
	const overhead = 8 + 14 + 4 + 2 // a frame's, a content header's, its table's, its delivery mode's and flags'
	size := overhead + 1 + len(m.ID) + 1 + len(m.ContentType) + 6 + len(staged.HeaderID) + len(m.ID)
	for name, value := range m.Headers {
		if name == "CC" || name == "BCC" {
			return fmt.Errorf("header %s: RabbitMQ takes further addresses from it; send a message to each", name)
		}
		size += 6 + len(name) + len(value)
	}
	if frame > 0 && size > frame {
		return fmt.Errorf("its headers have %d bytes: the broker takes %d", size, frame)
	}
	return nil
}

// look asks whether a queue or exchange is there and durable.
//
// A passive declaration tells only the former. An active one that is refused tells the latter, but the refusal is an error
// in the broker's log, so its answer is believed for a while.
func (k *link) look(ctx context.Context, a Address) (txc.Reason, error) {
	there, err := k.passive(ctx, a)
	if err != nil {
		return txc.Reason{}, err
	}
	if there != nil {
		k.doubt(a.place())
		return judge(a.place(), there), nil
	}
	if k.believes(a.place()) {
		return txc.Reason{}, nil
	}
	said, err := k.declare(ctx, a, "direct")
	if err != nil {
		return txc.Reason{}, err
	}
	if kind, ok := currentType(said); ok && a.Exchange != "" {
		if said, err = k.declare(ctx, a, kind); err != nil {
			return txc.Reason{}, err
		}
	}
	why := judge(a.place(), said)
	if why.IsZero() {
		k.believe(a.place())
	}
	return why, nil
}

func (k *link) believes(place string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, ok := k.durable[place]
	return ok && time.Since(seen) < believed
}

func (k *link) believe(place string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.durable) >= maxBelieved {
		clear(k.durable)
	}
	k.durable[place] = time.Now()
}

func (k *link) doubt(place string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.durable, place)
}

// passive asks whether it is there, and gives the broker's words where it is not.
func (k *link) passive(ctx context.Context, a Address) (*amqp.Error, error) {
	c, err := k.take(ctx)
	if err != nil {
		return nil, err
	}
	defer k.give(c)
	end, err := k.during(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", a.place(), err)
	}
	defer end()
	if a.Exchange == "" {
		_, err = c.ch.QueueDeclarePassive(a.Key, true, false, false, false, nil)
	} else {
		err = c.ch.ExchangeDeclarePassive(a.Exchange, "direct", true, false, false, false, nil)
	}
	if err == nil {
		return nil, nil
	}
	return k.words(ctx, a, err)
}

// words are what the broker said of a declaration; an error where it said nothing.
func (k *link) words(ctx context.Context, a Address, err error) (*amqp.Error, error) {
	var said *amqp.Error
	if k.conn.IsClosed() || !errors.As(err, &said) || !said.Server {
		return nil, fmt.Errorf("look for %s: %w", a.place(), errors.Join(err, context.Cause(ctx)))
	}
	return said, nil
}

// declare tries to declare what can never be: with an argument of a type that no server takes. What is there is compared with
// the declaration first, and the refusal names the first difference; what is not there is not made, for the argument. It
// gives the broker's words; nil: it was taken.
func (k *link) declare(ctx context.Context, a Address, kind string) (*amqp.Error, error) {
	end, err := k.during(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", a.place(), err)
	}
	defer end()
	ch, err := k.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	if a.Exchange == "" {
		_, err = ch.QueueDeclare(a.Key, true, false, false, false, amqp.Table{"x-expires": "never"})
	} else {
		err = ch.ExchangeDeclare(a.Exchange, kind, true, false, false, false, amqp.Table{"alternate-exchange": true})
	}
	if err == nil {
		return nil, ch.Close()
	}
	return k.words(ctx, a, err)
}

// currentType reads the type of an exchange out of the refusal of another type.
func currentType(said *amqp.Error) (string, bool) {
	if said == nil || said.Code != amqp.PreconditionFailed || !strings.Contains(said.Reason, "inequivalent arg 'type'") {
		return "", false
	}
	_, rest, ok := strings.Cut(said.Reason, "current is '")
	kind, _, _ := strings.Cut(rest, "'")
	return kind, ok && kind != ""
}

// judge makes a reason of the broker's words; zero: the place is there and durable. What is not understood is a No.
func judge(place string, said *amqp.Error) txc.Reason {
	if said == nil {
		return reason(txc.CodeStore, "%s: the broker does not tell whether it is durable", place)
	}
	differs := func(what string) bool { return strings.Contains(said.Reason, "inequivalent arg '"+what+"'") }
	switch said.Code {
	case amqp.PreconditionFailed:
		switch {
		case strings.Contains(said.Reason, "invalid arg '") || strings.Contains(said.Reason, "invalid type '"):
			return reason(txc.CodeRefused, "%s does not exist", place)
		case differs("durable"):
			return reason(txc.CodeRefused, "%s is not durable: a restart of the broker would take what was published to it", place)
		case differs("auto_delete"):
			return reason(txc.CodeRefused, "%s deletes itself with its last user", place)
		case differs("internal"):
			return reason(txc.CodeRefused, "%s is internal: nobody may publish to it", place)
		case differs("x-queue-type") && strings.Contains(said.Reason, "'stream'"):
			return reason(txc.CodeRefused, "%s is a stream, which confirms what it has not synced: use a quorum queue", place)
		case differs("x-queue-type") || differs("x-expires") || differs("alternate-exchange"):
			return txc.Reason{} // nothing before these was different
		}
	case amqp.ResourceLocked:
		return reason(txc.CodeRefused, "%s is exclusive: it goes with somebody's connection", place)
	case amqp.AccessRefused:
		return reason(txc.CodeRefused, "%s: the user needs permission to configure it, or it cannot be seen whether it is durable (nothing is changed): %s", place, said.Reason)
	case amqp.NotFound:
		if strings.Contains(said.Reason, "no queue '") || strings.Contains(said.Reason, "no exchange '") {
			return reason(txc.CodeRefused, "%s does not exist", place)
		}
		return reason(txc.CodeUnreachable, "%s: %s", place, said.Reason) // it does, on a node that is down
	}
	return reason(txc.CodeStore, "%s: it cannot be seen whether it is durable: %s", place, said.Reason)
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}
