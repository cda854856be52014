package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/reconcile"
)

func (p *program) reconcileCommand() *cli.Command {
	return &cli.Command{
		Name:  "reconcile",
		Usage: "compare what the log has recorded with what every participant can show",
		Description: "Changes nothing. It asks the participants themselves, at the addresses that they registered. Exit code 0: nothing contradicts the\n" +
			"log; 7: there are findings, or a participant could not be asked; 5: the coordinator does not answer.",
		Action: p.do(0, 0, p.reconcile),
	}
}

type reconcileObject struct {
	Clean       bool              `json:"clean"`
	Findings    []diagnosisObject `json:"findings"`
	More        int               `json:"more"` // findings that are not listed
	Unreachable []string          `json:"unreachable"`
	Examined    examinedObject    `json:"examined"`
}

// examinedObject is how much was looked at.
type examinedObject struct {
	Participants int `json:"participants"` // that answered
	Transactions int `json:"transactions"` // that anybody showed
	Proofs       int `json:"proofs"`
	InDoubt      int `json:"in_doubt"`
	Unfinished   int `json:"unfinished"`
	Acknowledged int `json:"acknowledged"` // mixed ones, and hazards, that an operator has acknowledged
}

func (p *program) reconcile(c *cli.Context) error {
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	status, err := s.Operator.Status(ctx, &txcpb.StatusRequest{})
	if err != nil {
		return unanswered(err)
	}
	members, err := s.Operator.Participants(ctx, &txcpb.ParticipantsRequest{})
	if err != nil {
		return unanswered(err)
	}
	e := examination{p: p, c: c, s: s, visit: visit{status: status, members: members}, sources: map[string]reconcile.Participant{}, odd: map[string]bool{}}
	defer e.close()
	e.o.Findings, e.o.Unreachable = []diagnosisObject{}, []string{}
	if err := e.meet(); err != nil {
		return err
	}
	found, err := reconcile.Run(c.Context, patient{s}, e.sources)
	if err != nil {
		return unanswered(err)
	}
	e.take(found)
	if err := e.recorded(); err != nil {
		return unanswered(err)
	}
	e.o.Clean = healthy(e.o.Findings) && e.o.More == 0
	if !e.o.Clean {
		p.exit = console.Findings
	}
	if p.asJSON {
		return p.writeJSON(e.o)
	}
	return p.writeReconcile(e.o)
}

// patient gives each question its own time: all of them together take as long as they take.
type patient struct{ s *server }

func (q patient) Facts(ctx context.Context, r *txcpb.FactsRequest, o ...grpc.CallOption) (*txcpb.FactsReply, error) {
	ctx, cancel := q.s.bounded(ctx)
	defer cancel()
	return q.s.Operator.Facts(ctx, r, o...)
}

// examination is one run.
type examination struct {
	visit
	p       *program
	c       *cli.Context
	s       *server
	o       reconcileObject
	sources map[string]reconcile.Participant
	conns   []*grpc.ClientConn
	odd     map[string]bool // ids that were found mixed, or a hazard, at a participant
}

func (e *examination) close() {
	for _, c := range e.conns {
		_ = c.Close() // what was asked has been answered, or not
	}
}

func (e *examination) found(d diagnosisObject) { e.o.Findings = append(e.o.Findings, d) }

// meet connects to every participant of whom something is expected, and looks whose store it has.
func (e *examination) meet() error {
	if state := e.status.GetState(); state == "refusing" {
		var why []string
		for _, w := range e.status.GetWaitingFor() {
			if !e.aboutParticipant(w) {
				why = append(why, w)
			}
		}
		e.found(diagnosisObject{Name: state, Severity: warn, Text: "the log lacks what participants have seen: " + strings.Join(why, "; "), Todo: "docs/operations.md, Records were lost"})
	}
	for i, r := range e.members.GetRegistered() {
		name := r.GetName()
		switch at(e.members.GetStates(), i) {
		case "removed", "gone":
			continue
		case "quarantined":
			e.found(diagnosisObject{Name: "quarantined", Severity: warn, Participant: name, Text: e.quarantine(name),
				Todo: "docs/operations.md, A participant was replaced; txc list --participant " + name + " has the branches that it had acknowledged"})
		}
		conn, err := dial(e.c.Context, r.GetAddress(), e.s.patience)
		if e.c.Context.Err() != nil {
			return err
		}
		if err != nil {
			e.unreachable(name, r.GetAddress())
			continue
		}
		e.conns = append(e.conns, conn)
		m := member{txcpb.NewParticipantClient(conn), e.s, name, &txcpb.Sender{
			Cluster: e.status.GetCluster(), Coordinator: e.status.GetCoordinator(), Epoch: e.status.GetEpoch(), Mark: e.status.GetMark()}}
		is, err := m.check(e.c.Context)
		if err != nil {
			e.unreachable(name, r.GetAddress())
			continue
		}
		e.o.Examined.Participants++
		if known := r.GetInstance(); len(bytes.Trim(known, "\x00")) > 0 && !bytes.Equal(is.GetInstance(), known) {
			e.found(diagnosisObject{Name: "store-replaced", Severity: warn, Participant: name,
				Text: fmt.Sprintf("its store is %x, and the one that was registered %x: it was emptied or replaced", is.GetInstance(), known),
				Todo: "bring its own store back; else docs/operations.md, A participant was replaced"})
		}
		if is.GetProtocolMax() == 0 { // one that does not know what a look is could take it for a hello
			e.untold(name)
			continue
		}
		e.sources[name] = m
	}
	return nil
}

