package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/bench"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
)

func (p *program) benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "measure transactions per second, beside what the machine can do without them",
		Description: "Starts a coordinator and participants as processes in a temporary directory, and measures committed transactions\n" +
			"beside bare gRPC calls, bare syncs and a bare log in the same run. Machines differ and are noisy: quote the ratios.\n" +
			"With --at, it measures a coordinator that runs already, and the participants named by --names.\n" +
			"A --suite measures something else, with coordinator and participants in this process: scale is the cost of a transaction\n" +
			"against participants, transactions in flight and history, with memory, disk and restarts; overload offers more than is\n" +
			"possible, and stalls a participant; soak runs for --duration in all, and watches memory and disk.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "suite", Value: "throughput", Usage: "`NAME`: " + strings.Join(suites, ", ")},
			&cli.IntFlag{Name: "participants", Value: 2, Usage: "`NUMBER` of participants, all in every transaction"},
			&cli.StringFlag{Name: "clients", Value: "1,64,512", Usage: "`LIST` of numbers of concurrent clients"},
			&cli.DurationFlag{Name: "duration", Value: 3 * time.Second, Usage: "`LONG` of each measurement"},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "`NUMBER` of rounds; medians count"},
			&cli.StringFlag{Name: "workload", Value: "transfer", Usage: "`NAME`: " + strings.Join(bench.Workloads, ", ")},
			&cli.StringFlag{Name: "wait", Value: "decided", Usage: "`LIST` of what clients wait for: decided, applied"},
			&cli.StringFlag{Name: "store", Value: "kv", Usage: "`LIST` of the participants' stores: kv, or addresses postgres://…, mysql://…, redis://… of databases to make tables in, one after the other"},
			&cli.IntFlag{Name: "history", Usage: "`NUMBER` of finished transactions in the log beforehand"},
			&cli.IntFlag{Name: "in-flight", Value: 100_000, Usage: "with --suite: the largest `NUMBER` of transactions in flight or in doubt"},
			&cli.Float64Flag{Name: "rate", Usage: "`NUMBER` of transactions per second of the open loop; default 70 % of the best row"},
			&cli.BoolFlag{Name: "in-process", Usage: "measure an embedded coordinator with participants that do nothing, against a bare log"},
			&cli.StringFlag{Name: "pictures", Usage: "an existing `DIR` for pictures, with sweeps over participants and restarts: minutes"},
			&cli.StringFlag{Name: "save", Usage: "write the JSON to a `FILE`, too"},
			&cli.BoolFlag{Name: "unary", Usage: "use the unary methods everywhere, for comparison with the streams"},
			&cli.StringFlag{Name: "at", Usage: "`ADDR` of a coordinator that runs already"},
			&cli.StringFlag{Name: "names", Usage: "with --at: `LIST` of its key-value participants"},
			&cli.StringFlag{Name: "dir", Usage: "an existing `DIR` for the data; default a temporary one"},
		},
		Action: p.do(0, 0, p.bench),
	}
}

// echoCommand serves bare gRPC for the benchmark.
func (p *program) echoCommand() *cli.Command {
	return &cli.Command{
		Name:   "bench-echo",
		Usage:  "serve bare gRPC, for the benchmark",
		Hidden: true,
		Flags:  append(counters.Flags(), &cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "`ADDR` to listen on"}),
		Action: p.do(0, 0, func(c *cli.Context) error {
			return bench.ServeEcho(c.Context, c.String("listen"), counters.OptionsOf(c), p.stdout)
		}),
	}
}

func (p *program) bench(c *cli.Context) error {
	o, err := benchOptions(c)
	if err != nil {
		return err
	}
	o.Progress = p.stderr
	if o.Dir, err = os.MkdirTemp(c.String("dir"), "txc-bench-"); err != nil {
		return console.BadInput("--dir: %v", err).With("name an existing directory")
	}
	defer os.RemoveAll(o.Dir)
	if o.Executable, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program to start it again: %w", err)
	}
	if suite := c.String("suite"); suite != suites[0] {
		return p.benchSuite(c, suite, o)
	}
	measure := bench.Run
	if c.Bool("in-process") {
		measure = bench.RunInProcess
	}
	report, err := measure(c.Context, o)
	if err != nil {
		return err
	}
	if dir := c.String("pictures"); dir != "" {
		if err := bench.Pictures(c.Context, o, report, dir); err != nil {
			return err
		}
	}
	return p.reported(c, report, func() error { return p.writeBench(report) })
}

