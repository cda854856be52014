package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/txc-dev/txc/cmd/internal/children"
)

// What the sweeps go through.
var (
	sweptParticipants = []int{1, 2, 4, 8, 16, 32}
	sweptHistory      = []int{1_000, 10_000, 100_000, 1_000_000}
	sweptInDoubt      = []int{100, 1_000, 10_000, 100_000}
)

const sweepClients = 512

// Pictures draws a report's rows, measures what else docs/benchmarks.md shows, and writes it all to a directory.
func Pictures(ctx context.Context, o Options, r *Report, dir string) error {
	charts := map[string]*Chart{}
	charts["throughput"], charts["latency"] = r.charts()
	var err error
	if charts["participants"], err = sweepParticipants(ctx, o); err != nil {
		return err
	}
	if charts["recovery"], err = sweepRecovery(ctx, o); err != nil {
		return err
	}
	for name, c := range charts {
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(c.SVG()), 0o644); err != nil {
			return fmt.Errorf("write a picture: %w", err)
		}
	}
	return nil
}

// charts are throughput and latency against clients.
func (r *Report) charts() (throughput, latency *Chart) {
	throughput = &Chart{Title: "Throughput", X: "concurrent clients", Y: "per second"}
	latency = &Chart{Title: "Latency", X: "concurrent clients", Y: "milliseconds"}
	var tx, unary, p50, p99 []Point
	for _, row := range r.Rows {
		if row.Wait != r.Rows[0].Wait {
			continue
		}
		x := float64(row.Clients)
		tx, unary = append(tx, Point{x, row.TxPerS}), append(unary, Point{x, row.UnaryPerS})
		p50, p99 = append(p50, Point{x, row.P50}), append(p99, Point{x, row.P99})
	}
	throughput.Lines = []Line{{"committed transactions", tx}, {"bare unary gRPC calls", unary}}
	latency.Lines = []Line{{"median", p50}, {"99 %", p99}}
	return throughput, latency
}

// sweepParticipants measures what a transaction costs against how many take part in it.
func sweepParticipants(ctx context.Context, o Options) (*Chart, error) {
	c := &Chart{Title: "Cost of a transaction", X: "participants, all in every transaction", Y: "processor time of all processes, in µs"}
	var cpu []Point
	for _, n := range sweptParticipants {
		o.say("sweep: %d participants", n)
		one := o
		one.Participants, one.Clients, one.Waits, one.Rounds, one.Rate = n, []int{sweepClients}, o.Waits[:1], 1, 1
		one.Dir = filepath.Join(o.Dir, fmt.Sprintf("participants-%d", n))
		if err := os.Mkdir(one.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		r, err := Run(ctx, one)
		if err != nil {
			return nil, fmt.Errorf("sweep %d participants: %w", n, err)
		}
		cpu = append(cpu, Point{float64(n), r.Rows[0].CPU})
	}
	c.Lines = []Line{{fmt.Sprintf("at %d clients", sweepClients), cpu}}
	return c, nil
}

// sweepRecovery measures the time from start to serving, against the history and against what is unfinished.
func sweepRecovery(ctx context.Context, o Options) (*Chart, error) {
	history, err := recoveries(ctx, o, "history", sweptHistory, func(n int) (finished, unfinished int) { return n, 0 })
	if err != nil {
		return nil, err
	}
	inDoubt, err := recoveries(ctx, o, "doubt", sweptInDoubt, func(n int) (finished, unfinished int) { return 0, n })
	if err != nil {
		return nil, err
	}
	return &Chart{
		Title: "Restart", X: "transactions in the log", Y: "milliseconds until it serves",
		Lines: []Line{{"finished", history}, {"committed and unfinished", inDoubt}},
	}, nil
}

func recoveries(ctx context.Context, o Options, name string, sizes []int, split func(int) (finished, unfinished int)) ([]Point, error) {
	var points []Point
	for _, n := range sizes {
		o.say("sweep: restart with %d (%s)", n, name)
		dir := filepath.Join(o.Dir, fmt.Sprintf("restart-%s-%d", name, n))
		finished, unfinished := split(n)
		if err := prefill(ctx, dir, finished, unfinished); err != nil {
			return nil, err
		}
		took, err := restart(ctx, o, dir)
		if err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		points = append(points, Point{float64(n), milliseconds(took)})
	}
	return points, nil
}

// restart starts a coordinator on a log that it was killed on, and ends it when it serves.
func restart(ctx context.Context, o Options, dir string) (time.Duration, error) {
	group := children.New(o.Executable, o.Dir)
	defer group.KillAll()
	began := time.Now()
	err := group.Start(ctx, "restarted", "serve", "--data", dir, "--log-level", "error", "--ballast", "0B", "--min-free", "64MiB")
	return time.Since(began), err
}
