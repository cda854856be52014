package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
)

// Overload is what an embedded coordinator does past its capacity, and while one of its participants has stalled.
type Overload struct {
	Host
	Best  float64       `json:"best_tx_per_s"` // closed loop
	Rows  []OverloadRow `json:"rows"`
	Stall Stall         `json:"stall"`
}

// OverloadRow is one offered load, sent by the clock. Refused are those that were told so and touched nobody; unknown is
// whatever was told neither to have committed nor to have aborted.
type OverloadRow struct {
	Factor     float64        `json:"factor"` // of the best rate
	Offered    float64        `json:"offered_per_s"`
	TxPerS     float64        `json:"tx_per_s"`
	Ratio      float64        `json:"ratio"` // to the best rate
	Refused    float64        `json:"refused_per_s"`
	RefusedP50 float64        `json:"refused_p50_ms"`
	RefusedP99 float64        `json:"refused_p99_ms"`
	P50        float64        `json:"p50_ms"` // of the committed
	P99        float64        `json:"p99_ms"`
	Reasons    map[string]int `json:"reasons"` // of the refused
	Unknown    int            `json:"unknown"`
}

// Stall compares transactions that do not touch a participant, while it stalls and while it does not.
type Stall struct {
	Seconds  float64 `json:"seconds"` // each stall
	Rounds   int     `json:"rounds"`
	Running  float64 `json:"running_tx_per_s"` // medians
	Stalled  float64 `json:"stalled_tx_per_s"`
	Ratio    float64 `json:"ratio"` // median over the rounds of stalled to running beside it
	RunP99   float64 `json:"running_p99_ms"`
	StallP99 float64 `json:"stalled_p99_ms"`
	Held     int     `json:"held"` // transactions that the stall held up, in the last round
}

var overloadFactors = []float64{0.7, 1.5, 3}

// RunOverload measures it, with o.InFlight transactions at most in flight where more is offered than is possible.
func RunOverload(ctx context.Context, o Options) (*Overload, error) {
	r := &Overload{Host: host()}
	if err := r.offer(ctx, &o); err != nil {
		return nil, err
	}
	var err error
	if r.Stall, err = besideStall(ctx, &o); err != nil {
		return nil, fmt.Errorf("measure beside a stall: %w", err)
	}
	return r, nil
}

