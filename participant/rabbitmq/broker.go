package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Name     string       // the participant's, shown in the server's list of connections
	Password string       // empty: the address's
	Logger   *slog.Logger // default: none
}

// Broker is a RabbitMQ server or cluster as a staged.Broker. All methods are safe for concurrent use. It connects when it
// first has to, again after each loss, and holds at most two connections.
type Broker struct {
	asks, publishes *line
}

// Open reads an address, amqp://user@host:port/vhost or amqps://…, without connecting: a broker that is away must not keep
// a participant with promises from starting. The error wraps txc.ErrInvalid. Parameters of the address are those of the
// client library (heartbeat, channel_max, cacertfile, certfile, keyfile, server_name_indication).
func Open(address string, o Options) (*Broker, error) {
	full, err := withPassword(address, o.Password)
	if err != nil {
		return nil, fmt.Errorf("open rabbitmq: %w: %w", txc.ErrInvalid, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Broker{asks: newLine(full, o, "asks"), publishes: newLine(full, o, "publishes")}, nil
}

// withPassword puts a password into an address that the client library reads. Errors do not show it.
func withPassword(address, password string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the address cannot be read: use amqp://user@host:port/vhost")
	}
	if password != "" {
		u.User = url.UserPassword(u.User.Username(), password)
	}
	full := u.String()
	if _, err := amqp.ParseURI(full); err != nil {
		return "", errors.New("the address cannot be read: use amqp://user@host:port/vhost")
	}
	return full, nil
}

// Close ends the connections. Twice is fine.
func (b *Broker) Close(ctx context.Context) error {
	b.asks.close(ctx)
	b.publishes.close(ctx)
	return nil
}

var _ staged.Broker = (*Broker)(nil)
