package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// Scale is what a transaction costs an embedded coordinator against everything that there may be many of.
type Scale struct {
	Host
	Participants []ScaleRow    `json:"participants"`
	InFlight     []ScaleRow    `json:"in_flight"`
	History      []ScaleRow    `json:"history"`
	Restarts     []RestartTime `json:"restarts"`
	Settling     Settling      `json:"settling"`
}

// ScaleRow is one size of one thing. Cost is that of transactions that are run beside it, with two participants that do
// nothing unless the size is of participants.
type ScaleRow struct {
	N        int     `json:"n"`
	TxPerS   float64 `json:"tx_per_s"`
	CPU      float64 `json:"cpu_us_per_tx"`
	Memory   float64 `json:"memory_bytes_per_tx"` // in flight: of the coordinator, for each of the N with two branches
	Disk     float64 `json:"disk_bytes_per_tx"`   // history: for each of the N, blocks of the log's directory
	HeapSize uint64  `json:"heap_bytes"`          // live, after a collection, before the cost is measured
}

// RestartTime is the time from starting a process until it serves.
type RestartTime struct {
	Finished   int     `json:"finished"`
	Unfinished int     `json:"unfinished"`
	Took       float64 `json:"took_ms"`
}

// What the suite goes through; of history and in-flight counts, up to the options' bounds.
var (
	scaleInFlight = []int{1, 100, 1_000, 10_000, 100_000}
	scaleHistory  = []int{1, 10_000, 100_000, 1_000_000, 10_000_000}
	scaleInDoubt  = []int{1, 100, 1_000, 10_000, 100_000}
)

const (
	scaleCallers = 300     // concurrent ones, where cost is measured
	settlings    = 10_000  // transactions in doubt, beside a history of a million at the most, whose settling is measured
	lingering    = 30_000  // transactions that are decided, and that somebody has not applied yet: they take up a place
	usualHistory = 100_000 // where the options name none
)

// RunScale measures it. o.History bounds the history, o.InFlight what is in flight and in doubt.
func RunScale(ctx context.Context, o Options) (*Scale, error) {
	s := &Scale{Host: host()}
	if o.History == 0 {
		o.History = usualHistory
	}
	for _, n := range sweptParticipants {
		row, err := measured(ctx, &o, filepath.Join(o.Dir, fmt.Sprintf("participants-%d", n)), n)
		if err != nil {
			return nil, fmt.Errorf("measure %d participants: %w", n, err)
		}
		row.N = n
		o.say("scale: %2d participants: %8.0f tx/s, %6.1f µs of processor time", n, row.TxPerS, row.CPU)
		s.Participants = append(s.Participants, *row)
	}
	for _, n := range upTo(scaleInFlight, o.InFlight) {
		row, err := inFlight(ctx, &o, n)
		if err != nil {
			return nil, fmt.Errorf("measure beside %d in flight: %w", n, err)
		}
		o.say("scale: %d in flight: %.0f tx/s, %.1f µs, %.0f bytes of memory each", n, row.TxPerS, row.CPU, row.Memory)
		s.InFlight = append(s.InFlight, *row)
	}
	for _, n := range upTo(scaleHistory, o.History) {
		if err := s.history(ctx, &o, n); err != nil {
			return nil, fmt.Errorf("measure a history of %d: %w", n, err)
		}
	}
	for _, n := range upTo(scaleInDoubt, o.InFlight) {
		dir := filepath.Join(o.Dir, fmt.Sprintf("doubt-%d", n))
		if err := s.restart(ctx, &o, dir, 0, n); err != nil {
			return nil, err
		}
	}
	var err error
	if s.Settling, err = settling(ctx, &o, min(o.History, 1_000_000), min(settlings, o.InFlight)); err != nil {
		return nil, fmt.Errorf("measure the settling of what is in doubt: %w", err)
	}
	return s, nil
}

// upTo are the sizes up to a bound, which is one of them.
func upTo(sizes []int, most int) []int {
	var all []int
	for _, n := range sizes {
		if n < most {
			all = append(all, n)
		}
	}
	return append(all, most)
}

