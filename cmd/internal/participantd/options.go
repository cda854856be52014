package participantd

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// Options of a participant's process.
type Options struct {
	Name, Cluster     string
	Listen, Advertise string        // Advertise: where coordinators reach it; empty: where it listens
	Coordinators      []string      // host:port
	Dir               string        // of the key-value store; empty: the store is a database
	Database          string        // its address, without a password if the user gave one apart
	Staging           string        // directory for what a broker is to publish; empty: the store needs none
	Password          string        // empty: what the address or the driver's environment says
	LockTimeout       time.Duration // 0: the store's default
	Connections       int           // for work, of a store that has them
	AllowFreeSQL      bool
	Statements        map[string]sqlwork.Statement
	MinFree           uint64 // bytes; 0: the store's default
	Ballast           int64  // bytes; 0: the store's default, negative: none
	Waive             []string
	Insecure          bool
	Reflection        bool
	Drain             time.Duration
	Software          string
	LogLevel          string
	LogFormat         string
	Log               io.Writer
	Faults            []string
	Misbehave         Misbehave
	Unary             bool // no streams: for comparison
	Counters          counters.Options
}

// defaultLockTimeout is how long work may wait for a lock.
const defaultLockTimeout = time.Second

// DefaultDrain is how long a participant may take to end.
const DefaultDrain = 10 * time.Second

// Flags of a participant.
func Flags() []cli.Flag {
	env := func(name string) []string { return []string{"TXC_" + name} }
	return append(counters.Flags(),
		&cli.StringFlag{Name: "config", EnvVars: env("CONFIG"), Usage: "`FILE` (YAML) for what neither flags nor environment say"},
		&cli.StringFlag{Name: "name", EnvVars: env("NAME"), Usage: "`NAME` of this participant: a-z, 0-9, . and -"},
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", EnvVars: env("LISTEN"), Usage: "`ADDR` to listen on; port 0: any free one"},
		&cli.StringFlag{Name: "advertise", EnvVars: env("ADVERTISE"), Usage: "`ADDR` where coordinators reach it (default: where it listens)"},
		&cli.StringSliceFlag{Name: "coordinator", EnvVars: env("COORDINATOR"), Usage: "`ADDR` of a coordinator to register with; repeatable"},
		&cli.StringFlag{Name: "cluster", Value: "txc", EnvVars: env("CLUSTER"), Usage: "`NAME` of the cluster"},
		&cli.StringFlag{Name: "store", EnvVars: env("STORE"), Usage: "`STORE`: " + usages() + "; ${NAME} is taken from the environment; a password comes from there (" + passwords() + ") or --password-file"},
		&cli.StringFlag{Name: "staging", EnvVars: env("STAGING"), Usage: "`DIR` of this participant's own, for messages that are to be published (a broker's participant needs it)"},
		&cli.StringFlag{Name: "password-file", EnvVars: env("PASSWORD_FILE"), Usage: "`FILE` with the password of the store"},
		&cli.DurationFlag{Name: "lock-timeout", Value: defaultLockTimeout, EnvVars: env("LOCK_TIMEOUT"), Usage: "wait this `LONG` for a lock"},
		&cli.IntFlag{Name: "connections", Value: postgres.DefaultConnections, EnvVars: env("CONNECTIONS"), Usage: "`NUMBER` of connections to a database for work, at most; some more finish what was promised"},
		&cli.BoolFlag{Name: "allow-free-sql", EnvVars: env("ALLOW_FREE_SQL"), Usage: "take any SQL from clients, not only the configuration's statements"},
		&cli.StringFlag{Name: "min-free", Value: "512MiB", EnvVars: env("MIN_FREE"), Usage: "promise nothing below this `SIZE` of free disk"},
		&cli.StringSliceFlag{Name: "waive", EnvVars: env("WAIVE"), Usage: "start in spite of this `FINDING`; repeatable"},
		&cli.BoolFlag{Name: "insecure", EnvVars: env("INSECURE"), Usage: "listen where other machines can reach it: nothing is encrypted or checked"},
		&cli.BoolFlag{Name: "reflection", EnvVars: env("REFLECTION"), Usage: "tell gRPC tools about services and messages"},
		&cli.DurationFlag{Name: "drain", Value: DefaultDrain, EnvVars: env("DRAIN"), Usage: "wait this `LONG` at the end for what still runs"},
		&cli.StringFlag{Name: "log-level", Value: "info", EnvVars: env("LOG_LEVEL"), Usage: "`LEVEL`: debug, info, warn, error"},
		&cli.StringFlag{Name: "log-format", Value: "text", EnvVars: env("LOG_FORMAT"), Usage: "`FORMAT`: text, json"},
		&cli.BoolFlag{Name: "dump", EnvVars: env("DUMP"), Usage: "write all that the store holds as JSON lines, and end; nothing may have it open"},
		&cli.BoolFlag{Name: "deny", EnvVars: env("DENY"), Usage: "misbehave: vote no to everything"},
		&cli.DurationFlag{Name: "delay", EnvVars: env("DELAY"), Usage: "misbehave: begin everything this `LONG` after it was asked"},
		&cli.BoolFlag{Name: "stall", EnvVars: env("STALL"), Usage: "misbehave: take work and give no vote, until it is aborted"},
		&cli.BoolFlag{Name: "forget", EnvVars: env("FORGET"), Usage: "misbehave: lose every promise before its commit comes"},
		&cli.BoolFlag{Name: "unary", Hidden: true, Usage: "serve unary methods alone, for comparison"},
		&cli.StringSliceFlag{Name: "fault", Hidden: true, Usage: "`POINT=kill|stop|error|delay:D[@N]`"},
		&cli.StringFlag{Name: "ballast", Hidden: true, Value: "32MiB", Usage: "bytes kept to finish with on a full disk; 0B: none"},
	)
}

