package coordinator

import (
	"slices"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// presumption is an abort that was presumed although some members had not been heard: recorded first, and checked when
// they come back (C6).
type presumption struct {
	id      txc.ID
	mark    uint64
	absent  []string // not heard since
	durable bool
	guess   bool // only clients asked
	then    []func(ok bool)
}

// presume calls then(true) once it may be presumed that id, of an older opening and without a record, aborted: every
// member is heard, or the time to wait for the others is over and that was recorded. Else then(false), and the asker
// comes again. No members: every participant counts.
func (c *Core) presume(id txc.ID, known protocol.Known, members []string, then func(ok bool)) {
	mark, ever := c.openings.MarkOf(id.Epoch)
	if known.Disowned || len(c.stopped) > 0 {
		then(false)
		return
	}
	guess := members == nil
	if !possible(members) {
		members = nil
	}
	absent := c.absent(members)
	if len(absent) == 0 {
		then(true)
		return
	}
	if p := c.presumed[id]; p != nil {
		switch {
		case p.durable:
			then(true)
		case len(p.then) < maxThen:
			p.then = append(p.then, then)
		default:
			then(false)
		}
		return
	}
	if !ever || c.o.PresumeAfter < 0 || c.w.Now.Sub(c.opened) < c.o.PresumeAfter || len(c.presumed) >= maxPresumed || guess && c.guesses >= maxGuesses {
		then(false)
		return
	}
	p := &presumption{id: id, mark: mark, absent: absent, guess: guess, then: []func(bool){then}}
	c.presumed[id] = p
	if guess {
		c.guesses++
	}
	body := wal.PresumedBody{Mark: mark, Absent: absent}
	c.append(wal.New(id, c.w.Now, body), done{call: func(c *Core, _ uint64) {
		p.durable = true
		waiting := p.then
		p.then = nil
		for _, f := range waiting {
			f(len(c.stopped) == 0)
		}
		c.settlePresumption(p)
	}})
}

// possible reports whether these can be the members of a transaction. Others are taken for unknown, the careful belief:
// the log would refuse to name them (C3).
func possible(members []string) bool {
	return len(members) <= txc.MaxBranches &&
		!slices.ContainsFunc(members, func(name string) bool { return txc.CheckParticipant(name) != nil })
}

// absent are the members that this opening has not heard, and cannot do without.
func (c *Core) absent(members []string) []string {
	var names []string
	if len(members) == 0 {
		for _, p := range c.byName {
			if !p.counts() {
				names = append(names, p.name)
			}
		}
		return names
	}
	for _, name := range members {
		if p := c.peers[name]; p == nil || !p.counts() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkPresumed is called when a participant was heard: what it showed was contained, so what was presumed without it
// was right as far as it goes.
func (c *Core) checkPresumed() {
	for _, id := range c.presumedIDs() {
		c.settlePresumption(c.presumed[id])
	}
}

// presumedIDs are those that may be told of, ascending.
func (c *Core) presumedIDs() []txc.ID {
	ids := make([]txc.ID, 0, len(c.presumed))
	for id, p := range c.presumed {
		if p.durable {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, txc.ID.Compare)
	return ids
}

func (p *presumption) words() string {
	return p.id.String() + " was presumed aborted without " + strings.Join(p.absent, ", ") + ": to be checked when it is back"
}

func (p *presumption) detail() Detail {
	d := Detail{State: "ended", Partial: true, WaitsFor: []string{p.words()},
		Result: Result{ID: p.id, Mark: p.mark, Outcome: txc.Aborted, Presumed: true}}
	for _, name := range p.absent {
		d.Branches = append(d.Branches, BranchResult{Participant: name, State: "unreachable"})
	}
	return d
}

func (c *Core) settlePresumption(p *presumption) {
	p.absent = slices.DeleteFunc(p.absent, func(name string) bool {
		q := c.peers[name]
		return q != nil && q.counts()
	})
	if !p.durable || len(p.absent) > 0 || c.presumed[p.id] != p {
		return
	}
	delete(c.presumed, p.id)
	if p.guess {
		c.guesses--
	}
	c.append(wal.New(p.id, c.w.Now, wal.PresumedBody{Mark: p.mark, Checked: true}), done{})
}
