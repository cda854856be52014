package participant

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// A coordinator asks for what is in doubt here, and for the markers above its watermark, in pages (P9, C6, C9). A first
// page looks into the store; the others are of what was found then.

// Bounds of a page.
const (
	pageBranches = 500       // in-doubt branches: each may name 64 members
	pageMarkers  = 5000      // markers
	pageBytes    = 200 << 10 // of both, about: a link takes no larger message than 300 KiB
	markerBytes  = 48        // of a marker, with room to spare
	branchBytes  = 96        // of a branch, but its members, evidence and reason
)

// sizeOf is about what a branch takes in a page.
func sizeOf(d *InDoubt) int {
	n := branchBytes + len(d.Evidence) + len(d.Why.Text) + len(d.Why.Participant)
	for _, m := range d.Members {
		n += len(m) + 2
	}
	return n
}

// listing is what was found for the last first page.
type listing struct {
	number    uint64 // of the call that found it: part of a page's name
	inDoubt   []InDoubt
	committed []Proof
}

func (c *Core) list(p *peer, session uint64, page string) {
	var number uint64
	var branches, markers int
	if _, err := fmt.Sscanf(page, "%d.%d.%d", &number, &branches, &markers); err == nil &&
		number == p.listing.number && branches >= 0 && branches <= len(p.listing.inDoubt) && markers >= 0 && markers <= len(p.listing.committed) {
		c.page(p, session, branches, markers)
		return
	}
	if p.lists >= maxLists {
		p.listFor = session // the last who asked: whoever asked before has gone
		return
	}
	p.lists++
	c.look(p, flight{session: session})
}

// listAsked is the same for a person. However many look, the coordinator's own list does not wait for them.
func (c *Core) listAsked(ev ListAsked) {
	p := c.peer(ev.Coordinator)
	if p.looks >= maxLists {
		c.answer(Answer{Token: ev.Token, Err: fmt.Errorf("%w: %d others are being told what is in doubt: ask again", txc.ErrBusy, p.looks)})
		return
	}
	p.looks++
	c.look(p, flight{token: ev.Token})
}

func (c *Core) look(p *peer, f flight) {
	from := p.passed.Below
	if from.IsZero() {
		from = txc.ID{Coordinator: p.number}
	}
	if len(p.passed.Open) > 0 { // what is listed below the watermark may have left a marker too
		from = p.passed.Open[0]
	}
	f.deed, f.number = DeedList, p.number
	c.launch(Call{Deed: DeedList, Below: from}, f)
}

// listedBy takes what the store found.
func (c *Core) listedBy(p *peer, f flight, d Done) {
	if f.token != 0 {
		p.looks--
	} else {
		p.lists--
	}
	if session := p.listFor; session != 0 && p.lists < maxLists {
		p.listFor = 0
		c.list(p, session, "")
	}
	switch {
	case d.Err != nil && f.token != 0:
		c.answer(Answer{Token: f.token, Err: fmt.Errorf("list: %w", d.Err)})
		return
	case d.Err != nil:
		c.out.Troubles = append(c.out.Troubles, Trouble{Text: "list: " + d.Err.Error()})
		return // no answer: half a list is none
	}
	c.compare(p, d)
	c.takeUp(p, d)
	other := func(id txc.ID) bool { return id.Coordinator != p.number }
	d.InDoubt = slices.DeleteFunc(d.InDoubt, func(b InDoubt) bool { return other(b.ID) })
	d.Committed = slices.DeleteFunc(d.Committed, func(m Proof) bool {
		lv := c.branches[key(m)] // the marker of one that was settled by hand proves no decision (C6)
		return other(m.ID) || p.passed.Has(m.ID) || lv != nil && lv.machine.Phase == protocol.Settled
	})
	inDoubt := c.overlay(p, d.InDoubt)
	if f.token != 0 {
		c.answer(Answer{Token: f.token, Branches: inDoubt})
		return
	}
	p.listing = listing{number: d.N, inDoubt: inDoubt, committed: d.Committed}
	c.page(p, f.session, 0, 0)
}

// overlay adds what only memory knows: how a branch was settled by the store's own word, or that nobody can tell.
func (c *Core) overlay(p *peer, found []InDoubt) []InDoubt {
	for _, lv := range c.liveOf(p.number) {
		how := settled(lv.machine)
		if how == 0 {
			continue
		}
		i := slices.IndexFunc(found, func(d InDoubt) bool { return key{d.ID, d.Mark} == lv.key })
		if i < 0 {
			i = len(found)
			found = append(found, InDoubt{
				ID: lv.ID, Mark: lv.Mark, Evidence: lv.evidence, Since: c.conf.Started.Add(lv.since), Members: lv.store.Members, Age: lv.store.Age,
			})
		}
		found[i].Settled, found[i].Why = how, lv.why
	}
	return found
}

func (c *Core) page(p *peer, session uint64, branches, markers int) {
	all := p.listing
	b, m, room := branches, markers, pageBytes
	for b < min(branches+pageBranches, len(all.inDoubt)) && (b == branches || room >= sizeOf(&all.inDoubt[b])) {
		room -= sizeOf(&all.inDoubt[b])
		b++
	}
	if b == len(all.inDoubt) {
		m += max(0, min(pageMarkers, room/markerBytes, len(all.committed)-markers))
	}
	next := ""
	if b < len(all.inDoubt) || m < len(all.committed) {
		next = fmt.Sprintf("%d.%d.%d", all.number, b, m)
	}
	c.send(session, Message{Body: protocol.Listed{
		InDoubt: all.inDoubt[branches:b], Committed: all.committed[markers:m], Next: next, Seen: c.witnesses(false),
	}})
	if next == "" {
		p.listing = listing{}
	}
}

// compare looks for promises that the store has lost: not in two listings in a row, though nothing was done to them.
func (c *Core) compare(p *peer, d Done) {
	shown := make(map[key]bool, len(d.InDoubt))
	for _, b := range d.InDoubt {
		shown[key{b.ID, b.Mark}] = true
	}
	proved := make(map[key]bool, len(d.Committed))
	for _, m := range d.Committed {
		proved[key(m)] = true
	}
	for _, lv := range c.liveOf(p.number) {
		if lv.machine.Phase != protocol.Promised || lv.touched > d.N {
			continue
		}
		if shown[lv.key] {
			lv.missed = 0
			continue
		}
		if lv.missed++; lv.missed < 2 {
			continue
		}
		lost := protocol.PromiseLost{}
		if proved[lv.key] {
			lost.Known = txc.Committed
		}
		lv.why = c.reason(txc.CodeStore, "the store no longer has the promise")
		c.feed(lv, lost)
	}
}

// takeUp takes over promises that the store shows and nobody here knows: they landed late, when memory had forgotten
// their branch, or while this start was looking elsewhere. One that is shown once may have ended since; one that is shown
// again by a listing that began after that is there, and nothing else would ever end it. A settlement is taken up though a
// tomb knows of its branch: what was to write it or to drop it failed (H4).
func (c *Core) takeUp(p *peer, d Done) {
	shown := map[key]uint64{}
	for _, b := range d.InDoubt {
		k := key{b.ID, b.Mark}
		if b.ID.Coordinator != p.number || c.branches[k] != nil || c.find(k) != nil && !settledAs(b.Settled).Decided() {
			continue
		}
		before, again := p.strangers[k]
		switch {
		case !again:
			shown[k] = c.lastCall
		case d.N > before:
			c.restore(b)
		default:
			shown[k] = before
		}
	}
	p.strangers = shown
}
