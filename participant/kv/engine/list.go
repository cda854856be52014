package engine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Memory is the notebook (C6), with the last stamp that is durable: a higher one that a crash took back would make the
// store look like an old copy of itself (P12).
func (c *Core) Memory() participant.Memory {
	m := c.mem
	m.Stamp, m.Seen = c.stamp, slices.Clone(m.Seen)
	return m
}

// Stamp is the last one that is durable.
func (c *Core) Stamp() uint64 { return c.stamp }

// InDoubt lists the promised branches, and the settled ones that were not reconciled, by id.
func (c *Core) InDoubt() []participant.InDoubt {
	var all []participant.InDoubt
	for _, b := range c.sorted() {
		if d, ok := b.inDoubt(); ok {
			all = append(all, d)
		}
	}
	return all
}

func (b *branch) inDoubt() (participant.InDoubt, bool) {
	if b.state != promised && b.state != ending && b.state != settled {
		return participant.InDoubt{}, false
	}
	n := b.intent
	d := participant.InDoubt{
		ID: b.name.ID, Mark: b.name.Mark, Evidence: n.Evidence, Since: n.Since, Members: n.Members, Age: n.Age,
	}
	if s := n.Settled; s != nil {
		d.Settled = settledFate(s)
		d.Why = txc.Reason{Code: txc.CodeOperator, Text: fmt.Sprintf("%s by %s at %s: %s", s.Outcome, s.Who, s.When.UTC().Format("2006-01-02 15:04:05"), s.Why)}
	}
	return d, true
}

// Work gives the work of an opaque store's branch that promised, or was settled as committed and not handed over; nil if
// there is none. The bytes never change.
func (c *Core) Work(name Name) []byte {
	b := c.branches[name]
	if b == nil || b.state != promised && b.state != settled {
		return nil
	}
	return b.intent.Work
}

// Committed lists the branches at or above from that provably committed by a decision, by id.
func (c *Core) Committed(from txc.ID) []participant.Proof {
	var all []participant.Proof
	i, _ := c.proofs.search(Name{ID: from})
	for _, p := range c.proofs.list[i:] {
		if p.fate == txc.CommittedBefore && !p.hand {
			all = append(all, participant.Proof{ID: p.name.ID, Mark: p.name.Mark})
		}
	}
	return all
}

// Held is a lock as it is shown to people.
type Held struct {
	Key  []byte
	Mode Mode
	By   []Name
}

// Locks lists the locks that are held, by key.
func (c *Core) Locks() []Held {
	var all []Held
	for _, key := range slices.Sorted(maps.Keys(c.locks.keys)) {
		l := c.locks.keys[key]
		h := Held{Key: []byte(key), Mode: l.mode}
		for _, o := range l.holders {
			h.By = append(h.By, o.Age.Name)
		}
		all = append(all, h)
	}
	return all
}

// Stats are counts for Check.
type Stats struct {
	InDoubt, Locks, Waiting, Branches int
	Proofs                            int
	Staged                            int // bytes
	Oldest                            participant.InDoubt
}

// Stats counts what is there.
func (c *Core) Stats() Stats {
	s := Stats{Locks: c.locks.Held(), Waiting: c.locks.Waiting(), Branches: len(c.branches), Proofs: len(c.proofs.list), Staged: c.staged}
	for _, d := range c.InDoubt() {
		if s.InDoubt == 0 || d.Since.Before(s.Oldest.Since) {
			s.Oldest = d
		}
		s.InDoubt++
	}
	return s
}
