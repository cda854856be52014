package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/participantd"
)

// participantCommand is participant-demo inside this program, so that `txc demo` has everything that it starts.
func (p *program) participantCommand() *cli.Command {
	return &cli.Command{
		Name:   "participant",
		Usage:  "serve one key-value participant, for demonstrations",
		Hidden: true,
		Flags:  participantd.Flags(),
		Action: p.do(0, 0, func(c *cli.Context) error { return participantd.Act(c, software(), p.stdout, p.stderr) }),
	}
}
