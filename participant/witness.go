package participant

import (
	"cmp"
	"maps"
	"slices"

	"github.com/txc-dev/txc/internal/protocol"
)

// What the agent's notebook in the store is for: witnesses (C6) and the fence (P6).

// witnesses lists what was seen of every coordinator, by number and epoch: with pending, what is not durable too.
func (c *Core) witnesses(pending bool) []Seen {
	var all []Seen
	for _, p := range c.peers {
		if pending {
			all = append(all, p.witnesses...)
		} else {
			all = append(all, p.showable()...)
		}
	}
	slices.SortFunc(all, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(a.Coordinator, b.Coordinator), cmp.Compare(a.Epoch, b.Epoch))
	})
	return all
}

// remember writes every witness, unless they are being written; then again afterwards, if that did not do.
func (c *Core) remember() {
	if c.keeping {
		return
	}
	c.keeping = true
	seen := c.witnesses(true)
	c.launch(Call{Deed: DeedRemember, Seen: seen}, flight{deed: DeedRemember, seen: seen})
}

func (c *Core) remembered(f flight, d Done) {
	c.keeping = false
	if d.Err != nil {
		c.out.Troubles = append(c.out.Troubles, Trouble{Text: "remember: " + d.Err.Error()})
	} else {
		c.keep(f.seen)
	}
	again := false
	for _, p := range c.byNumber() {
		if p.pending && p.kept.Highest().Stand(p.seen().Epoch, p.seen().Mark) == protocol.Current {
			p.pending = false
			c.settleDown(p)
		}
		again = again || p.pending
		if !slices.Equal(p.kept, p.witnesses) {
			c.dirty(p)
		}
	}
	if again && d.Err == nil {
		c.remember()
	}
}

// keep notes what is durable now: seen is in the order of witnesses.
func (c *Core) keep(seen []Seen) {
	for len(seen) > 0 {
		n := 1
		for n < len(seen) && seen[n].Coordinator == seen[0].Coordinator {
			n++
		}
		c.peer(seen[0].Coordinator).kept = seen[:n:n]
		seen = seen[n:]
	}
}

// byNumber lists the coordinators in an order that depends on nothing else.
func (c *Core) byNumber() []*peer {
	all := slices.Collect(maps.Values(c.peers))
	slices.SortFunc(all, func(a, b *peer) int { return cmp.Compare(a.number, b.number) })
	return all
}

// dirty sees to it that the store hears of a moved witness or watermark, now and then.
func (c *Core) dirty(p *peer) {
	if p.chore.place == 0 {
		c.timers.arm(&p.chore, c.now+choresEvery)
	}
}

// chores are what is written now and then: neither decides anything.
func (c *Core) chores(p *peer) {
	if !slices.Equal(p.kept, p.witnesses) {
		c.remember()
	}
	c.forget(p)
}

// forget tells the store what it may drop (P5).
func (c *Core) forget(p *peer) {
	if p.forgets || p.passed.Below.IsZero() || p.passed.Below == p.forgot.Below && slices.Equal(p.passed.Open, p.forgot.Open) {
		return
	}
	p.forgets, p.forgot = true, p.passed
	c.launch(Call{Deed: DeedForget, Below: p.passed.Below, But: p.passed.Open}, flight{deed: DeedForget, number: p.number})
}

func (c *Core) forgotten(p *peer, d Done) {
	p.forgets = false
	if d.Err != nil {
		c.out.Troubles = append(c.out.Troubles, Trouble{Text: "forget: " + d.Err.Error()})
		p.forgot = protocol.Passed{}
	}
	c.dirty(p)
}
