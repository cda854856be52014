package coordinatord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/failpoint"
	"github.com/txc-dev/txc/wal"
)

// Coordinator is one that serves.
type Coordinator struct {
	o        Options
	epoch    uint32
	listener net.Listener
	log      wal.Log
	core     *coordinator.Coordinator
	server   *rpc.Server
	served   chan error // one: how serving ended
	traffic  rpc.Traffic
	cancel   context.CancelFunc
	statics  sync.WaitGroup
}

// Start owns and recovers the log, recovers the coordinator, and serves.
func Start(ctx context.Context, o Options) (*Coordinator, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	logger, err := console.Logger(o.Log, o.LogLevel, o.LogFormat)
	if err != nil {
		return nil, err
	}
	faults, err := failpoint.Parse(o.Faults, coordinator.Points())
	if err != nil {
		return nil, console.BadInput("%v", err)
	}
	faults.Told = console.ToldFault(logger)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &Coordinator{o: o, served: make(chan error, 1), cancel: cancel}
	if err := c.start(ctx, logger, faults); err != nil {
		return nil, fmt.Errorf("start coordinator %d: %w", o.Number, errors.Join(err, c.Close(ctx)))
	}
	go func() { c.served <- c.server.Serve(c.listener) }() // Close joins it
	for _, s := range o.Participants {
		c.statics.Go(func() { c.introduce(run, s, logger) })
	}
	return c, nil
}

func (c *Coordinator) start(ctx context.Context, logger *slog.Logger, faults *failpoint.Set) error {
	var err error
	if c.listener, err = rpc.Listen(c.o.Listen, c.o.Insecure); err != nil {
		return err
	}
	var recovery wal.Recovery
	if c.log, recovery, err = openLog(c.o, c.Address(), logger); err != nil {
		return err
	}
	c.epoch = recovery.Epoch
	wire := rpc.Options{Reflection: c.o.Reflection, Software: c.o.Software, Logger: logger, Traffic: &c.traffic}
	o := coordinator.Options{
		Timeout: c.o.Timeout, MaxTimeout: c.o.MaxTimeout, PresumeAfter: c.o.PresumeAfter, HistorySpan: c.o.HistoryAge,
		Software: c.o.Software, Logger: logger,
	}
	if len(c.o.Faults) > 0 {
		o.Gate = func(s coordinator.Step) error { return faults.Hit(s.Point) }
	}
	if c.core, err = coordinator.Open(ctx, c.log, recovery, rpc.Dialer(wire), o); err != nil {
		return err
	}
	c.server, err = rpc.NewCoordinatorServer(ctx, c.core, wire)
	return err
}

// Address is where it listens.
func (c *Coordinator) Address() string { return c.listener.Addr().String() }

// Ready is the line that tells so.
func (c *Coordinator) Ready() console.Ready {
	return console.Ready{Listening: c.Address(), Cluster: c.o.Cluster, Number: c.o.Number, Epoch: c.epoch}
}

// Wait waits until ctx ends, nil then, or until the coordinator stops itself.
func (c *Coordinator) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.core.Failed():
		return fmt.Errorf("coordinator %d: %w", c.o.Number, errors.Join(err, txc.ErrStopped))
	case err := <-c.served:
		c.served <- err
		return fmt.Errorf("coordinator %d: %w", c.o.Number, errors.Join(err, txc.ErrStopped))
	}
}

// Await waits until these participants have registered, and their links are up: what begins before is refused.
func (c *Coordinator) Await(ctx context.Context, names ...string) error {
	return c.core.Await(ctx, names...)
}

// count adds what log and streams have cost.
func (c *Coordinator) count(n *counters.Counters) {
	if l, ok := c.log.(interface{ Written() (syncs, bytes uint64) }); ok {
		n.Syncs, n.Written = l.Written()
	}
	n.Frames, n.Messages = c.traffic.Frames.Load(), c.traffic.Messages.Load()
}

// answerFor is how long, after everything is decided, clients that wait for more are still served.
const answerFor = time.Second

// Drain refuses new transactions and waits, within ctx, until nothing is undecided.
func (c *Coordinator) Drain(ctx context.Context) error {
	if err := c.core.Drain(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, txc.ErrClosed) {
		return fmt.Errorf("drain coordinator %d: %w", c.o.Number, err)
	}
	return nil // what is still undecided when ctx ends will have aborted
}

// Close ends it: what is undecided has aborted, what is committed stays in the log, to be completed after the next start.
func (c *Coordinator) Close(ctx context.Context) error {
	c.cancel()
	c.statics.Wait()
	var err error
	switch {
	case c.server != nil:
		answer, cancel := context.WithTimeout(ctx, answerFor)
		c.server.Close(answer)
		cancel()
		err = <-c.served
		c.served <- err
	case c.listener != nil:
		err = c.listener.Close()
	}
	if c.core != nil {
		err = errors.Join(err, c.core.Close(ctx))
	}
	if c.log != nil {
		err = errors.Join(err, c.log.Close(ctx))
	}
	return err
}

// Serve runs a coordinator until ctx ends, and says on stdout when it is ready.
func Serve(ctx context.Context, o Options, stdout io.Writer) error {
	console.EaseHeap()
	c, err := Start(ctx, o)
	if err != nil {
		return console.Unstarted(ctx, err)
	}
	measured, err := counters.Start(o.Counters, stdout, c.count)
	if err != nil {
		return errors.Join(err, c.Close(ctx))
	}
	if err = c.Ready().Write(stdout); err == nil {
		err = c.Wait(ctx)
	}
	err = errors.Join(err, measured())
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Drain)
	defer cancel()
	if err == nil {
		err = c.Drain(end)
	}
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), wal.CloseBound)
	defer done()
	return errors.Join(err, c.Close(closing))
}
