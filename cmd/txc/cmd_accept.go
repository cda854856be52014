package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) acceptCommand() *cli.Command {
	words := func() []cli.Flag { return []cli.Flag{flagReason(), flagWho()} }
	return &cli.Command{
		Name:  "accept",
		Usage: "a person's word on a loss, a replaced participant, or one that is gone for good",
		Subcommands: []*cli.Command{
			{
				Name:  "loss",
				Usage: "accept that the log has lost records, or is an old copy",
				Description: "What was lost is never presumed to have aborted: its branches in doubt are listed, and settled with txc resolve.\n" +
					"With --data: on a log that was refused, with no coordinator running. Start the coordinator again afterwards.",
				Flags:  append(words(), &cli.StringFlag{Name: "data", Usage: "`DIR` of a log that was refused"}),
				Action: p.do(0, 0, p.acceptLoss),
			},
			{
				Name: "participant", ArgsUsage: "NAME", Flags: words(),
				Usage:  "accept a participant that came back with another store, or an old copy of its own",
				Action: p.do(1, 1, func(c *cli.Context) error { return p.accept(c, "participant", c.Args().First()) }),
			},
			{
				Name: "gone", ArgsUsage: "NAME", Flags: words(),
				Usage:  "declare that a participant will never come back: nothing waits for what it might know",
				Action: p.do(1, 1, func(c *cli.Context) error { return p.accept(c, "gone", c.Args().First()) }),
			},
		},
		Action: p.do(0, -1, func(*cli.Context) error {
			return console.BadInput("accept what?").With("use txc accept loss, participant NAME or gone NAME")
		}),
	}
}

func (p *program) acceptLoss(c *cli.Context) error {
	if c.String("data") == "" {
		return p.accept(c, "loss", "")
	}
	who, why, err := deed(c)
	if err != nil {
		return err
	}
	return p.acceptLossOffline(c.String("data"), who, why)
}

// accept tells a running coordinator.
func (p *program) accept(c *cli.Context, what, name string) error {
	who, why, err := deed(c)
	if err != nil {
		return err
	}
	if what != "loss" {
		if err := txc.CheckParticipant(name); err != nil {
			return err
		}
	}
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Operator.Accept(ctx, &txcpb.AcceptRequest{What: what, Participant: name, Reason: why, Who: who})
	if err != nil {
		f := called(err)
		if f.Exit == console.Unknown && f.Hint == "" {
			f.Hint = "repeat it; txc status tells what is left to accept"
		}
		return f
	}
	if what == "loss" {
		p.words("txc: accepted; the coordinator stops itself now: start it again")
	}
	return p.writeStatus(statusOf(reply))
}
