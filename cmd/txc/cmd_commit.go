package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

// endPatience is how long commit and abort wait for the answer: a transaction's own time is not known here.
const endPatience = 2 * time.Duration(txc.DefaultTimeout)

func (p *program) commitCommand() *cli.Command {
	return &cli.Command{
		Name:        "commit",
		Usage:       "commit a transaction that txc begin has begun; repeatable",
		ArgsUsage:   "ID",
		Description: "Exit code: 0 committed, 3 aborted, 4 outcome unknown: repeat it, the outcome never changes.",
		Flags:       []cli.Flag{flagWait()},
		Action:      p.do(1, 1, p.commit),
	}
}

func (p *program) commit(c *cli.Context) error {
	id := c.Args().First()
	if err := checkID(id); err != nil {
		return err
	}
	wait := txcpb.Wait_APPLIED
	if c.IsSet("wait") {
		var err error
		if wait, err = txfile.CheckWait(c.String("wait")); err != nil {
			return console.BadInput("--wait: %v", err)
		}
	}
	o, err := p.end(c, id, func(ctx context.Context, s *server) (*txcpb.TxReply, error) {
		return s.Coordinator.Commit(ctx, &txcpb.EndRequest{Id: id, Wait: wait})
	})
	if err != nil {
		return err
	}
	return p.ended(o)
}
