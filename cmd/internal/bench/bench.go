package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/cmd/internal/children"
	"github.com/txc-dev/txc/cmd/internal/counters"
)

// Bench is one run.
type Bench struct {
	o      *Options
	group  *children.Group
	echo   *grpc.ClientConn
	payer  payer
	names  []string
	report Report
	raw    map[rowKey][]Row // by round
}

// rowKey is what a row is about.
type rowKey struct {
	clients int
	wait    string
}

const dialWait = 20 * time.Second

// Run measures, and gives the report. Nothing that it started is left when it returns.
func Run(ctx context.Context, o Options) (*Report, error) {
	b := &Bench{o: &o, group: children.New(o.Executable, o.Dir), raw: map[rowKey][]Row{}}
	defer b.group.KillAll()
	err := b.run(ctx)
	if b.payer != nil {
		err = errors.Join(err, b.payer.close())
	}
	if b.echo != nil {
		err = errors.Join(err, b.echo.Close())
	}
	if err != nil {
		return nil, err
	}
	return &b.report, nil
}

func (b *Bench) run(ctx context.Context) error {
	b.report.describe(b.o)
	if err := b.startEcho(ctx); err != nil {
		return err
	}
	if err := b.floors(ctx); err != nil {
		return err
	}
	if err := b.startSystem(ctx); err != nil {
		return err
	}
	for round := range b.o.Rounds {
		for _, clients := range b.o.Clients {
			if err := b.pair(ctx, round, clients); err != nil {
				return err
			}
		}
	}
	b.summarize()
	return b.openRow(ctx)
}

// pair measures bare calls at a number of clients, and transactions right after them.
func (b *Bench) pair(ctx context.Context, round, clients int) error {
	calls, err := closed(ctx, clients, b.short(), b.call(), nothing)
	if err != nil {
		return fmt.Errorf("measure unary calls: %w", err)
	}
	for _, wait := range b.o.Waits {
		row, err := b.row(ctx, clients, wait)
		if err != nil {
			return fmt.Errorf("measure %d clients, %s: %w", clients, wait, err)
		}
		row.UnaryPerS = calls.rate()
		row.RatioUnary = row.TxPerS / row.UnaryPerS
		key := rowKey{clients, wait}
		b.raw[key] = append(b.raw[key], *row)
		b.o.say("round %d: %5d clients, %-7s %8.0f tx/s, %8.0f unary calls/s, ratio %.2f, p50 %.2f ms, p99 %.2f ms", round+1, clients, wait, row.TxPerS, row.UnaryPerS, row.RatioUnary, row.P50, row.P99)
	}
	return nil
}

// row is one closed-loop measurement.
func (b *Bench) row(ctx context.Context, clients int, wait string) (*Row, error) {
	meter := b.meter(ctx)
	s, err := closed(ctx, clients, b.o.Duration, b.payer.pay(wait), meter.read)
	if err != nil {
		return nil, err
	}
	row := rowOf(s, clients, wait)
	meter.fill(row, len(s.latencies))
	return row, nil
}

// openRow measures latency at a fixed rate, by the first of the waits.
func (b *Bench) openRow(ctx context.Context) error {
	rate := b.o.Rate
	if rate == 0 {
		best := slices.MaxFunc(b.report.Rows, func(x, y Row) int { return cmp.Compare(x.TxPerS, y.TxPerS) })
		rate = 0.7 * best.TxPerS
	}
	s, err := open(ctx, rate, b.o.Duration, b.payer.pay(b.o.Waits[0]))
	if err != nil {
		return fmt.Errorf("measure %.0f transactions per second: %w", rate, err)
	}
	row := rowOf(s, 0, b.o.Waits[0])
	row.Rate = rate
	row.RatioLatency = row.P50 / b.report.Floors.Latency
	b.report.Open = row
	return nil
}

func (b *Bench) startEcho(ctx context.Context) error {
	if err := b.group.Start(ctx, "echo", "bench-echo"); err != nil {
		return err
	}
	var err error
	b.echo, err = grpc.NewClient(b.group.Address("echo"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return err
}

// startSystem starts coordinator and participants, unless they run already, and waits until transactions can be run.
func (b *Bench) startSystem(ctx context.Context) error {
	address := b.o.Coordinator
	b.names = b.o.Names
	if address == "" {
		if err := b.startServers(ctx); err != nil {
			return err
		}
		address = b.group.Address("coordinator")
	}
	var err error
	if b.o.Unary {
		b.payer, err = newSingle(b.o, address, b.names)
	} else {
		b.payer, err = newLibrary(b.o, address, b.names)
	}
	if err != nil {
		return err
	}
	return b.awaken(ctx, address)
}

func (b *Bench) startServers(ctx context.Context) error {
	if err := b.o.setUp(ctx); err != nil {
		return err
	}
	log := filepath.Join(b.o.Dir, "coordinator")
	if b.o.History > 0 {
		b.o.say("history: %d finished transactions", b.o.History)
		if err := prefill(ctx, log, b.o.History, 0); err != nil {
			return err
		}
	}
	if err := b.group.Start(ctx, "coordinator", "serve", "--data", log, "--counters", "--log-level", "warn", "--ballast", "0B", "--min-free", "64MiB"); err != nil {
		return err
	}
	for i := range b.o.Participants {
		name := "p" + strconv.Itoa(i+1)
		b.names = append(b.names, name)
		at := []string{"--store", "kv:" + filepath.Join(b.o.Dir, name)}
		if address := b.o.address(i); address != "" {
			if at = []string{"--store", address}; b.o.store(i).setup != nil {
				at = append(at, "--allow-free-sql")
			}
		}
		args := []string{"participant", "--name", name, "--coordinator", b.group.Address("coordinator"), "--counters", "--log-level", "warn", "--ballast", "0B", "--min-free", "64MiB"}
		args = append(args, at...)
		if b.o.Unary {
			args = append(args, "--unary")
		}
		if err := b.group.Start(ctx, name, args...); err != nil {
			return err
		}
	}
	return nil
}

// awaken runs one transaction: the client library tries until the participants have registered.
func (b *Bench) awaken(ctx context.Context, address string) error {
	c, err := client.Dial([]string{address}, client.Options{Software: "txc bench", DialWait: dialWait})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := c.Run(ctx, func(_ context.Context, tx *client.Tx) error {
			var errs error
			for i, name := range b.names {
				errs = errors.Join(errs, tx.Enlist(name, b.o.store(i).work(operation{verb: get})))
			}
			return errs
		})
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("run a first transaction: %w", err)
		}
	}
}

// servers are the processes whose counters can be read.
func (b *Bench) servers() []string {
	if b.group == nil || b.o.Coordinator != "" {
		return nil
	}
	return append([]string{"coordinator"}, b.names...)
}

// meter reads all processes' counters where counting begins, and where it ends.
type meter struct {
	b    *Bench
	ctx  context.Context // of one measurement
	seen []map[string]counters.Counters
}

func (b *Bench) meter(ctx context.Context) *meter { return &meter{b: b, ctx: ctx} }

const own = "load" // this process

func (m *meter) read() error {
	all := map[string]counters.Counters{}
	for _, name := range m.b.servers() {
		var c counters.Counters
		if err := m.b.group.Ask(m.ctx, name, &c); err != nil {
			return err
		}
		all[name] = c
	}
	c, err := counters.Own()
	all[own] = c
	m.seen = append(m.seen, all)
	return err
}
