package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// result is what may be told of a transaction in memory. C1: *committed* only from Committing on.
func (c *Core) result(l *live) Result {
	r := Result{ID: l.id, Mark: l.mark, Key: l.key, Outcome: l.tx.Decided, Age: l.age, Reason: l.reason, Replayed: l.recovered}
	decided := l.tx.Decided == txc.Committed
	if decided {
		r.Reason = txc.Reason{}
		r.Applied = l.tx.Phase >= protocol.Ending && l.tx.Missing() == 0 && !l.tx.Mixed()
	}
	for i := range l.branches {
		b := &l.branches[i]
		br := BranchResult{Participant: b.peer.name, Vote: b.vote, State: l.branchState(i), Reason: b.reason}
		if decided {
			br.Results = b.results
		}
		r.Branches = append(r.Branches, br)
		if l.tx.Odd.Has(i) || l.tx.Excused.Has(i) {
			r.Heuristic = max(r.Heuristic, heuristicOf(b.fate))
		}
	}
	return r
}

// resultAs is the result as the machine's reply puts it.
func (c *Core) resultAs(l *live, k protocol.ReplyKind) Result {
	r := c.result(l)
	r.Applied = k == protocol.ReplyApplied || k == protocol.ReplyNothingWritten
	return r
}

func heuristicOf(f txc.Fate) Heuristic {
	if f == txc.Hazard || f == txc.NeverPrepared {
		return Hazardous // it promised, and has no trace of that: nobody can tell
	}
	return Mixed
}

// branchState is the word for a branch that people see.
func (l *live) branchState(i int) string {
	b, t := &l.branches[i], l.tx
	switch {
	case t.Odd.Has(i) || t.Excused.Has(i):
		if heuristicOf(b.fate) == Hazardous {
			return "hazard"
		}
		return "heuristic-aborted"
	case t.Acked.Has(i) && b.peer.quarantined():
		return "hazard" // its store is not the one that acknowledged (C13)
	case t.Acked.Has(i):
		return "committed"
	case t.Decided == txc.Committed && t.Members().Has(i) && !b.peer.ready:
		return "unreachable"
	case t.Members().Has(i) && t.Decided != txc.Aborted && t.Phase != protocol.Ended:
		return "in-doubt"
	case b.vote == txc.ReadOnly || t.Held.Has(i) && t.Decided == txc.Committed:
		return "read-only"
	case t.Decided == txc.Aborted:
		return "aborted"
	case t.Phase == protocol.Voting:
		return "preparing"
	default:
		return "working"
	}
}

var phaseStates = map[protocol.Phase]string{
	protocol.Open: "working", protocol.Voting: "voting", protocol.Deciding: "deciding",
	protocol.Committing: "committing", protocol.Ending: "ending", protocol.Ended: "ended", protocol.Stopped: "deciding",
}

func (c *Core) detail(l *live) Detail {
	d := c.summary(l)
	d.Timeline = l.timeline()
	return d
}

// summary is a detail without its timeline.
func (c *Core) summary(l *live) Detail {
	return Detail{Result: c.result(l), State: phaseStates[l.tx.Phase], Began: l.began, Ended: l.ended, Labels: l.labels,
		Partial: l.recovered, WaitsFor: l.waitsFor(), Blocks: l.blocks()}
}

func (l *live) waitsFor() []string {
	var all []string
	for i := range l.branches {
		b := &l.branches[i]
		switch {
		case l.tx.Phase == protocol.Voting && b.vote == 0:
			all = append(all, "the vote of "+b.peer.name)
		case l.tx.Decided == txc.Committed && l.tx.Missing().Has(i):
			all = append(all, "the acknowledgement of "+b.peer.name)
		case l.tx.Odd.Has(i):
			all = append(all, "an operator: the branch at "+b.peer.name+" stands against the decision, or nobody can tell (txc acknowledge)")
		}
	}
	if l.tx.Phase == protocol.Deciding {
		all = append(all, "the log")
	}
	return all
}

func (c *Core) participants() []Participant {
	all := make([]Participant, 0, len(c.byName))
	for _, p := range c.byName {
		if p.reg.State != "" {
			all = append(all, Participant{Peer: p.public(), State: p.state(), Load: p.load})
		}
	}
	return all
}

func (c *Core) status() Status {
	s := Status{Software: c.o.Software, Cluster: c.cluster, Number: c.number, Epoch: c.epoch, Mark: c.mark, LSN: c.head,
		State: "serving", Live: len(c.live), DiskLow: c.w.Low, Floor: c.w.Floor, Started: c.opened,
		Timeout: c.o.Timeout, MaxTimeout: c.o.MaxTimeout, MaxLive: c.o.MaxLive, MaxQueue: c.o.MaxQueue}
	for l := c.order.first; l != nil; l = l.next {
		if l.tx.Phase == protocol.Committing || l.tx.Phase == protocol.Ending && len(l.waitsFor()) > 0 {
			s.InDoubt++
		}
	}
	for _, proof := range c.stopped {
		s.State = "refusing"
		s.WaitingFor = append(s.WaitingFor, proof.Text)
	}
	for _, p := range c.byName {
		switch {
		case p.quarantined():
			s.WaitingFor = append(s.WaitingFor, p.name+" is quarantined: "+p.reg.Why)
		case !p.counts() && p.reg.State == wal.StateActive:
			s.WaitingFor = append(s.WaitingFor, p.name+" has not been heard")
		}
	}
	for _, p := range c.presumedIDs() {
		if len(s.WaitingFor) >= maxShown {
			break
		}
		s.WaitingFor = append(s.WaitingFor, c.presumed[p].words())
	}
	switch {
	case s.State == "refusing":
	case c.drain:
		s.State = "draining"
	case c.w.Low:
		s.State = "waiting"
		s.WaitingFor = append(s.WaitingFor, "free space on the log's disk")
	}
	return s
}

// maxShown bounds the lines that a status has.
const maxShown = 64

func (c *Core) changed(l *live) {
	if c.watching {
		c.out.Changed = append(c.out.Changed, c.detail(l))
	}
}
