package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) abortCommand() *cli.Command {
	return &cli.Command{
		Name:        "abort",
		Usage:       "give a transaction up that is not decided yet; repeatable",
		ArgsUsage:   "ID",
		Description: "Exit code: 0 aborted, 1 it had committed, 4 it is decided and how is not known.",
		Flags:       []cli.Flag{flagReason()},
		Action:      p.do(1, 1, p.abort),
	}
}

func (p *program) abort(c *cli.Context) error {
	id := c.Args().First()
	if err := checkID(id); err != nil {
		return err
	}
	if len(c.String("reason")) > maxWords {
		return console.BadInput("--reason of %d bytes: use at most %d", len(c.String("reason")), maxWords).About(id, "")
	}
	o, err := p.end(c, id, func(ctx context.Context, s *server) (*txcpb.TxReply, error) {
		return s.Coordinator.Abort(ctx, &txcpb.EndRequest{Id: id, Reason: c.String("reason")})
	})
	if err != nil {
		return err
	}
	switch o.Outcome {
	case "aborted":
	case "committed":
		p.exit = console.Error
		p.words("txc: %s has committed: it cannot be aborted any more", id)
	default:
		p.exit = console.Unknown
		p.words("txc: %s is %s: ask again with txc show %s", id, o.Outcome, id)
	}
	return p.writeTx(o)
}