// offer measures the best rate, then offers parts and multiples of it.
func (r *Overload) offer(ctx context.Context, o *Options) (err error) {
	s, err := embed(ctx, filepath.Join(o.Dir, "overload"), embedding{participants: 2, options: coordinator.Options{MaxLive: o.InFlight}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	// A part of what may be in flight: a transaction takes up its place until its branches have applied it.
	best, err := closed(ctx, max(1, min(scaleCallers, o.InFlight/8)), o.Duration, s.run("decided"), nothing)
	if err != nil {
		return fmt.Errorf("measure the best rate: %w", err)
	}
	r.Best = best.rate()
	for _, f := range overloadFactors {
		row, err := s.flood(ctx, f*r.Best, o.Duration)
		if err != nil {
			return fmt.Errorf("offer %.1f times the best rate: %w", f, err)
		}
		row.Factor, row.Ratio = f, part(row.TxPerS, r.Best)
		o.say("overload: %.1f times the best rate: %.0f tx/s, %.0f refused/s within %.2f ms (99 %%)", f, row.TxPerS, row.Refused, row.RefusedP99)
		r.Rows = append(r.Rows, *row)
	}
	return nil
}

// besideStall has two participants serve, while the third one stalls.
func besideStall(ctx context.Context, o *Options) (stall Stall, err error) {
	h := &hold{}
	s, err := embed(ctx, filepath.Join(o.Dir, "stall"), embedding{participants: 3, store: func(i int, _ string) (participant.Resource, error) {
		v := void{name: byte(i + 1)}
		if i == 2 {
			v.hold = h
		}
		return v, nil
	}})
	if err != nil {
		return stall, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	stalling := s.work[2:]
	s.work = s.work[:2]
	return s.stall(ctx, o, h, stalling)
}

// flood offers transactions by the clock, in batches as a stream brings them, whatever comes of them.
func (s *embedded) flood(ctx context.Context, rate float64, during time.Duration) (*OverloadRow, error) {
	n := int(rate * during.Seconds())
	row := &OverloadRow{Offered: rate, Reasons: map[string]int{}}
	var committed, refused []time.Duration
	var mu sync.Mutex // the coordinator answers from one goroutine, or, after its end, from ours
	var all sync.WaitGroup
	all.Add(n)
	began := time.Now()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for sent := 0; sent < n; {
		due := min(n, int(time.Since(began).Seconds()*rate)+1)
		if due > sent {
			batch := make([]coordinator.Request, due-sent)
			for i := range batch {
				batch[i] = coordinator.Request{Work: s.work, Wait: coordinator.Decided}
			}
			at := time.Now()
			s.c.Submit(batch, func(_ int, r coordinator.Result, err error) {
				mu.Lock()
				defer mu.Unlock()
				defer all.Done()
				err = verdict(r, err)
				switch ref := (*txc.Refusal)(nil); {
				case err == nil:
					committed = append(committed, time.Since(at))
				case errors.As(err, &ref):
					refused = append(refused, time.Since(at))
					row.Reasons[string(ref.Reason.Code)]++
				case errors.Is(err, txc.ErrAborted):
					refused = append(refused, time.Since(at))
					row.Reasons[string(r.Reason.Code)]++
				default:
					row.Unknown++
				}
			})
			sent = due
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	all.Wait()
	span := time.Since(began)
	slices.Sort(committed)
	slices.Sort(refused)
	yes, no := &sample{span: span, latencies: committed}, &sample{span: span, latencies: refused}
	row.TxPerS, row.P50, row.P99 = yes.rate(), yes.at(0.5), yes.at(0.99)
	row.Refused, row.RefusedP50, row.RefusedP99 = no.rate(), no.at(0.5), no.at(0.99)
	return row, nil
}

const (
	stallCallers = 64
	stallRate    = 200 // transactions per second that go to the participant that stalls
)

// stall runs transactions beside a participant that has others to serve, by turns while it does and while it has stalled.
func (s *embedded) stall(ctx context.Context, o *Options, h *hold, work []coordinator.Work) (Stall, error) {
	var running, stalled, ratios, runP99, stallP99 []float64
	report := Stall{Seconds: o.Duration.Seconds(), Rounds: o.Rounds}
	defer h.open()
	for range o.Rounds {
		a, _, err := s.beside(ctx, o, work, h)
		if err != nil {
			return report, err
		}
		h.close()
		b, held, err := s.beside(ctx, o, work, h)
		h.open()
		if err != nil {
			return report, err
		}
		report.Held = held
		running, stalled = append(running, a.rate()), append(stalled, b.rate())
		ratios = append(ratios, part(b.rate(), a.rate()))
		runP99, stallP99 = append(runP99, a.at(0.99)), append(stallP99, b.at(0.99))
		o.say("overload: beside a stall of %v: %.0f tx/s; without: %.0f; %d held up", o.Duration, b.rate(), a.rate(), held)
	}
	report.Running, report.Stalled, report.Ratio = middle(running), middle(stalled), middle(ratios)
	report.RunP99, report.StallP99 = middle(runP99), middle(stallP99)
	return report, nil
}

// beside measures transactions over the others, while a few per second are sent to one participant; how many it holds at
// the end is told too.
func (s *embedded) beside(ctx context.Context, o *Options, work []coordinator.Work, h *hold) (*sample, int, error) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second / stallRate)
		defer tick.Stop()
		for {
			s.c.Submit([]coordinator.Request{{Work: work}}, func(int, coordinator.Result, error) {}) // many time out, as they must
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	sample, err := closed(ctx, stallCallers, o.Duration, s.run("decided"), nothing)
	held := h.held()
	close(quit)
	<-ended
	return sample, held, err
}

// part is how large a is beside b; 0 where a span was too short for b to show.
func part(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// middle is the median.
func middle(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
