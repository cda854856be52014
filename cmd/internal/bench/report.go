package bench

import (
	"runtime"
	"slices"
	"time"
)

// Report is what a run has measured; its JSON is for scripts, and only grows.
type Report struct {
	Date         string  `json:"date"`
	Cores        int     `json:"cores"`
	Go           string  `json:"go"`
	Participants int     `json:"participants"`
	Workload     string  `json:"workload"`
	Store        string  `json:"store"`
	Mode         string  `json:"mode"` // streams, or unary: the product's own unary mode
	History      int     `json:"history"`
	Seconds      float64 `json:"seconds"` // of one measurement
	Rounds       int     `json:"rounds"`
	Floors       Floors  `json:"floors"`
	Rows         []Row   `json:"rows"`
	Open         *Row    `json:"open_loop"`
}

// Row is what was measured with so many clients: medians over the rounds.
type Row struct {
	Clients      int     `json:"clients"`        // 0: open loop
	Rate         float64 `json:"rate,omitempty"` // of an open loop, per second
	Wait         string  `json:"wait"`
	TxPerS       float64 `json:"tx_per_s"` // committed
	AbortedPerS  float64 `json:"aborted_per_s"`
	UnaryPerS    float64 `json:"unary_per_s,omitempty"`   // bare calls, at as many clients, just before
	RatioUnary   float64 `json:"ratio_unary,omitempty"`   // transactions to them
	LogPerS      float64 `json:"log_per_s,omitempty"`     // in process: bare grouped appends, at as many callers, just before
	RatioLog     float64 `json:"ratio_log,omitempty"`     // transactions to them
	RatioLatency float64 `json:"ratio_latency,omitempty"` // p50 to floors.latency_ms
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	P999         float64 `json:"p999_ms"`

	// Of all processes together, for each committed transaction; 0 where the servers were not started by this run.
	CPU         float64            `json:"cpu_us_per_tx"`
	CPUBy       map[string]float64 `json:"cpu_us_per_tx_by_process,omitempty"`
	Syncs       float64            `json:"syncs_per_tx"`
	LogBytes    float64            `json:"log_bytes_per_tx"`
	Messages    float64            `json:"messages_per_tx"` // sent by the servers
	Frames      float64            `json:"frames_per_tx"`
	Allocations float64            `json:"allocations_per_tx"`
	Allocated   float64            `json:"allocated_bytes_per_tx"`
	PeakBytes   map[string]uint64  `json:"peak_bytes,omitempty"` // resident memory, the highest since the start
}

func (r *Report) describe(o *Options) {
	r.Date, r.Cores, r.Go = time.Now().UTC().Format(time.RFC3339), runtime.GOMAXPROCS(0), runtime.Version()
	r.Participants, r.Workload, r.Store, r.Mode = o.Participants, o.Workload, o.storeNames(), "streams"
	if o.Coordinator != "" {
		r.Participants = len(o.Names)
	}
	if o.Unary {
		r.Mode = "unary"
	}
	r.History, r.Seconds, r.Rounds = o.History, o.Duration.Seconds(), o.Rounds
}

func rowOf(s *sample, clients int, wait string) *Row {
	return &Row{
		Clients: clients, Wait: wait, TxPerS: s.rate(), AbortedPerS: float64(s.aborted) / s.span.Seconds(),
		P50: s.at(0.5), P99: s.at(0.99), P999: s.at(0.999),
	}
}

// fill adds what the processes' counters say of n transactions.
func (m *meter) fill(row *Row, n int) {
	if n == 0 || len(m.seen) != 2 {
		return
	}
	per := func(a, b uint64) float64 { return float64(b-a) / float64(n) }
	row.CPUBy, row.PeakBytes = map[string]float64{}, map[string]uint64{}
	for name, end := range m.seen[1] {
		begin := m.seen[0][name]
		row.CPUBy[name] = per(begin.CPU, end.CPU)
		row.CPU += row.CPUBy[name]
		row.Syncs += per(begin.Syncs, end.Syncs)
		row.LogBytes += per(begin.Written, end.Written)
		row.Messages += per(begin.Messages, end.Messages)
		row.Frames += per(begin.Frames, end.Frames)
		row.Allocations += per(begin.Objects, end.Objects)
		row.Allocated += per(begin.Bytes, end.Bytes)
		row.PeakBytes[name] = end.Peak
	}
}

// summarize makes a row of each key's rounds, and the floor of unary calls.
func (b *Bench) summarize() {
	for _, clients := range b.o.Clients {
		for _, wait := range b.o.Waits {
			rows := b.raw[rowKey{clients, wait}]
			b.report.Rows = append(b.report.Rows, b.median(rows))
		}
		unary := b.report.Rows[len(b.report.Rows)-1].UnaryPerS
		f := &b.report.Floors
		f.UnaryAt = append(f.UnaryAt, UnaryAt{clients, unary})
		f.Unary = max(f.Unary, unary)
	}
}

// median takes each figure's median by itself; what the counters say comes from the round of the median rate.
func (b *Bench) median(rows []Row) Row {
	of := func(get func(*Row) float64) float64 {
		var all []float64
		for i := range rows {
			all = append(all, get(&rows[i]))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	rate := of(func(r *Row) float64 { return r.TxPerS })
	m := rows[slices.IndexFunc(rows, func(r Row) bool { return r.TxPerS == rate })]
	m.AbortedPerS = of(func(r *Row) float64 { return r.AbortedPerS })
	m.UnaryPerS = of(func(r *Row) float64 { return r.UnaryPerS })
	m.RatioUnary = of(func(r *Row) float64 { return r.RatioUnary })
	m.P50 = of(func(r *Row) float64 { return r.P50 })
	m.P99 = of(func(r *Row) float64 { return r.P99 })
	m.P999 = of(func(r *Row) float64 { return r.P999 })
	m.CPU = of(func(r *Row) float64 { return r.CPU })
	m.LogPerS = of(func(r *Row) float64 { return r.LogPerS })
	m.RatioLog = of(func(r *Row) float64 { return r.RatioLog })
	if f := b.report.Floors.Latency; f > 0 {
		m.RatioLatency = m.P50 / f
	}
	return m
}
