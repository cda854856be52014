package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster, Name string        // whose participant it is; both are needed
	Address       string        // told to whoever finds the staging directory in use
	Password      string        // of the user that the server's address names; empty: the address's
	Logger        *slog.Logger  // default: none
	Timeout       time.Duration // see staged.Options
	MinFree       uint64        // see staged.Options
	Ballast       int64         // see staged.Options
}

// Open opens the staging store in a directory of its own, for a server or cluster at amqp://user@host:port/vhost or amqps://….
// It connects when it first has to: a broker that is away must not keep a participant with promises from starting. The
// address may have the client library's parameters (heartbeat, channel_max, cacertfile, certfile, keyfile,
// server_name_indication). What is said of staged.Open holds, too.
func Open(ctx context.Context, server, dir string, o Options) (*staged.Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	full, err := withPassword(server, o.Password)
	if err != nil {
		return nil, fmt.Errorf("open rabbitmq: %w: %w", txc.ErrInvalid, err)
	}
	b := &broker{asks: newLine(full, o, "asks"), publishes: newLine(full, o, "publishes")}
	return staged.Open(ctx, dir, b, staged.Options{
		Cluster: o.Cluster, Name: o.Name, Address: o.Address, Logger: o.Logger, Timeout: o.Timeout, MinFree: o.MinFree, Ballast: o.Ballast,
	})
}

// broker is a staged.Broker. It holds at most two connections, made again after each loss.
type broker struct {
	asks, publishes *line
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
func (b *broker) Close(ctx context.Context) error {
	b.asks.close(ctx)
	b.publishes.close(ctx)
	return nil
}

var _ staged.Broker = (*broker)(nil)