// history measures disk and cost with n finished transactions in the log, and a restart on it.
func (s *Scale) history(ctx context.Context, o *Options, n int) error {
	dir := filepath.Join(o.Dir, fmt.Sprintf("history-%d", n))
	if err := s.restart(ctx, o, dir, n, 0); err != nil {
		return err
	}
	used, err := diskUse(dir)
	if err != nil {
		return err
	}
	row, err := measured(ctx, o, dir, 2)
	if err != nil {
		return err
	}
	row.N, row.Disk = n, float64(used)/float64(n)
	o.say("scale: %d finished: %.0f tx/s, %.1f µs, %.0f bytes of disk each", n, row.TxPerS, row.CPU, row.Disk)
	s.History = append(s.History, *row)
	return os.RemoveAll(dir)
}

func (s *Scale) restart(ctx context.Context, o *Options, dir string, finished, unfinished int) error {
	began := time.Now()
	if err := prefill(ctx, dir, finished, unfinished); err != nil {
		return err
	}
	filled := time.Since(began)
	took, err := restart(ctx, *o, dir)
	if err != nil {
		return err
	}
	o.say("scale: restart with %d finished, %d unfinished: %v (filling the log took %v)", finished, unfinished, took.Round(time.Millisecond), filled.Round(time.Millisecond))
	s.Restarts = append(s.Restarts, RestartTime{finished, unfinished, milliseconds(took)})
	return nil
}

// measured is the cost of transactions over all of n participants, with the log of a directory.
func measured(ctx context.Context, o *Options, dir string, n int) (row *ScaleRow, err error) {
	s, err := embed(ctx, dir, embedding{participants: n})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	return s.cost(ctx, o)
}

// cost runs transactions for a while.
func (s *embedded) cost(ctx context.Context, o *Options) (*ScaleRow, error) {
	row := &ScaleRow{HeapSize: heap()}
	b := &Bench{o: o}
	meter := b.meter(ctx)
	sample, err := closed(ctx, scaleCallers, o.Duration, s.run("decided"), meter.read)
	if err != nil {
		return nil, err
	}
	r := rowOf(sample, scaleCallers, "decided")
	meter.fill(r, len(sample.latencies))
	row.TxPerS, row.CPU = r.TxPerS, r.CPU
	return row, nil
}

// heap is what is live, after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one has only put aside, pools above all
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// inFlight holds n transactions in flight, with two participants that never hear of them, and measures what each takes in
// the coordinator's memory, and what others cost meanwhile.
func inFlight(ctx context.Context, o *Options, n int) (row *ScaleRow, err error) {
	var lost atomic.Int64
	s, err := embed(ctx, filepath.Join(o.Dir, fmt.Sprintf("in-flight-%d", n)), embedding{
		participants: 4, options: coordinator.Options{MaxLive: 2*n + lingering, MaxQueue: n + lingering},
		link: func(name string, l *participant.Link) (coordinator.Link, error) {
			if name == "p3" || name == "p4" {
				return deafLink{l, &lost}, nil
			}
			return l, nil
		},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	held := s.work[2:]
	s.work = s.work[:2]
	before := heap()
	failed := make(chan error, 1)
	for left := n; left > 0; {
		batch := make([]coordinator.Request, min(left, 1000))
		for i := range batch {
			batch[i] = coordinator.Request{Work: held, Timeout: txc.DefaultMaxTimeout}
		}
		left -= len(batch)
		s.c.Submit(batch, func(_ int, r coordinator.Result, err error) { // they are cut off at the end
			select {
			case failed <- verdict(r, err):
			default:
			}
		})
		if _, err := s.c.Status(ctx); err != nil { // it comes after the batch: no more wait than are let in
			return nil, err
		}
	}
	if err := until(ctx, failed, func() bool { return lost.Load() >= int64(2*n) }); err != nil {
		return nil, err
	}
	after := heap()
	if row, err = s.cost(ctx, o); err != nil {
		return nil, err
	}
	row.N, row.Memory, row.HeapSize = n, float64(after-min(before, after))/float64(n), after
	select {
	case err := <-failed:
		return nil, fmt.Errorf("one was not held: %w", err)
	default:
		return row, nil
	}
}

// deafLink loses each Prepare.
type deafLink struct {
	*participant.Link
	lost *atomic.Int64
}

// Send is coordinator.Link's.
func (l deafLink) Send(batch []coordinator.Message) bool {
	var rest []coordinator.Message
	for _, m := range batch {
		if _, ok := m.Body.(protocol.Prepare); ok {
			l.lost.Add(1)
		} else {
			rest = append(rest, m)
		}
	}
	return l.Link.Send(rest)
}

// until waits for a condition; whatever fails comes first.
func until(ctx context.Context, failed <-chan error, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
