package participantd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
	"github.com/txc-dev/txc/internal/failpoint"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// Participant is one that serves.
type Participant struct {
	o           Options
	listener    net.Listener
	agent       *participant.Agent
	server      *rpc.Server
	kv          *kv.Store // nil: its store is a database
	traffic     rpc.Traffic
	directories []*rpc.Directory
	served      chan error // one: how serving ended
}

// Start opens store and agent, and serves. It registers with its coordinators in the background.
func Start(ctx context.Context, o Options) (*Participant, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	log, err := console.Logger(o.Log, o.LogLevel, o.LogFormat)
	if err != nil {
		return nil, err
	}
	faults, err := failpoint.Parse(o.Faults, participant.Points())
	if err != nil {
		return nil, console.BadInput("%v", err)
	}
	faults.Told = console.ToldFault(log)
	p := &Participant{o: o, served: make(chan error, 1)}
	if err := p.start(ctx, log, faults); err != nil {
		return nil, o.words(errors.Join(err, p.Close(ctx)))
	}
	go func() { p.served <- p.server.Serve(p.listener) }() // Close joins it
	return p, nil
}

func (p *Participant) start(ctx context.Context, log *slog.Logger, faults *failpoint.Set) error {
	var err error
	if p.listener, err = rpc.Listen(p.o.Listen, p.o.Insecure); err != nil {
		return err
	}
	if p.o.Advertise == "" {
		p.o.Advertise = p.Address()
	}
	store, err := p.openStore(ctx, log)
	if err != nil {
		return err
	}
	coordinators := make([]participant.Coordinator, 0, len(p.o.Coordinators))
	for _, address := range p.o.Coordinators {
		d, err := rpc.DialDirectory(address, p.o.Cluster)
		if err != nil {
			return errors.Join(err, store.Close(ctx))
		}
		p.directories, coordinators = append(p.directories, d), append(coordinators, d)
	}
	gate := func(s participant.Step) error { return faults.Hit(s.Point) }
	if len(p.o.Faults) == 0 {
		gate = nil
	}
	p.agent, err = participant.Open(ctx, store, coordinators, participant.Options{
		Cluster: p.o.Cluster, Name: p.o.Name, Advertise: p.o.Advertise, Software: p.o.Software, Waive: p.o.Waive, Logger: log, Gate: gate,
		Workers: max(participant.DefaultWorkers, 2*p.o.Connections), // a quarter of them, and more, is for what ends branches
	})
	if err != nil {
		return err
	}
	p.server = rpc.NewParticipantServer(p.agent, p.o.Cluster, rpc.Options{Reflection: p.o.Reflection, Software: p.o.Software, Logger: log, NoStreams: p.o.Unary, Traffic: &p.traffic})
	return nil
}

// count adds what store and streams have cost.
func (p *Participant) count(n *counters.Counters) {
	if p.kv != nil {
		n.Syncs, n.Written = p.kv.Written()
	}
	n.Frames, n.Messages = p.traffic.Frames.Load(), p.traffic.Messages.Load()
}

// Address is where it listens.
func (p *Participant) Address() string { return p.listener.Addr().String() }

// Name is the participant's.
func (p *Participant) Name() string { return p.o.Name }

// Wait waits until ctx ends, nil then, or until the participant stops itself.
func (p *Participant) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.agent.Failed():
		return fmt.Errorf("participant %s: %w", p.o.Name, err)
	case err := <-p.served:
		p.served <- err
		return fmt.Errorf("participant %s: %w", p.o.Name, errors.Join(err, txc.ErrStopped))
	}
}

// Close ends it, within ctx: what has not promised is aborted, promises stay in the store.
func (p *Participant) Close(ctx context.Context) error {
	var err error
	switch {
	case p.server != nil:
		p.server.Close(ctx)
		err = <-p.served
		p.served <- err
	case p.listener != nil:
		err = p.listener.Close()
	}
	if p.agent != nil {
		err = errors.Join(err, p.agent.Close(ctx))
	}
	for _, d := range p.directories {
		err = errors.Join(err, d.Close())
	}
	return err
}

// Serve runs a participant until ctx ends, and says on stdout when it is ready.
func Serve(ctx context.Context, o Options, stdout io.Writer) error {
	console.EaseHeap()
	p, err := Start(ctx, o)
	if err != nil {
		return console.Unstarted(ctx, err)
	}
	measured, err := counters.Start(o.Counters, stdout, p.count)
	if err != nil {
		return errors.Join(err, p.Close(context.WithoutCancel(ctx)))
	}
	err = console.Ready{Listening: p.Address(), Cluster: o.Cluster, Name: o.Name}.Write(stdout)
	if err == nil {
		err = p.Wait(ctx)
	}
	err = errors.Join(err, measured())
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Drain)
	defer cancel()
	return errors.Join(err, p.Close(end))
}
