package coordinatord

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
)

// Options of a coordinator's process.
type Options struct {
	Dir          string
	Listen       string
	Cluster      string
	Number       uint32
	Participants []Static // that do not register themselves
	Timeout      time.Duration
	MaxTimeout   time.Duration
	HistoryAge   time.Duration
	HistorySize  uint64 // bytes
	MinFree      uint64 // bytes
	Ballast      int64  // bytes; 0: the log's default, negative: none
	Drain        time.Duration
	PresumeAfter time.Duration // negative: for ever
	Insecure     bool
	Reflection   bool
	Software     string
	LogLevel     string
	LogFormat    string
	Log          io.Writer
	Faults       []string
	Counters     counters.Options
}

// Static is a participant that the coordinator is told of.
type Static struct{ Name, Address string }

// Defaults of the flags.
const (
	DefaultListen = "127.0.0.1:7400"
	DefaultDrain  = 10 * time.Second
)

// Flags of a coordinator.
func Flags() []cli.Flag {
	env := func(name string) []string { return []string{"TXC_" + name} }
	return append(counters.Flags(),
		&cli.StringFlag{Name: "data", EnvVars: env("DATA"), Usage: "`DIR` of the log"},
		&cli.StringFlag{Name: "cluster", Value: "txc", EnvVars: env("CLUSTER"), Usage: "`NAME` of the cluster"},
		&cli.UintFlag{Name: "number", Value: 1, EnvVars: env("NUMBER"), Usage: "`NUMBER` of this coordinator in its cluster, from 1"},
		&cli.StringFlag{Name: "listen", Value: DefaultListen, EnvVars: env("LISTEN"), Usage: "`ADDR` to listen on; port 0: any free one"},
		&cli.StringSliceFlag{Name: "participant", EnvVars: env("PARTICIPANT"), Usage: "`NAME=ADDR` of a participant that does not register itself; repeatable"},
		&cli.DurationFlag{Name: "timeout", Value: txc.DefaultTimeout, EnvVars: env("TIMEOUT"), Usage: "`TIME` of a transaction that names none"},
		&cli.DurationFlag{Name: "max-timeout", Value: txc.DefaultMaxTimeout, EnvVars: env("MAX_TIMEOUT"), Usage: "the most `TIME` that a transaction may ask for"},
		&cli.DurationFlag{Name: "history-age", Value: 168 * time.Hour, EnvVars: env("HISTORY_AGE"), Usage: "forget finished transactions after this `LONG`"},
		&cli.StringFlag{Name: "history-size", Value: "4GiB", EnvVars: env("HISTORY_SIZE"), Usage: "forget the oldest finished transactions above this `SIZE`"},
		&cli.StringFlag{Name: "min-free", Value: "512MiB", EnvVars: env("MIN_FREE"), Usage: "begin nothing below this `SIZE` of free disk"},
		&cli.DurationFlag{Name: "drain", Value: DefaultDrain, EnvVars: env("DRAIN"), Usage: "wait this `LONG` at the end for what is undecided"},
		&cli.DurationFlag{Name: "presume-after", Value: time.Minute, EnvVars: env("PRESUME_AFTER"), Usage: "after a restart, wait this `LONG` for participants that are away before presuming an abort; 0: for ever"},
		&cli.BoolFlag{Name: "insecure", EnvVars: env("INSECURE"), Usage: "listen where other machines can reach it: nothing is encrypted or checked"},
		&cli.BoolFlag{Name: "reflection", EnvVars: env("REFLECTION"), Usage: "tell gRPC tools about services and messages"},
		&cli.StringFlag{Name: "log-level", Value: "info", EnvVars: env("LOG_LEVEL"), Usage: "`LEVEL`: debug, info, warn, error"},
		&cli.StringFlag{Name: "log-format", Value: "text", EnvVars: env("LOG_FORMAT"), Usage: "`FORMAT`: text, json"},
		&cli.StringSliceFlag{Name: "fault", Hidden: true, Usage: "`POINT=kill|stop|error|delay:D[@N]`"},
		&cli.StringFlag{Name: "ballast", Hidden: true, Value: "32MiB", Usage: "bytes kept to finish with on a full disk; 0B: none"},
	)
}