// reported writes a report as asked for, and its JSON to a file, if so.
func (p *program) reported(c *cli.Context, report any, table func() error) error {
	if path := c.String("save"); path != "" {
		b, err := json.MarshalIndent(report, "", "  ")
		if err == nil {
			err = os.WriteFile(path, append(b, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("--save: %w", err)
		}
	}
	if p.asJSON {
		return p.writeJSON(report)
	}
	return table()
}

func benchOptions(c *cli.Context) (bench.Options, error) {
	o := bench.Options{
		Participants: c.Int("participants"), Waits: list(c.String("wait")), Duration: c.Duration("duration"), Rounds: c.Int("rounds"),
		Workload: c.String("workload"), History: c.Int("history"), Rate: c.Float64("rate"), Unary: c.Bool("unary"),
		Coordinator: c.String("at"), Stores: list(c.String("store")), Names: list(c.String("names")), InFlight: c.Int("in-flight"),
	}
	suite := c.String("suite")
	if !slices.Contains(suites, suite) {
		return o, console.BadInput("--suite %q", suite).With("use one of " + strings.Join(suites, ", "))
	}
	if c.String("store") != "kv" && (suite != suites[0] || c.Bool("in-process") || o.Coordinator != "" || c.String("pictures") != "") {
		return o, console.BadInput("--store goes with none of --suite, --in-process, --at and --pictures").With("leave it out")
	}
	if suite != suites[0] && (c.Bool("in-process") || o.Coordinator != "" || o.Unary || c.String("pictures") != "") {
		return o, console.BadInput("--suite %s goes with none of --in-process, --at, --unary and --pictures", suite).With("leave them out")
	}
	if (o.Coordinator == "") != (len(o.Names) == 0) {
		return o, console.BadInput("--at and --names go together").With("name a coordinator that runs, and its participants")
	}
	if c.Bool("in-process") && (o.Coordinator != "" || o.Unary || o.History > 0 || c.String("pictures") != "") {
		return o, console.BadInput("--in-process goes with none of --at, --unary, --history and --pictures").With("leave them out")
	}
	for _, text := range list(c.String("clients")) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return o, console.BadInput("--clients %q", text).With("use numbers with commas between, such as 1,64,512")
		}
		o.Clients = append(o.Clients, n)
	}
	slices.Sort(o.Clients)
	o.Clients = slices.Compact(o.Clients)
	if wrong := o.Check(); wrong != "" {
		return o, console.BadInput("%s", wrong)
	}
	return o, nil
}

// list splits at commas.
func list(text string) []string {
	var all []string
	for _, s := range strings.Split(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

func (p *program) writeBench(r *bench.Report) error {
	s := p.sheet()
	f := &r.Floors
	s.line("%d participants (%s), %s, %s, %d finished before; %d cores, %s", r.Participants, r.Store, r.Workload, r.Mode, r.History, r.Cores, r.Go)
	if r.Mode == "in-process" {
		s.line("floors: fdatasync %.3f ms; bare appends in each row", f.Fdatasync)
	} else {
		s.line("floors: unary call %.3f ms alone, %.0f/s at best; stream %.3f ms alone, %.0f messages/s; fdatasync %.3f ms; bare Badger %.3f ms alone, %.0f records/s",
			f.UnaryRTT, f.Unary, f.StreamRTT, f.Stream, f.Fdatasync, f.LogAppend, f.Log)
		s.line("a transaction takes at least %.3f ms: two round trips, a participant's sync, a log append", f.Latency)
	}
	s.line("")
	all := r.Rows
	if r.Open != nil {
		all = append(slices.Clip(all), *r.Open)
	}
	var rows [][]string
	for i := range all {
		rows = append(rows, benchRow(&all[i]))
	}
	s.table([]string{"CLIENTS", "WAIT", "TX/S", "OF FLOOR", "ABORTED/S", "P50 MS", "P99 MS", "P99.9 MS", "CPU µS", "SYNCS", "LOG B", "MESSAGES", "ALLOCS"}, rows)
	return s.done()
}

// benchRow: the floor is bare unary calls, in process bare appends, of an open loop none.
func benchRow(x *bench.Row) []string {
	clients, ratio := strconv.Itoa(x.Clients), fmt.Sprintf("%.2f", max(x.RatioUnary, x.RatioLog))
	if x.Clients == 0 {
		clients, ratio = fmt.Sprintf("%.0f/s", x.Rate), "-"
	}
	return []string{
		clients, x.Wait, fmt.Sprintf("%.0f", x.TxPerS), ratio, fmt.Sprintf("%.0f", x.AbortedPerS), fmt.Sprintf("%.2f", x.P50), fmt.Sprintf("%.2f", x.P99),
		fmt.Sprintf("%.2f", x.P999), fmt.Sprintf("%.1f", x.CPU), fmt.Sprintf("%.2f", x.Syncs), fmt.Sprintf("%.0f", x.LogBytes), fmt.Sprintf("%.1f", x.Messages), fmt.Sprintf("%.0f", x.Allocations),
	}
}
