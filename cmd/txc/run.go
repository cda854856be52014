package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// program is one invocation.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time

	asJSON bool  // -o json
	failed error // what the command's own action returned
	exit   int   // what a command that did what it was asked says all the same: aborted, findings
}

// run is the whole program: what main calls, and tests.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdin: os.Stdin, stdout: stdout, stderr: stderr, now: time.Now}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	p.asJSON = saysJSON(args)
	app := p.app()
	args, err := reorder(app, args)
	if err == nil {
		err = p.usage(app.RunContext(ctx, args))
	}
	if code := console.Report(err, "txc", p.asJSON, p.stdout, p.stderr); code != console.OK {
		return code
	}
	return p.exit
}

// usage tells the command's own errors from those of its flags: the latter are the caller's.
func (p *program) usage(err error) error {
	if p.failed != nil || err == nil {
		return p.failed
	}
	var f *console.Failure
	if errors.As(err, &f) {
		return f
	}
	return console.BadInput("%s", console.OneLine(err.Error())).With("see txc help")
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:                      "txc",
		Usage:                     "transactions that commit everywhere or nowhere",
		Version:                   software(),
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		Reader:                    p.stdin,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Flags:                     globalFlags(),
		Commands:                  p.commands(),
		Before:                    p.before,
		Action:                    p.noCommand,
	}
	onUsage := func(c *cli.Context, err error, _ bool) error {
		return console.BadInput("%s", console.OneLine(err.Error())).With("see " + c.Command.HelpName + " --help")
	}
	app.OnUsageError = onUsage
	each(app.Commands, func(c *cli.Command) { c.OnUsageError = onUsage })
	for _, c := range app.Commands {
		nameEnvironment(c, "TXC_"+c.Name)
	}
	return app
}

func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		p.demoCommand(), p.devCommand(), p.serveCommand(),
		p.runCommand(), p.beginCommand(), p.enlistCommand(), p.commitCommand(), p.abortCommand(),
		p.listCommand(), p.showCommand(), p.watchCommand(), p.participantsCommand(), p.statusCommand(), p.doctorCommand(), p.reconcileCommand(),
		p.resolveCommand(), p.acknowledgeCommand(), p.acceptCommand(), p.logCommand(),
		p.versionCommand(), p.completionCommand(), p.benchCommand(), p.participantCommand(), p.echoCommand(),
	}
}

// nameEnvironment gives every flag that has none its variable: TXC_<COMMAND>_<FLAG>. Hidden ones have none on purpose.
func nameEnvironment(c *cli.Command, prefix string) {
	name := func(flag string) []string {
		return []string{strings.ToUpper(strings.ReplaceAll(prefix+"_"+flag, "-", "_"))}
	}
	for _, f := range c.Flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		if vars := variables(f); vars != nil && *vars == nil {
			*vars = name(f.Names()[0])
		}
	}
	for _, sub := range c.Subcommands {
		nameEnvironment(sub, prefix+"_"+sub.Name)
	}
}

// variables are a flag's own list of them; nil: a kind of flag that no command has yet.
func variables(f cli.Flag) *[]string {
	switch f := f.(type) {
	case *cli.StringFlag:
		return &f.EnvVars
	case *cli.StringSliceFlag:
		return &f.EnvVars
	case *cli.BoolFlag:
		return &f.EnvVars
	case *cli.UintFlag:
		return &f.EnvVars
	case *cli.IntFlag:
		return &f.EnvVars
	case *cli.Float64Flag:
		return &f.EnvVars
	case *cli.DurationFlag:
		return &f.EnvVars
	}
	return nil
}

// each visits commands and their subcommands.
func each(commands []*cli.Command, visit func(*cli.Command)) {
	for _, c := range commands {
		visit(c)
		each(c.Subcommands, visit)
	}
}

// Names and defaults of the flags that every command takes.
const (
	flagCoordinator = "coordinator"
	flagOutput      = "output"
	flagPatience    = "patience"

	defaultAddress  = "127.0.0.1:7400"
	defaultPatience = 5 * time.Second
)

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: flagCoordinator, Aliases: []string{"c"}, Value: defaultAddress, EnvVars: []string{"TXC_COORDINATOR"}, Usage: "`ADDR` of the coordinator, host:port"},
		&cli.StringFlag{Name: flagOutput, Aliases: []string{"o"}, Value: "table", EnvVars: []string{"TXC_OUTPUT"}, Usage: "`FORMAT`: table for people, json for scripts"},
		&cli.DurationFlag{Name: flagPatience, Value: defaultPatience, EnvVars: []string{"TXC_PATIENCE"}, Usage: "wait this `LONG` for a coordinator that does not answer"},
	}
}

func (p *program) before(c *cli.Context) error {
	switch format := c.String(flagOutput); format {
	case "json":
		p.asJSON = true
	case "table":
		p.asJSON = false
	default:
		return console.BadInput("--output %q", format).With("use table or json")
	}
	if c.Duration(flagPatience) <= 0 {
		return console.BadInput("--patience %v", c.Duration(flagPatience)).With("use more than zero, such as 5s")
	}
	return nil
}

func (p *program) noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowAppHelp(c)
	}
	return console.BadInput("no command %q", c.Args().First()).With("see txc help")
}

// do wraps a command's action: between min and max arguments (max -1: any number), and its error kept apart from those
// of its flags.
func (p *program) do(least, most int, action func(*cli.Context) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		if n := c.Args().Len(); n < least || most >= 0 && n > most {
			return console.BadInput("%d arguments for %s", n, c.Command.HelpName).With("use " + strings.TrimSpace(c.Command.HelpName+" "+c.Command.ArgsUsage))
		}
		p.failed = action(c)
		return nil
	}
}

// saysJSON looks for -o json before the flags are parsed, so that an error in them is told in the asked form.
func saysJSON(args []string) bool {
	asJSON := os.Getenv("TXC_OUTPUT") == "json"
	for i, a := range args {
		if a == "--" {
			break
		}
		name, value, given := strings.Cut(a, "=")
		if name != "-o" && name != "--output" && name != "-output" {
			continue
		}
		if !given && i+1 < len(args) {
			value = args[i+1]
		}
		asJSON = value == "json"
	}
	return asJSON
}
