package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/coordinatord"
)

func (p *program) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve a coordinator",
		Description: "The first line on stdout says where it listens. SIGTERM: it refuses what is new, decides what runs, and ends with 0;\n" +
			"a second signal ends it at once. Exit code 8: the log was refused; 9: it stopped itself, start it again.",
		Flags: coordinatord.Flags(),
		Action: p.do(0, 0, func(c *cli.Context) error {
			o, err := coordinatord.OptionsOf(c, software(), p.stderr)
			if err != nil {
				return err
			}
			return coordinatord.Serve(c.Context, o, p.stdout)
		}),
	}
}
