package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txc-dev/txc"
)

// deed is one call or transaction of a client.
type deed func(ctx context.Context, client int) error

// sample is what clients saw in one measurement.
type sample struct {
	span      time.Duration
	latencies []time.Duration // of what succeeded, sorted
	aborted   int             // conflicts: counted, and not taken for transactions
}

func (s *sample) rate() float64 { return float64(len(s.latencies)) / s.span.Seconds() }

// at is a quantile, in milliseconds; 0 where nothing succeeded.
func (s *sample) at(q float64) float64 {
	if len(s.latencies) == 0 {
		return 0
	}
	i := min(int(q*float64(len(s.latencies))), len(s.latencies)-1)
	return milliseconds(s.latencies[i])
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// tally gathers what one client did.
type tally struct {
	latencies []time.Duration
	aborted   int
	err       error
}

func (t *tally) add(err error, took time.Duration) bool {
	switch {
	case err == nil:
		t.latencies = append(t.latencies, took)
	case errors.Is(err, txc.ErrAborted):
		t.aborted++
	default:
		t.err = err
		return false
	}
	return true
}

func gather(tallies []tally, span time.Duration) (*sample, error) {
	s := &sample{span: span}
	for i := range tallies {
		if err := tallies[i].err; err != nil {
			return nil, err
		}
		s.latencies = append(s.latencies, tallies[i].latencies...)
		s.aborted += tallies[i].aborted
	}
	slices.Sort(s.latencies)
	return s, nil
}

// closed lets clients work one deed after the other: a while that is not counted, and then during. between is called
// where counting begins, and where it ends.
func closed(ctx context.Context, clients int, during time.Duration, do deed, between func() error) (*sample, error) {
	ctx, cancel := context.WithTimeout(ctx, warmup+during+time.Minute)
	defer cancel()
	var counting, over atomic.Bool
	tallies := make([]tally, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			t := &tallies[i]
			for !over.Load() {
				counted, began := counting.Load(), time.Now()
				err := do(ctx, i)
				took := time.Since(began)
				if counted && !over.Load() || err != nil && !errors.Is(err, txc.ErrAborted) {
					if !t.add(err, took) {
						return
					}
				}
			}
		})
	}
	err := wait(ctx, warmup)
	if err == nil {
		err = between()
	}
	counting.Store(true)
	began := time.Now()
	if err == nil {
		err = wait(ctx, during)
	}
	over.Store(true)
	span := time.Since(began)
	if err == nil {
		err = between()
	}
	all.Wait()
	s, gathered := gather(tallies, span)
	if err := errors.Join(err, gathered); err != nil {
		return nil, err
	}
	return s, nil
}

// maxOpen bounds what an open loop has in flight: a system that cannot keep up is not measured but found out.
const maxOpen = 100_000

// open sends by the clock, whoever has answered, and measures from when a deed was due: a stall is felt by all that
// should have been sent meanwhile.
func open(ctx context.Context, rate float64, during time.Duration, do deed) (*sample, error) {
	ctx, cancel := context.WithTimeout(ctx, during+time.Minute)
	defer cancel()
	n := int(rate * during.Seconds())
	tallies := make([]tally, n)
	var inFlight atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	const tick = 200 * time.Microsecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for sent := 0; sent < n; {
		due := min(n, int(time.Since(began).Seconds()*rate)+1)
		for ; sent < due; sent++ {
			if inFlight.Add(1) > maxOpen {
				all.Wait()
				return nil, fmt.Errorf("%w: %.0f transactions per second are more than the system can do", txc.ErrBusy, rate)
			}
			i, at := sent, began.Add(time.Duration(float64(sent)/rate*1e9))
			all.Go(func() {
				defer inFlight.Add(-1)
				tallies[i].add(do(ctx, i), time.Since(at))
			})
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			all.Wait()
			return nil, context.Cause(ctx)
		}
	}
	all.Wait()
	return gather(tallies, time.Since(began))
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
