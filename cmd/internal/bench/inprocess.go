package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	s, err := embed(ctx, filepath.Join(o.Dir, "log"), embedding{participants: o.Participants})
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

// embedding says how. The zero value of a field means what a benchmark of a plain coordinator wants.
type embedding struct {
	participants int
	options      coordinator.Options
	historySize  int64                                                            // bytes
	store        func(i int, name string) (participant.Resource, error)           // default: void
	link         func(name string, l *participant.Link) (coordinator.Link, error) // default: l
}

func embed(ctx context.Context, dir string, e embedding) (*embedded, error) {
	s := &embedded{agents: map[string]*participant.Agent{}}
	if err := s.open(ctx, dir, e); err != nil {
		return nil, errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *embedded) open(ctx context.Context, dir string, e embedding) error {
	if e.store == nil {
		e.store = func(i int, _ string) (participant.Resource, error) { return void{name: byte(i + 1)}, nil }
	}
	for i := range e.participants {
		name := fmt.Sprintf("p%d", i+1)
		store, err := e.store(i, name)
		if err != nil {
			return err
		}
		a, err := participant.Open(ctx, store, nil, participant.Options{Name: name, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		s.agents[name] = a
		s.work = append(s.work, coordinator.Work{Participant: name, Work: payload})
	}
	log, recovery, err := badgerwal.Open(dir, badgerwal.Options{Cluster: "txc", Number: 1, Ballast: -1, MinFree: 1, HistorySize: e.historySize})
	if err != nil {
		return err
	}
	s.log = log
	dial := func(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		l := participant.InProcess(s.agents[p.Name], receive)
		if e.link != nil {
			return e.link(p.Name, l)
		}
		return l, nil
	}
	if s.c, err = coordinator.Open(ctx, log, recovery, dial, e.options); err != nil {
		return err
	}
	for name, a := range s.agents {
		_, err := s.c.Register(ctx, a.Peer())
		if err == nil {
			err = s.c.Await(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *embedded) run(wait string) deed {
	r := coordinator.Request{Work: s.work}
	if wait == "decided" {
		r.Wait = coordinator.Decided
	}
	return s.deed(func() coordinator.Request { return r })
}

// deed runs what make makes.
func (s *embedded) deed(make func() coordinator.Request) deed {
	return func(ctx context.Context, _ int) error {
		return verdict(s.c.Run(ctx, make()))
	}
}

// verdict is nil for a commit alone.
func verdict(r coordinator.Result, err error) error {
	switch {
	case err != nil:
		return err
	case r.Outcome == txc.Aborted:
		return fmt.Errorf("%w: %s", txc.ErrAborted, r.Reason)
	case r.Outcome != txc.Committed:
		return fmt.Errorf("%w: %s is %s", txc.ErrUnknown, r.ID, r.Outcome)
	}
	return nil
}

func (s *embedded) close(ctx context.Context) error {
	var err error
	if s.c != nil {
		err = s.c.Close(ctx)
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close(ctx))
	}
	for _, a := range s.agents {
		err = errors.Join(err, a.Close(ctx))
	}
	return err
}
