package coordinator

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// oddAbort is an aborted transaction with a branch that committed all the same, or cannot tell (H4): *aborted, mixed*,
// until an operator acknowledges it.
type oddAbort struct {
	id       txc.ID
	mark     uint64
	branches []oddBranch
}

type oddBranch struct {
	participant string
	fate        txc.Fate
	why         txc.Reason
	durable     bool
	excused     bool
	then        []func()
}

// shown reports whether it may be told of: durably first (H1).
func (o *oddAbort) shown() bool {
	return slices.ContainsFunc(o.branches, func(b oddBranch) bool { return b.durable })
}

// excused reports whether an operator has acknowledged all of it.
func (o *oddAbort) excused() bool {
	return !slices.ContainsFunc(o.branches, func(b oddBranch) bool { return !b.excused })
}

func (o *oddAbort) heuristic() (h Heuristic) {
	for _, b := range o.branches {
		if b.durable {
			h = max(h, heuristicOf(b.fate))
		}
	}
	return h
}

func (c *Core) restoreOdd(u wal.Unfinished) {
	if len(u.Heuristics) == 0 {
		return
	}
	id := u.Heuristics[0].ID
	o := &oddAbort{id: id}
	for _, r := range u.Heuristics {
		b := r.Body.(wal.HeuristicBody)
		o.mark = b.Mark
		o.branches = append(o.branches, oddBranch{participant: b.Participant, fate: b.Fate, why: b.Why, durable: true})
	}
	c.odd[id] = o
}

// recordOdd makes H4's record; the participant hears of it once it is durable.
func (c *Core) recordOdd(p *peer, id txc.ID, mark uint64, q protocol.Inquiry, say func(protocol.Answer)) {
	o := c.odd[id]
	if o == nil {
		if len(c.odd) >= maxOdd {
			say(protocol.Answer{Outcome: txc.Aborted}) // not recorded: it goes on reporting
			return
		}
		o = &oddAbort{id: id, mark: mark}
		c.odd[id] = o
	}
	i := slices.IndexFunc(o.branches, func(b oddBranch) bool { return b.participant == p.name })
	tell := func() {
		say(protocol.Answer{Outcome: txc.Aborted, Recorded: true, Acknowledged: o.branches[i].excused})
	}
	if i >= 0 {
		switch b := &o.branches[i]; {
		case b.durable:
			tell()
		case len(b.then) < maxThen:
			b.then = append(b.then, tell)
		default:
			say(protocol.Answer{Outcome: txc.Aborted})
		}
		return
	}
	i = len(o.branches)
	o.branches = append(o.branches, oddBranch{participant: p.name, fate: q.Settled, why: reasonOf(p, q.Why), then: []func(){tell}})
	body := wal.HeuristicBody{Outcome: txc.Aborted, Mark: mark, Participant: p.name, Fate: q.Settled, Why: o.branches[i].why}
	c.append(wal.New(id, c.w.Now, body), done{call: func(c *Core, _ uint64) {
		b := &o.branches[i]
		b.durable = true
		c.against(id, body)
		waiting := b.then
		b.then = nil
		for _, f := range waiting {
			f()
		}
	}})
}

// excuse takes an operator's acknowledgement. Who still asks about it hears so; after a while it is forgotten.
func (c *Core) excuse(o *oddAbort) {
	for i := range o.branches {
		o.branches[i].excused = o.branches[i].excused || o.branches[i].durable
	}
	c.excused.push(o.id)
	for c.excused.len() > maxExcused {
		if old := c.odd[c.excused.pop()]; old != nil && old.excused() {
			delete(c.odd, old.id)
		}
	}
}

func (c *Core) oddIDs() []txc.ID {
	ids := make([]txc.ID, 0, len(c.odd))
	for id := range c.odd {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, txc.ID.Compare)
	return ids
}
