package main

import (
	"errors"
	"io"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc/api/txcpb"
)

func (p *program) watchCommand() *cli.Command {
	return &cli.Command{
		Name:        "watch",
		Usage:       "tell of each transaction as it changes, a line each, until interrupted",
		Description: "A reader that is too slow is cut off. -o json: one object a line.",
		Flags:       filterFlags(),
		Action:      p.do(0, 0, p.watch),
	}
}

func (p *program) watch(c *cli.Context) error {
	r, err := p.filterOf(c)
	if err != nil {
		return err
	}
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	stream, err := s.Operator.Watch(c.Context, r)
	if err != nil {
		return unanswered(err)
	}
	for {
		d, err := stream.Recv()
		if c.Context.Err() != nil || errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
			return nil // watching ends when the watcher says so
		}
		if err != nil {
			return unanswered(err)
		}
		if err := p.writeWatched(d); err != nil {
			return err
		}
	}
}

func (p *program) writeWatched(d *txcpb.Detail) error {
	o := detailOf(d)
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	at := o.Ended
	if at == nil {
		at = o.Began
	}
	if n := len(o.Timeline); n > 0 {
		at = &o.Timeline[n-1].At
	}
	s.line("%s  %-10s %s%s", or(at), or(o.State), s.headline(o.txObject), labelWords(o.Labels))
	return s.done()
}
