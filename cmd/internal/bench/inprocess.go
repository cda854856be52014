package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// RunInProcess measures an embedded coordinator with a durable log and participants that do nothing, as transaction
// managers inside a process are measured: in each round, for each number of callers, bare appends and then transactions.
func RunInProcess(ctx context.Context, o Options) (report *Report, err error) {
	b := &Bench{o: &o, raw: map[rowKey][]Row{}}
	b.report.describe(&o)
	b.report.Mode, b.report.Store, b.report.Workload = "in-process", "void", "noop"
	s, err := embed(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if b.report.Floors.Fdatasync, err = b.fdatasync(); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		for _, callers := range o.Clients {
			row, err := b.inProcess(ctx, s, callers, round)
			if err != nil {
				return nil, fmt.Errorf("measure %d callers: %w", callers, err)
			}
			key := rowKey{callers, o.Waits[0]}
			b.raw[key] = append(b.raw[key], *row)
			o.say("round %d: %4d callers %8.0f tx/s, %8.0f bare appends/s, ratio %.2f", round+1, callers, row.TxPerS, row.LogPerS, row.RatioLog)
		}
	}
	o.Waits = o.Waits[:1]
	b.summarize()
	return &b.report, nil
}

func (b *Bench) inProcess(ctx context.Context, s *embedded, callers, round int) (*Row, error) {
	l, err := openBare(filepath.Join(b.o.Dir, fmt.Sprintf("bare-%d-%d", callers, round)))
	if err != nil {
		return nil, err
	}
	bare, err := closed(ctx, callers, b.short(), func(context.Context, int) error { return l.append() }, nothing)
	if err = errors.Join(err, l.close()); err != nil {
		return nil, err
	}
	meter := b.meter(ctx)
	sample, err := closed(ctx, callers, b.o.Duration, s.run(b.o.Waits[0]), meter.read)
	if err != nil {
		return nil, err
	}
	row := rowOf(sample, callers, b.o.Waits[0])
	meter.fill(row, len(sample.latencies))
	row.LogPerS = bare.rate()
	row.RatioLog = row.TxPerS / row.LogPerS
	return row, nil
}

// embedded is a coordinator with its participants, inside this process.
type embedded struct {
	c      *coordinator.Coordinator
	log    *badgerwal.Log
	agents map[string]*participant.Agent
	work   []coordinator.Work
}

func embed(ctx context.Context, o *Options) (*embedded, error) {
	s := &embedded{agents: map[string]*participant.Agent{}}
	for i := range o.Participants {
		name := fmt.Sprintf("p%d", i+1)
		a, err := participant.Open(ctx, void{byte(i + 1)}, nil, participant.Options{Name: name})
		if err != nil {
			return nil, err
		}
		s.agents[name] = a
		s.work = append(s.work, coordinator.Work{Participant: name, Work: payload})
	}
	log, recovery, err := badgerwal.Open(filepath.Join(o.Dir, "log"), badgerwal.Options{Cluster: "txc", Number: 1, Ballast: -1, MinFree: 1})
	if err != nil {
		return nil, err
	}
	s.log = log
	dial := func(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		return participant.InProcess(s.agents[p.Name], receive), nil
	}
	if s.c, err = coordinator.Open(ctx, log, recovery, dial, coordinator.Options{}); err != nil {
		return nil, errors.Join(err, log.Close(ctx))
	}
	for name, a := range s.agents {
		_, err := s.c.Register(ctx, a.Peer())
		if err == nil {
			err = s.c.Await(ctx, name)
		}
		if err != nil {
			return nil, errors.Join(err, s.close(ctx))
		}
	}
	return s, nil
}

func (s *embedded) run(wait string) deed {
	r := coordinator.Request{Work: s.work}
	if wait == "decided" {
		r.Wait = coordinator.Decided
	}
	return func(ctx context.Context, _ int) error {
		result, err := s.c.Run(ctx, r)
		switch {
		case err != nil:
			return err
		case result.Outcome == txc.Aborted:
			return fmt.Errorf("%w: %s", txc.ErrAborted, result.Reason)
		case result.Outcome != txc.Committed:
			return fmt.Errorf("%w: %s is %s", txc.ErrUnknown, result.ID, result.Outcome)
		}
		return nil
	}
}

func (s *embedded) close(ctx context.Context) error {
	err := errors.Join(s.c.Close(ctx), s.log.Close(ctx))
	for _, a := range s.agents {
		err = errors.Join(err, a.Close(ctx))
	}
	return err
}
