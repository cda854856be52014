package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) resolveCommand() *cli.Command {
	return &cli.Command{
		Name:      "resolve",
		Usage:     "settle one branch by hand, when its coordinator or its participant will not come back",
		ArgsUsage: "ID",
		Description: "Without --at the coordinator is told how a branch of a decided transaction ended: it stops waiting for it.\n" +
			"With --at a promised branch is committed or aborted at its participant, though the decision is not known there.\n" +
			"Either is recorded, with who and why; what stands against the decision is listed until it is acknowledged.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "participant", Usage: "`NAME` of the branch's participant"},
			&cli.StringFlag{Name: "outcome", Usage: "`HOW` it ends: commit or abort"},
			&cli.StringFlag{Name: "at", Usage: "settle it at the participant itself, at this `ADDR`"},
			&cli.StringFlag{Name: "mark", Usage: "`MARK` of the id's opening; needed only where one id exists under two"},
			flagReason(), flagWho(),
		},
		Action: p.do(1, 1, p.resolve),
	}
}

func (p *program) resolve(c *cli.Context) error {
	r, err := resolution(c)
	if err != nil {
		return about(err, c.Args().First(), "")
	}
	if at := c.String("at"); at != "" {
		return p.settle(c, at, r)
	}
	s, err := p.connect(c)
	if err != nil {
		return about(err, r.GetId(), "")
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	d, err := s.Operator.Resolve(ctx, r)
	if err != nil {
		return unknown(err, r.GetId(), "")
	}
	return p.writeDetail(detailOf(d))
}

func resolution(c *cli.Context) (*txcpb.ResolveRequest, error) {
	r := &txcpb.ResolveRequest{Id: c.Args().First(), Participant: c.String("participant")}
	if err := checkID(r.Id); err != nil {
		return nil, err
	}
	if err := txc.CheckParticipant(r.Participant); err != nil {
		return nil, console.BadInput("--participant %q", r.Participant).With("name the participant whose branch it is")
	}
	switch how := c.String("outcome"); how {
	case "commit", "committed":
		r.Outcome = txcpb.Outcome_COMMIT
	case "abort", "aborted":
		r.Outcome = txcpb.Outcome_ABORT
	default:
		return nil, console.BadInput("--outcome %q", how).With("use commit or abort")
	}
	if m := c.String("mark"); m != "" {
		mark, err := txc.ParseMark(m)
		if err != nil {
			return nil, console.BadInput("--mark: %v", err)
		}
		r.Mark = mark
	}
	var err error
	r.Who, r.Reason, err = deed(c)
	return r, err
}

type settledObject struct {
	ID          string        `json:"id"`
	Participant string        `json:"participant"`
	Fate        string        `json:"fate"`
	Reason      *reasonObject `json:"reason"`
}

// settle goes straight to the participant.
func (p *program) settle(c *cli.Context, address string, r *txcpb.ResolveRequest) error {
	if err := console.Address("--at", address); err != nil {
		return err
	}
	conn, err := dial(c.Context, address, c.Duration(flagPatience))
	if err != nil {
		f := console.Failed(err).About(r.GetId(), "")
		if f.Exit == console.Unavailable {
			f.Hint = "start the participant, or see its address in txc participants"
		}
		return f
	}
	s := &server{conn: conn, patience: c.Duration(flagPatience)}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := txcpb.NewParticipantClient(conn).Settle(ctx, r)
	if err != nil {
		f := called(err).About(r.GetId(), "")
		if f.Exit == console.Unknown && f.Hint == "" {
			f.Hint = "repeat it: the first of decision and operator wins"
		}
		return f
	}
	o := settledObject{r.GetId(), r.GetParticipant(), fateText(reply.GetFate()), reasonOf(reply.GetReason())}
	wanted := reply.GetFate() == txcpb.Fate_COMMITTED_NOW || reply.GetFate() == txcpb.Fate_COMMITTED_BEFORE
	if aborted := reply.GetFate() == txcpb.Fate_ABORTED_NOW || reply.GetFate() == txcpb.Fate_ABORTED_BEFORE; r.GetOutcome() == txcpb.Outcome_ABORT {
		wanted = aborted
	}
	if !wanted {
		p.finding("the branch is not what was asked for: %s", o.Fate)
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	out := p.sheet()
	out.line("%s at %s: %s", o.ID, o.Participant, o.Fate)
	if o.Reason != nil {
		out.line("  because of %s", harmless(o.Reason.words()))
	}
	return out.done()
}