func (e *examination) untold(name string) {
	e.found(diagnosisObject{Name: "untold", Severity: info, Participant: name, Text: "it does not tell of its proofs: nothing is said of what it has committed"})
}

func (e *examination) unreachable(name, address string) {
	if slices.Contains(e.o.Unreachable, name) {
		return
	}
	e.o.Unreachable = append(e.o.Unreachable, name)
	e.found(diagnosisObject{Name: "unreachable", Severity: warn, Participant: name, Text: "it could not be asked at " + address + ", or not to the end: nothing is said of what it holds", Todo: "start it, and ask again"})
}

// take adds what the comparison found.
func (e *examination) take(r reconcile.Result) {
	for _, f := range r.Findings {
		if f.Name == "mixed" || f.Name == "hazard" {
			e.odd[f.ID] = true
		}
		e.found(diagnosisObject{Name: f.Name, Severity: warn, Participant: f.Participant, ID: f.ID, Text: f.Text, Todo: f.Todo})
	}
	for _, name := range r.Unreachable {
		e.unreachable(name, "its address")
	}
	for _, name := range r.Untold {
		e.untold(name)
	}
	x := &e.o.Examined
	e.o.More, x.Transactions, x.Proofs, x.InDoubt, x.Unfinished = r.More, r.Shown, r.Proofs, r.InDoubt, r.Unfinished
}

// recorded adds the branches against a decision that the log has recorded and no operator has acknowledged.
func (e *examination) recorded() error {
	for page := ""; ; {
		ctx, cancel := e.s.bounded(e.c.Context)
		reply, err := e.s.Operator.List(ctx, &txcpb.ListRequest{States: []string{"mixed"}, Limit: pageOdd, Page: page})
		cancel()
		if err != nil {
			return err
		}
		for _, t := range reply.GetTransactions() {
			d := diagnosisObject{Name: heuristicText(t.GetTx().GetHeuristic()), Severity: warn, ID: t.GetTx().GetId()}
			switch {
			case len(t.GetWaitsFor()) == 0:
				e.o.Examined.Acknowledged++
			case e.odd[d.ID]:
			case len(e.o.Findings) >= maxOdd:
				e.o.More++
			default:
				d.Text = "decided as " + outcomeText(t.GetTx().GetOutcome()) + ", and not so everywhere: " + branchWords(t)
				d.Todo = "txc show " + d.ID + "; repair by hand, then txc acknowledge " + d.ID + " --reason WHY"
				e.found(d)
			}
		}
		if page = reply.GetNextPage(); page == "" {
			return nil
		}
	}
}

// Bounds of what is listed.
const (
	pageOdd = 500
	maxOdd  = 2000
)

// member is a participant, asked directly.
type member struct {
	txcpb.ParticipantClient
	s    *server
	name string
	from *txcpb.Sender
}

func (m member) check(ctx context.Context) (*txcpb.CheckReply, error) {
	ctx, cancel := m.s.bounded(ctx)
	defer cancel()
	return m.Check(ctx, &txcpb.CheckRequest{From: m.from})
}

func (m member) look(ctx context.Context, page string, proofs uint32) (*txcpb.RecoverReply, error) {
	ctx, cancel := m.s.bounded(ctx)
	defer cancel()
	reply, err := m.Recover(ctx, &txcpb.RecoverRequest{From: m.from, Participant: m.name, Look: true, Page: page, Proofs: proofs})
	if err != nil {
		return nil, rpc.FromStatus(err)
	}
	return reply, nil
}

// InDoubt implements reconcile.Participant.
func (m member) InDoubt(ctx context.Context) (all []*txcpb.InDoubt, err error) {
	for page := ""; ; {
		reply, err := m.look(ctx, page, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, reply.GetInDoubt()...)
		next := reply.GetNextPage()
		if next == "" {
			return all, nil
		}
		if next == page || len(all) > maxDoubts {
			return nil, fmt.Errorf("%s lists without end", m.name)
		}
		page = next
	}
}

// maxDoubts is more than any store can promise.
const maxDoubts = 1 << 20

// Proofs implements reconcile.Participant.
func (m member) Proofs(ctx context.Context, from string, n uint32) (all []string, next string, told bool, err error) {
	reply, err := m.look(ctx, from, n)
	if err != nil {
		return nil, "", false, err
	}
	return reply.GetCommitted(), reply.GetNextPage(), reply.GetProofsTold(), nil
}

func (p *program) writeReconcile(o reconcileObject) error {
	s, x := p.sheet(), o.Examined
	s.line("compared: %d participants; %d transactions that they or the coordinator show: %d proofs, %d branches in doubt, %d unfinished", x.Participants, x.Transactions, x.Proofs, x.InDoubt, x.Unfinished)
	if x.Acknowledged > 0 {
		s.line("  %d mixed transactions, or hazards, were acknowledged by an operator", x.Acknowledged)
	}
	s.diagnoses(o.Findings)
	if o.More > 0 {
		s.line("and %d more", o.More)
	}
	if o.Clean {
		s.line("nothing contradicts the log")
	}
	return s.done()
}
