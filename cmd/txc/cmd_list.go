package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

// states that transactions can be listed by.
var states = []string{"working", "voting", "deciding", "committing", "ending", "ended", "in-doubt", "committed", "aborted", "mixed"}

func filterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "state", Usage: "only those in this `STATE`: " + strings.Join(states, ", ") + "; repeatable"},
		&cli.StringFlag{Name: "participant", Usage: "only those with a branch at this `NAME`"},
		&cli.StringFlag{Name: "since", Usage: "only those begun since this `TIME`: 10m ago, or 2026-11-20T10:00:00Z"},
		flagLabel("only those with this `NAME=TEXT`; repeatable"),
	}
}

func (p *program) listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list transactions, newest first",
		Description: "--state in-doubt joins what the coordinator has unfinished with what every participant reports itself;\n" +
			"participants that could not be asked are named, and give exit code 7.",
		Flags: append(filterFlags(),
			&cli.UintFlag{Name: "limit", Value: 100, Usage: "at most this `MANY`"},
			&cli.StringFlag{Name: "page", Usage: "continue after this `PAGE`: the last list's \"next\""}),
		Action: p.do(0, 0, p.list),
	}
}

// filterOf reads the flags of list and watch.
func (p *program) filterOf(c *cli.Context) (*txcpb.ListRequest, error) {
	r := &txcpb.ListRequest{States: c.StringSlice("state"), Participant: c.String("participant")}
	for _, s := range r.States {
		if !slices.Contains(states, s) {
			return nil, console.BadInput("--state %q", s).With("use one of " + strings.Join(states, ", "))
		}
	}
	if r.Participant != "" {
		if err := txc.CheckParticipant(r.Participant); err != nil {
			return nil, console.BadInput("--participant: %v", err)
		}
	}
	if s := c.String("since"); s != "" {
		ago, err := time.ParseDuration(strings.TrimSuffix(s, " ago"))
		at := p.now().Add(-ago)
		if err != nil {
			at, err = time.Parse(time.RFC3339, s)
		}
		if err != nil || ago < 0 {
			return nil, console.BadInput("--since %q", s).With("use a duration such as 10m, or a time such as 2026-11-20T10:00:00Z")
		}
		r.SinceUnixMs = at.UnixMilli()
	}
	labels, err := labelsOf(c, nil)
	r.Labels = labels
	return r, err
}

func (p *program) list(c *cli.Context) error {
	r, err := p.filterOf(c)
	if err != nil {
		return err
	}
	if n := c.Uint("limit"); n == 0 || n > maxList {
		return console.BadInput("--limit %d", n).With(fmt.Sprintf("use 1 to %d", maxList))
	}
	r.Limit, r.Page = uint32(c.Uint("limit")), c.String("page")
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Operator.List(ctx, r)
	if err != nil {
		return unanswered(err)
	}
	return p.writeList(reply, slices.Contains(r.States, "in-doubt"))
}

// maxList is the most that one list may have.
const maxList = 10_000

type listObject struct {
	Transactions []detailObject   `json:"transactions"`
	Next         string           `json:"next"`
	InDoubt      []reportedObject `json:"in_doubt,omitzero"`    // with the state in-doubt
	Unreachable  []string         `json:"unreachable,omitzero"` // with the state in-doubt
}

// reportedObject is a branch in doubt as its participant reports it.
type reportedObject struct {
	Participant string        `json:"participant"`
	ID          string        `json:"id"`
	Mark        string        `json:"mark"`
	Since       *string       `json:"since"`
	Members     []string      `json:"members"`
	Settled     string        `json:"settled"` // "" unless it was settled by hand or by its store
	Reason      *reasonObject `json:"reason"`
}

func (p *program) writeList(reply *txcpb.ListReply, inDoubt bool) error {
	o := listObject{Transactions: []detailObject{}, Next: reply.GetNextPage(), Unreachable: reply.GetUnreachable()}
	for _, d := range reply.GetTransactions() {
		o.Transactions = append(o.Transactions, detailOf(d))
	}
	if inDoubt {
		o.InDoubt, o.Unreachable = []reportedObject{}, listed(o.Unreachable)
	}
	for _, r := range reply.GetInDoubt() {
		o.InDoubt = append(o.InDoubt, reportedOf(r))
	}
	if len(o.Unreachable) > 0 {
		p.finding("could not be asked: %s; what is in doubt there is missing here", strings.Join(o.Unreachable, ", "))
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	rows := make([][]string, 0, len(o.Transactions))
	for _, t := range o.Transactions {
		names := make([]string, 0, len(t.Branches))
		for _, b := range t.Branches {
			names = append(names, b.Participant)
		}
		rows = append(rows, []string{t.ID, or(t.State), outcomeWords(t.txObject), or(t.Began), or(t.Took), strings.Join(names, ","), strings.TrimPrefix(labelWords(t.Labels), ", ")})
	}
	s.table([]string{"ID", "STATE", "OUTCOME", "BEGAN", "TOOK", "PARTICIPANTS", "LABELS"}, rows)
	if inDoubt {
		s.line("")
		s.reported(o.InDoubt)
	}
	if o.Next != "" {
		p.words("txc: there is more: --page %s", o.Next)
	}
	return s.done()
}

func outcomeWords(o txObject) string {
	if o.Heuristic != "none" {
		return o.Outcome + "," + o.Heuristic
	}
	return o.Outcome
}

func reportedOf(r *txcpb.Reported) reportedObject {
	b := r.GetBranch()
	o := reportedObject{
		Participant: r.GetParticipant(), ID: b.GetId(), Mark: txc.FormatMark(b.GetMark()),
		Since: timeOf(b.GetSinceUnixMs()), Members: listed(b.GetMembers()), Reason: reasonOf(b.GetWhy()),
	}
	if b.GetSettled() != txcpb.Fate_FATE_UNSPECIFIED {
		o.Settled = fateText(b.GetSettled())
	}
	return o
}

func fateText(f txcpb.Fate) string {
	if f < 0 || f > txcpb.Fate_HAZARD {
		return txc.Fate(0).String()
	}
	return txc.Fate(f).String()
}

func (s *sheet) reported(branches []reportedObject) {
	if len(branches) == 0 {
		s.line("no participant that could be asked has a branch in doubt")
		return
	}
	s.line("branches in doubt, as their participants report them:")
	rows := make([][]string, 0, len(branches))
	for _, b := range branches {
		rows = append(rows, []string{b.Participant, b.ID, or(b.Since), b.Settled, strings.Join(b.Members, ",")})
	}
	s.table([]string{"PARTICIPANT", "ID", "SINCE", "SETTLED", "MEMBERS"}, rows)
}