// OptionsOf reads the flags, and what only the file of --config can say.
func OptionsOf(c *cli.Context, file config, software string, log io.Writer) (Options, error) {
	o := Options{
		Name: c.String("name"), Cluster: c.String("cluster"), Listen: c.String("listen"), Advertise: c.String("advertise"),
		Coordinators: split(c.StringSlice("coordinator")), Waive: split(c.StringSlice("waive")), Insecure: c.Bool("insecure"), Reflection: c.Bool("reflection"),
		Drain: c.Duration("drain"), Software: software, LogLevel: c.String("log-level"), LogFormat: c.String("log-format"), Log: log,
		Faults:    c.StringSlice("fault"),
		Counters:  counters.OptionsOf(c),
		Unary:     c.Bool("unary"),
		Misbehave: Misbehave{Deny: c.Bool("deny"), Delay: c.Duration("delay"), Stall: c.Bool("stall"), Forget: c.Bool("forget")},
	}
	if o.Name == "" {
		return o, console.BadInput("no --name").With("name this participant, for example --name bank-a")
	}
	err := o.readStore(c, file)
	if err != nil {
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

func split(values []string) []string {
	var all []string
	for _, v := range values {
		for _, s := range strings.Split(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

// check refuses what cannot work before anything is opened.
func (o Options) check() error {
	if err := txc.CheckParticipant(o.Name); err != nil {
		return err
	}
	if err := txc.CheckCluster(o.Cluster); err != nil {
		return err
	}
	if len(o.Coordinators) == 0 {
		return console.BadInput("no --coordinator").With("name the address of at least one, for example --coordinator 127.0.0.1:7400")
	}
	for _, address := range o.Coordinators { // one without a port would be tried for ever
		if err := console.Address("--coordinator", address); err != nil {
			return err
		}
	}
	if err := console.Address("--listen", o.Listen); err != nil {
		return err
	}
	if o.Advertise != "" {
		if err := console.Address("--advertise", o.Advertise); err != nil {
			return err
		}
	}
	if host, _, err := net.SplitHostPort(o.Listen); err == nil && o.Advertise == "" && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return console.BadInput("--listen %s names no address that others can use", o.Listen).With("add --advertise host:port")
	}
	if o.Drain <= 0 || o.Misbehave.Delay < 0 {
		return console.BadInput("--drain %v, --delay %v", o.Drain, o.Misbehave.Delay).With("use durations above zero")
	}
	return nil
}

// words are for the error of a port or a directory in use.
func (o Options) words(err error) error { return fmt.Errorf("start participant %s: %w", o.Name, err) }
