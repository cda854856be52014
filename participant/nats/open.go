package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// Bounds of the connection. The client has one lock, under which it connects and writes: whoever publishes waits for both
// whatever its context says, so that together they bound what a server that has stopped can take.
const (
	connectLimit  = 2 * time.Second
	writeLimit    = 3 * time.Second
	reconnectMin  = 100 * time.Millisecond
	reconnectMore = 400 * time.Millisecond // at random, so that many do not come back at once
	pingEvery     = 10 * time.Second       // a connection that is silently gone is found after two of them
)

// DefaultWindow is the duplicate window below which Check warns.
const DefaultWindow = 10 * time.Minute

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster, Name string // whose participant it is; both are needed
	Address       string // told to whoever finds the staging directory in use
	Password      string // of the user that the server's address names; with a token as the user: none
	TLS           *tls.Config
	Logger        *slog.Logger  // default: none
	Window        time.Duration // Check warns of a stream that knows ids for less; default DefaultWindow
	Timeout       time.Duration // see staged.Options
	MinFree       uint64        // see staged.Options
	Ballast       int64         // see staged.Options
}

// Open connects to a server (nats:// or tls://user@host:port, several separated by commas) and opens the staging store in a
// directory of its own. A server that cannot be reached is waited for later, by every deed that needs it; one that does not
// let the user in is an error at once. The error wraps txc.ErrInvalid for an address that is none; what is said of staged.Open holds, too.
func Open(ctx context.Context, server, dir string, o Options) (*staged.Store, error) {
	b, err := connect(server, o)
	if err != nil {
		return nil, fmt.Errorf("open nats: %w", err)
	}
	return staged.Open(ctx, dir, b, staged.Options{
		Cluster: o.Cluster, Name: o.Name, Address: o.Address, Logger: o.Logger, Timeout: o.Timeout, MinFree: o.MinFree, Ballast: o.Ballast,
	})
}

// broker is a staged.Broker over one connection.
type broker struct {
	conn   *client.Conn
	js     jetstream.JetStream
	window time.Duration
	said   atomic.Pointer[error] // the last thing that the server has complained of: a refused publish has no other answer

	unasked atomic.Bool // it has complained that the user may not ask for its permissions

	mu      sync.Mutex
	streams map[string]stream // by subject
	user    permissions
}

func connect(server string, o Options) (*broker, error) {
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	b := &broker{window: o.Window, streams: map[string]stream{}}
	server, user, err := address(server, o.Password != "")
	if err != nil {
		return nil, err
	}
	options := b.options(o)
	if o.Password != "" {
		options = append(options, client.UserInfo(user, o.Password))
	}
	b.conn, err = client.Connect(server, options...)
	if err != nil && !refused(err) { // it is away: promises can be listed and aborted without it
		b.conn, err = client.Connect(server, append(options, client.RetryOnFailedConnect(true))...)
	}
	if err != nil {
		return nil, err
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		b.conn.Close()
		return nil, err
	}
	return b, nil
}

// refused tells an answer of the server from its absence.
func refused(err error) bool {
	return errors.Is(err, client.ErrAuthorization) || errors.Is(err, client.ErrAuthExpired) || errors.Is(err, client.ErrAuthRevoked) ||
		errors.Is(err, client.ErrSecureConnRequired) || errors.Is(err, client.ErrSecureConnWanted)
}

func (b *broker) options(o Options) []client.Option {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	options := []client.Option{
		client.Name("txc/" + o.Cluster + "/" + o.Name), client.Timeout(connectLimit), client.FlusherTimeout(writeLimit), client.SetCustomDialer(dialer{}), client.PingInterval(pingEvery), client.MaxPingsOutstanding(2),
		client.MaxReconnects(-1), client.ReconnectWait(reconnectMin), client.ReconnectJitter(reconnectMore, reconnectMore),
		client.IgnoreAuthErrorAbort(), // a password that is being changed is no reason to give a promise up
		client.ReconnectBufSize(-1),   // what is published while the server is away is an error, and not sent behind our back later
		client.ErrorHandler(func(_ *client.Conn, _ *client.Subscription, err error) {
			b.complained(err)
			log.Warn("the server complains", "err", err)
		}),
		client.DisconnectErrHandler(func(_ *client.Conn, err error) { log.Warn("the server is away", "err", err) }),
		client.ReconnectHandler(func(c *client.Conn) { log.Info("the server is back", "address", c.ConnectedAddr()) }),
	}
	if o.TLS != nil {
		options = append(options, client.Secure(o.TLS))
	}
	return options
}

// dialer makes connections that end with the first write that fails. The client ends one only if a part of the write went out:
// of small messages none does, and each of all that wait would wait as long again, one after the other.
type dialer struct{}

func (dialer) Dial(network, address string) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, connectLimit)
	if err != nil {
		return nil, err
	}
	return conn{c}, nil
}

type conn struct{ net.Conn }

func (c conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Close() // its only error is that it is closed
	}
	return n, err
}

// address checks the servers' addresses, and takes the user out of them where its password comes apart: alone, the client
// would take it for a token.
func address(servers string, apart bool) (_, user string, _ error) {
	var all []string
	for _, one := range strings.Split(servers, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return "", "", fmt.Errorf("%w: not an address like nats://user@host:port", txc.ErrInvalid) // err would show a password
		}
		if user == "" {
			user = u.User.Username()
		}
		if apart {
			u.User = nil
		}
		all = append(all, u.String())
	}
	return strings.Join(all, ","), user, nil
}

// Close ends the connection.
func (b *broker) Close(context.Context) error {
	b.conn.Close()
	return nil
}
