package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/api/txcpb"
)

func (p *program) acknowledgeCommand() *cli.Command {
	return &cli.Command{
		Name:      "acknowledge",
		Usage:     "take a transaction that ended mixed, or with a hazard, off the list: someone has seen to it",
		ArgsUsage: "ID",
		Flags:     []cli.Flag{flagReason(), flagWho()},
		Action:    p.do(1, 1, p.acknowledge),
	}
}

func (p *program) acknowledge(c *cli.Context) error {
	id := c.Args().First()
	if err := checkID(id); err != nil {
		return err
	}
	who, why, err := deed(c)
	if err != nil {
		return about(err, id, "")
	}
	s, err := p.connect(c)
	if err != nil {
		return about(err, id, "")
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	d, err := s.Operator.Acknowledge(ctx, &txcpb.ResolveRequest{Id: id, Reason: why, Who: who})
	if err != nil {
		return unknown(err, id, "")
	}
	return p.writeDetail(detailOf(d))
}