// OptionsOf reads the flags.
func OptionsOf(c *cli.Context, software string, log io.Writer) (Options, error) {
	o := Options{
		Dir: c.String("data"), Listen: c.String("listen"), Cluster: c.String("cluster"), Number: uint32(c.Uint("number")),
		Timeout: c.Duration("timeout"), MaxTimeout: c.Duration("max-timeout"), HistoryAge: c.Duration("history-age"),
		Drain: c.Duration("drain"), PresumeAfter: c.Duration("presume-after"), Insecure: c.Bool("insecure"), Reflection: c.Bool("reflection"),
		Software: software, LogLevel: c.String("log-level"), LogFormat: c.String("log-format"), Log: log, Faults: c.StringSlice("fault"),
		Counters: counters.OptionsOf(c),
	}
	if uint(o.Number) != c.Uint("number") {
		return o, console.BadInput("--number %d", c.Uint("number")).With("use a number from 1 to 4294967295")
	}
	if o.PresumeAfter < 0 {
		return o, console.BadInput("--presume-after %v", o.PresumeAfter).With("use zero, for ever, or more")
	}
	if o.PresumeAfter == 0 {
		o.PresumeAfter = -1
	}
	for _, s := range c.StringSlice("participant") {
		for _, one := range strings.Split(s, ",") {
			name, address, ok := strings.Cut(strings.TrimSpace(one), "=")
			if !ok || txc.CheckParticipant(name) != nil || address == "" {
				return o, console.BadInput("--participant %q", one).With("write name=host:port")
			}
			if slices.ContainsFunc(o.Participants, func(s Static) bool { return s.Name == name }) {
				return o, console.BadInput("--participant: %s is named twice", name).With("a participant has one address")
			}
			o.Participants = append(o.Participants, Static{name, address})
		}
	}
	var err error
	if o.HistorySize, err = console.ParseSize("history-size", c.String("history-size")); err != nil {
		return o, err
	}
	if o.MinFree, err = console.ParseSize("min-free", c.String("min-free")); err != nil {
		return o, err
	}
	ballast, err := console.ParseSize("ballast", c.String("ballast"))
	if o.Ballast = int64(ballast); ballast == 0 {
		o.Ballast = -1
	}
	return o, err
}

// check refuses what cannot work before anything is opened.
func (o Options) check() error {
	switch {
	case o.Dir == "":
		return console.BadInput("no --data").With("name the directory of the log, for example --data ./txc-data")
	case o.Number == 0:
		return console.BadInput("--number 0").With("coordinators are numbered from 1")
	case o.Timeout <= 0, o.MaxTimeout < o.Timeout, o.MaxTimeout > txc.MaxTimeout:
		f := console.BadInput("--timeout %v and --max-timeout %v", o.Timeout, o.MaxTimeout)
		f.Code = string(txc.CodeBadTimeout)
		return f.With(fmt.Sprintf("use more than zero, the maximum not below the other, and at most %v", txc.MaxTimeout))
	case o.HistoryAge <= 0, o.Drain <= 0:
		return console.BadInput("--history-age %v, --drain %v", o.HistoryAge, o.Drain).With("use durations above zero")
	}
	if err := console.Address("--listen", o.Listen); err != nil {
		return err
	}
	return txc.CheckCluster(o.Cluster)
}

// Defaults are the flags' defaults, for a coordinator inside another program.
func Defaults(dir string) Options {
	return Options{
		Dir: dir, Listen: DefaultListen, Cluster: "txc", Number: 1, Timeout: txc.DefaultTimeout, MaxTimeout: txc.DefaultMaxTimeout,
		HistoryAge: 168 * time.Hour, HistorySize: 4 << 30, Ballast: -1, Drain: DefaultDrain, PresumeAfter: time.Minute,
		LogLevel: "warn", LogFormat: "text", Log: io.Discard,
	}
}
