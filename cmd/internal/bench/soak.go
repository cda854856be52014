package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// Soak is one long run of an embedded coordinator with two durable key-value participants, and a history of a bounded
// size: what grows in it grows without end.
type Soak struct {
	Host
	Seconds      float64      `json:"seconds"`
	Transactions int          `json:"transactions"`
	PerDay       float64      `json:"day_at_tx_per_s"` // the load that makes a day of so many transactions
	HistorySize  int64        `json:"history_bytes"`   // of records, the most that the log was told to keep
	Samples      []SoakSample `json:"samples"`
}

// SoakSample is what there was at one moment, nothing running.
type SoakSample struct {
	Transactions int    `json:"transactions"` // committed so far
	Heap         uint64 `json:"heap_bytes"`   // live, after a collection
	Log          int64  `json:"log_bytes"`    // on the disk
	Stores       int64  `json:"store_bytes"`  // on the disk, both
}

const (
	soakSamples = 12
	soakCallers = 300
	// SoakHistory is how much history the suite keeps: little, so that minutes fill it many times.
	SoakHistory = 16 << 20
)

// RunSoak runs for o.Duration in all.
func RunSoak(ctx context.Context, o Options, historySize int64) (report *Soak, err error) {
	r := &Soak{Host: host(), HistorySize: historySize}
	stores := []string{filepath.Join(o.Dir, "p1"), filepath.Join(o.Dir, "p2")}
	log := filepath.Join(o.Dir, "log")
	s, err := embed(ctx, log, embedding{
		participants: len(stores), historySize: historySize,
		store: func(i int, name string) (participant.Resource, error) {
			return kv.Open(ctx, stores[i], kv.Options{Cluster: "txc", Name: name, Ballast: -1, MinFree: 1})
		},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	var n atomic.Uint64
	var failed atomic.Pointer[error]
	names := []string{"p1", "p2"}
	do := s.deed(func() coordinator.Request {
		request := coordinator.Request{Work: make([]coordinator.Work, len(names))}
		for i, w := range o.work(names, &n) {
			b, err := w.MarshalWork()
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
			request.Work[i] = coordinator.Work{Participant: names[i], Work: b}
		}
		return request
	})
	began := time.Now()
	for i := range soakSamples {
		sample, err := closed(ctx, soakCallers, o.Duration/soakSamples, do, nothing)
		if err != nil {
			return nil, fmt.Errorf("soak: %w", err)
		}
		if err := failed.Load(); err != nil {
			return nil, fmt.Errorf("soak: %w", *err)
		}
		r.Transactions += len(sample.latencies)
		now := SoakSample{Transactions: r.Transactions, Heap: heap()}
		if now.Log, err = diskUse(log); err != nil {
			return nil, err
		}
		for _, dir := range stores {
			used, err := diskUse(dir)
			if err != nil {
				return nil, err
			}
			now.Stores += used
		}
		r.Samples = append(r.Samples, now)
		o.say("soak %2d of %d: %d transactions, %.1f MiB of heap, log %.1f MiB, stores %.1f MiB", i+1, soakSamples, now.Transactions, mib(now.Heap), mib(now.Log), mib(now.Stores))
	}
	r.Seconds = time.Since(began).Seconds()
	r.PerDay = float64(r.Transactions) / (24 * time.Hour).Seconds()
	return r, nil
}

func mib[T int64 | uint64](n T) float64 { return float64(n) / (1 << 20) }
