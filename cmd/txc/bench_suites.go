package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/bench"
)

// suites by name; the first is no suite but the benchmark itself.
var suites = []string{"throughput", "scale", "overload", "soak"}

func (p *program) benchSuite(c *cli.Context, suite string, o bench.Options) error {
	ctx := c.Context
	var report any
	var write func() error
	switch suite {
	case "scale":
		r, err := bench.RunScale(ctx, o)
		if err != nil {
			return err
		}
		report, write = r, func() error { return p.writeScale(r) }
	case "overload":
		r, err := bench.RunOverload(ctx, o)
		if err != nil {
			return err
		}
		report, write = r, func() error { return p.writeOverload(r) }
	default:
		r, err := bench.RunSoak(ctx, o, bench.SoakHistory)
		if err != nil {
			return err
		}
		report, write = r, func() error { return p.writeSoak(r) }
	}
	return p.reported(c, report, write)
}

func (p *program) writeScale(r *bench.Scale) error {
	s := p.sheet()
	s.line("%d cores, %s; in process, participants that do nothing, a durable log", r.Cores, r.Go)
	for _, part := range []struct {
		what string
		rows []bench.ScaleRow
	}{{"PARTICIPANTS", r.Participants}, {"IN FLIGHT", r.InFlight}, {"FINISHED", r.History}} {
		s.line("")
		var rows [][]string
		for _, x := range part.rows {
			rows = append(rows, []string{
				strconv.Itoa(x.N), fmt.Sprintf("%.0f", x.TxPerS), fmt.Sprintf("%.1f", x.CPU), orDash(x.Memory), orDash(x.Disk), fmt.Sprintf("%.1f", float64(x.HeapSize)/(1<<20)),
			})
		}
		s.table([]string{part.what, "TX/S", "CPU µS", "MEMORY B EACH", "DISK B EACH", "HEAP MIB"}, rows)
	}
	s.line("")
	var rows [][]string
	for _, x := range r.Restarts {
		rows = append(rows, []string{strconv.Itoa(x.Finished), strconv.Itoa(x.Unfinished), fmt.Sprintf("%.0f", x.Took)})
	}
	s.table([]string{"FINISHED", "UNFINISHED", "RESTART MS"}, rows)
	x := &r.Settling
	s.line("")
	s.line("%d finished, %d in doubt, in this process: serving after %.0f ms, all settled after %.0f ms more", x.Finished, x.Unfinished, x.Serving, x.Settled)
	return s.done()
}

func orDash(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", x)
}

func (p *program) writeOverload(r *bench.Overload) error {
	s := p.sheet()
	s.line("%d cores, %s; in process; %.0f tx/s at best", r.Cores, r.Go, r.Best)
	s.line("")
	var rows [][]string
	for _, x := range r.Rows {
		var reasons []string
		for code, n := range x.Reasons {
			reasons = append(reasons, fmt.Sprintf("%s %d", code, n))
		}
		slices.Sort(reasons)
		rows = append(rows, []string{
			fmt.Sprintf("%.1f", x.Factor), fmt.Sprintf("%.0f", x.Offered), fmt.Sprintf("%.0f", x.TxPerS), fmt.Sprintf("%.2f", x.Ratio), fmt.Sprintf("%.2f", x.P99),
			fmt.Sprintf("%.0f", x.Refused), fmt.Sprintf("%.2f", x.RefusedP50), fmt.Sprintf("%.2f", x.RefusedP99), strconv.Itoa(x.Unknown), strings.Join(reasons, ", "),
		})
	}
	s.table([]string{"TIMES", "OFFERED/S", "TX/S", "OF BEST", "P99 MS", "REFUSED/S", "P50 MS", "P99 MS", "UNKNOWN", "REASONS"}, rows)
	x := &r.Stall
	s.line("")
	s.line("beside a participant that stalls for %.1f s: %.0f tx/s, without %.0f, ratio %.3f; p99 %.2f ms, without %.2f ms; %d held up", x.Seconds, x.Stalled, x.Running, x.Ratio, x.StallP99, x.RunP99, x.Held)
	return s.done()
}

func (p *program) writeSoak(r *bench.Soak) error {
	s := p.sheet()
	s.line("%d transactions in %.0f s: a day at %.1f per second; history of %.0f MiB", r.Transactions, r.Seconds, r.PerDay, float64(r.HistorySize)/(1<<20))
	s.line("")
	var rows [][]string
	for _, x := range r.Samples {
		rows = append(rows, []string{
			strconv.Itoa(x.Transactions), fmt.Sprintf("%.1f", float64(x.Heap)/(1<<20)), fmt.Sprintf("%.1f", float64(x.Log)/(1<<20)), fmt.Sprintf("%.1f", float64(x.Stores)/(1<<20)),
		})
	}
	s.table([]string{"TRANSACTIONS", "HEAP MIB", "LOG MIB", "STORES MIB"}, rows)
	return s.done()
}
