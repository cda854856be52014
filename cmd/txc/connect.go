package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

// server is a connection to a coordinator that was there a moment ago.
type server struct {
	conn        *grpc.ClientConn
	address     string
	patience    time.Duration
	Coordinator txcpb.CoordinatorClient
	Operator    txcpb.OperatorClient
}

// connect waits until a coordinator is reached. If none is, it is certain that nothing was begun.
func (p *program) connect(c *cli.Context) (*server, error) {
	address := c.String(flagCoordinator)
	if err := console.Address("--"+flagCoordinator, address); err != nil {
		return nil, err
	}
	conn, err := dial(c.Context, address, c.Duration(flagPatience))
	if err != nil {
		return nil, err
	}
	return &server{conn, address, c.Duration(flagPatience), txcpb.NewCoordinatorClient(conn), txcpb.NewOperatorClient(conn)}, nil
}

// dial waits until a server at address is reached, no longer than patience.
func dial(ctx context.Context, address string, patience time.Duration) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(address)
	if err != nil {
		return nil, console.BadInput("address %q: %v", address, err).With("use host:port")
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if conn.WaitForStateChange(wait, state) {
			continue
		}
		closeErr := conn.Close()
		if cause := context.Cause(ctx); cause != nil {
			return nil, errors.Join(cause, closeErr)
		}
		return nil, nobody(address, errors.Join(txc.ErrUnavailable, closeErr))
	}
	return conn, nil
}

// nobody is the failure of a coordinator that is not there: it is certain that nothing was begun.
func nobody(address string, err error) *console.Failure {
	return &console.Failure{
		Exit: console.Unavailable, Code: console.CodeUnavailable, Text: "nothing answers at " + address,
		Hint: "start a coordinator with txc serve or txc dev, or name another with --coordinator", Err: err,
	}
}

func (s *server) close() {
	_ = s.conn.Close() // what was asked has been answered, or not
}

// bounded is a context for one question.
func (s *server) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.patience)
}

// unanswered makes an error of a question that changes nothing: no answer means that it can be asked again.
func unanswered(err error) error {
	f := called(err)
	if f.Exit == console.Unknown && f.Code == console.CodeUnknown {
		f.Exit, f.Code, f.Hint = console.Unavailable, console.CodeUnavailable, "ask again; txc status tells whether the coordinator serves"
	}
	return f
}

// unknown makes an error of a request that may have been carried out: without an answer nobody knows.
func unknown(err error, id, key string) error {
	f := called(err).About(id, key)
	if f.Exit == console.Unknown && f.Hint == "" {
		f.Hint = "it may have been done; ask txc show" + showArgs(id, key)
	}
	return f
}

func showArgs(id, key string) string {
	switch {
	case id != "":
		return " " + id
	case key != "":
		return " --key " + key
	}
	return " for the id, or txc list"
}

// called makes a Failure of a call's error.
func called(err error) *console.Failure {
	st, isCall := status.FromError(err)
	err = rpc.FromStatus(err)
	f := console.Failed(err)
	var refusal *txc.Refusal
	if isCall && !errors.As(err, &refusal) {
		f.Text = console.OneLine(st.Message())
	}
	return f
}

// flagWho names the person of an operator's deed; it is recorded.
func flagWho() cli.Flag {
	return &cli.StringFlag{Name: "who", Value: whoami(), DefaultText: "you@this-host", EnvVars: []string{"TXC_WHO"}, Usage: "`NAME` to record for this deed"}
}

func flagReason() cli.Flag {
	return &cli.StringFlag{Name: "reason", Usage: "`WHY`, to be recorded"}
}

func whoami() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

// maxWords bounds what an operator may have recorded.
const maxWords = 512

// deed reads who and why of an operator's deed; both are needed.
func deed(c *cli.Context) (who, why string, err error) {
	who, why = c.String("who"), c.String("reason")
	if why == "" {
		return "", "", console.BadInput("no --reason").With("say why in a few words: it is recorded with your name")
	}
	if len(who) > maxWords || len(why) > maxWords || who == "" {
		return "", "", console.BadInput("--who of %d and --reason of %d bytes", len(who), len(why)).With(fmt.Sprintf("use 1 to %d", maxWords))
	}
	return who, why, nil
}

// flagLabel is repeatable.
func flagLabel(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "label", Usage: usage}
}

func flagKey(usage string) cli.Flag { return &cli.StringFlag{Name: "key", Usage: usage} }
