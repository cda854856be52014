package main

import (
	"context"
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/participantd"
)

// run is the whole program: what main calls, and tests.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var failed error
	app := &cli.App{
		Name:                      "participant-demo",
		Usage:                     "one participant as a process: a key-value store, or a database",
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return err },
		Flags:                     participantd.Flags(),
		Action: func(c *cli.Context) error {
			failed = participantd.Act(c, "participant-demo", stdout, stderr)
			return nil
		},
	}
	err := app.RunContext(ctx, args)
	var f *console.Failure
	if err != nil && !errors.As(err, &f) {
		err = console.BadInput("%s", console.OneLine(err.Error())).With("see participant-demo --help")
	}
	return console.Report(errors.Join(err, failed), "participant-demo", false, stdout, stderr)
}
