package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
)

// The bank that transfers move money in.
const (
	accounts = 100_000 // of each participant: two transactions rarely meet
	hot      = 1_000   // accounts of the contended workload, drawn by a Zipf law
	zipfS    = 1.1
)

// work draws one transaction's branches.
func (o *Options) work(names []string, n *atomic.Uint64) []client.Work {
	branches := make([]client.Work, len(names))
	count := n.Add(1)
	for i := range names {
		op := operation{verb: add, account: rand.IntN(accounts), by: by(i)}
		switch o.Workload {
		case "noop":
			op = operation{verb: put, account: int(count % accounts)}
		case "readonly":
			op.verb = get
		case "contended":
			z := rand.NewZipf(rand.New(rand.NewPCG(rand.Uint64(), 0)), zipfS, 1, hot-1)
			op.account = int(z.Uint64())
		}
		branches[i] = o.store(i).work(op)
	}
	return branches
}

// by is what branch i of a transfer adds: two by two they add nothing.
func by(i int) int64 {
	if i%2 == 0 {
		return -1
	}
	return 1
}

func account(n int) string { return fmt.Sprintf("account/%d", n) }

// payload is about the size of a small write.
var payload = make([]byte, 100)

// payer runs transactions.
type payer interface {
	pay(wait string) deed
	close() error
}

// library pays as programs do: over the client library's streams.
type library struct {
	o      *Options
	names  []string
	client *client.Client
	n      atomic.Uint64
}

func newLibrary(o *Options, address string, names []string) (*library, error) {
	c, err := client.Dial([]string{address}, client.Options{Software: "txc bench", DialWait: dialWait})
	if err != nil {
		return nil, err
	}
	return &library{o: o, names: names, client: c}, nil
}

func (l *library) pay(wait string) deed {
	var options []client.TxOption
	if wait == "decided" {
		options = append(options, client.WaitDecided())
	}
	return func(ctx context.Context, _ int) error {
		branches := l.o.work(l.names, &l.n)
		_, err := l.client.Run(ctx, func(_ context.Context, tx *client.Tx) error {
			var errs error
			for i, name := range l.names {
				if err := tx.Enlist(name, branches[i]); err != nil {
					errs = errors.Join(errs, err)
				}
			}
			return errs
		}, options...)
		return err
	}
}

func (l *library) close() error { return l.client.Close() }

// single pays by one unary call for each transaction, as any language can.
type single struct {
	o     *Options
	names []string
	conn  *grpc.ClientConn
	n     atomic.Uint64
}

func newSingle(o *Options, address string, names []string) (*single, error) {
	conn, err := rpc.Dial(address)
	if err != nil {
		return nil, err
	}
	return &single{o: o, names: names, conn: conn}, nil
}

func (s *single) pay(wait string) deed {
	coordinator := txcpb.NewCoordinatorClient(s.conn)
	w := txcpb.Wait_APPLIED
	if wait == "decided" {
		w = txcpb.Wait_DECIDED
	}
	return func(ctx context.Context, _ int) error {
		request := &txcpb.RunRequest{Begin: &txcpb.BeginRequest{}, Wait: w}
		for i, work := range s.o.work(s.names, &s.n) {
			b, err := work.MarshalWork()
			if err != nil {
				return err
			}
			request.Branches = append(request.Branches, &txcpb.Enlistment{Participant: s.names[i], Work: b})
		}
		reply, err := coordinator.Run(ctx, request)
		switch {
		case err != nil:
			return rpc.FromStatus(err)
		case reply.GetOutcome() == txcpb.Outcome_ABORT:
			return fmt.Errorf("%w: %s", txc.ErrAborted, reply.GetReason().GetCode())
		case reply.GetOutcome() != txcpb.Outcome_COMMIT:
			return fmt.Errorf("%w: %s is %s", txc.ErrUnknown, reply.GetId(), reply.GetOutcome())
		}
		return nil
	}
}

func (s *single) close() error { return s.conn.Close() }
