package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "tell everything about one transaction: outcome, branches, timeline, what it waits for",
		ArgsUsage: "ID",
		Flags:     []cli.Flag{flagKey("`KEY` of the transaction, instead of its id")},
		Action:    p.do(0, 1, p.show),
	}
}

func (p *program) show(c *cli.Context) error {
	id, key := c.Args().First(), c.String("key")
	if (id == "") == (key == "") {
		return console.BadInput("txc show needs an id, or --key").With("txc list shows ids")
	}
	if id != "" {
		if err := checkID(id); err != nil {
			return err
		}
	}
	s, err := p.connect(c)
	if err != nil {
		return about(err, id, key)
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	if key != "" {
		reply, err := s.Coordinator.Outcome(ctx, &txcpb.OutcomeRequest{Key: key})
		if err != nil {
			return about(unanswered(err), "", key)
		}
		if id = reply.GetId(); id == "" { // nothing more is known than this
			return p.writeDetail(detailOf(&txcpb.Detail{Tx: reply}))
		}
	}
	d, err := s.Operator.Get(ctx, &txcpb.GetRequest{Id: id})
	if err != nil {
		return about(unanswered(err), id, key)
	}
	return p.writeDetail(detailOf(d))
}
