package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

func (p *program) beginCommand() *cli.Command {
	return &cli.Command{
		Name:        "begin",
		Usage:       "begin a transaction by hand: prints its id",
		Description: "Then txc enlist, and txc commit or txc abort, before its time is over. Nothing is durable until commit.",
		Flags:       []cli.Flag{flagTimeout("5m"), flagKey("`KEY`: it commits at most once"), flagLabel("`NAME=TEXT` to find it by; repeatable")},
		Action:      p.do(0, 0, p.begin),
	}
}

func (p *program) begin(c *cli.Context) error {
	timeout, err := timeoutOf(c)
	if err != nil {
		return err
	}
	labels, err := labelsOf(c, nil)
	if err != nil {
		return err
	}
	key := c.String("key")
	if c.IsSet("key") {
		if err := txfile.CheckKey(key); err != nil {
			return console.BadInput("--key: %v", err)
		}
	}
	s, err := p.connect(c)
	if err != nil {
		return about(err, "", key)
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Coordinator.Begin(ctx, &txcpb.BeginRequest{Key: key, TimeoutMs: millis(timeout), Labels: labels})
	if err != nil { // a lost reply costs an id, no more
		return about(unanswered(err), "", key)
	}
	o := txOf(reply)
	if labels != nil {
		o.Labels = labels
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	out := p.sheet()
	out.line("%s", o.ID)
	if o.Outcome == "committed" { // the key's first use
		p.words("txc: this key was used before, and its transaction has committed")
	} else {
		p.words("txc: next: txc enlist %s PARTICIPANT OPS, then txc commit %s", o.ID, o.ID)
	}
	return out.done()
}

// end asks for one of a transaction's ends, with the patience that applying everywhere may need.
func (p *program) end(c *cli.Context, id string, ask func(context.Context, *server) (*txcpb.TxReply, error)) (txObject, error) {
	s, err := p.connect(c)
	if err != nil {
		f := console.Failed(err).About(id, "")
		if f.Exit == console.Unavailable { // this request was not sent, but another may have been
			f.Exit, f.Hint = console.Unknown, "this request was not sent; repeat it: the outcome never changes"
		}
		return txObject{}, f
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(c.Context, endPatience+s.patience)
	defer cancel()
	began := p.now()
	reply, err := ask(ctx, s)
	if err != nil {
		f := called(err).About(id, "")
		if f.Exit == console.Unknown || f.Exit == console.Interrupted {
			if f.Exit = console.Unknown; !txc.Code(f.Code).Known() {
				f.Code = console.CodeUnknown
			}
			f.Hint = "repeat it, or ask txc show " + id + ": the outcome never changes"
		}
		return txObject{}, f
	}
	o := txOf(reply)
	o.Took = durationOf(p.now().Sub(began))
	return o, nil
}
