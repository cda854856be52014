package engine

import (
	"slices"

	"github.com/txc-dev/txc"
)

// proofs remembers how branches ended (P7), as the store does in its journal and its t rows. What the coordinators' watermarks allow
// to remain bounds it (P5).
type proofs struct {
	list []proof // by name
	gone []Name  // forgotten here, still in a row of their own
}

type proof struct {
	name Name
	fate txc.Fate // CommittedBefore or AbortedBefore
	hand bool     // an operator's doing
	home uint64   // the journal's row that holds it; 0: it has a row of its own
}

func (p *proofs) search(name Name) (int, bool) {
	if n := len(p.list); n > 0 && p.list[n-1].name.Compare(name) < 0 {
		return n, false // most come in order
	}
	return slices.BinarySearchFunc(p.list, name, func(x proof, n Name) int { return x.name.Compare(n) })
}

func (p *proofs) find(name Name) (txc.Fate, bool) {
	i, ok := p.search(name)
	if !ok {
		return 0, false
	}
	return p.list[i].fate, true
}

// add takes up a proof in the place of an older one, and tells where that one stood.
func (p *proofs) add(x proof) (was uint64) {
	i, ok := p.search(x.name)
	if ok {
		was, p.list[i] = p.list[i].home, x
		return was
	}
	p.list = slices.Insert(p.list, i, x)
	return 0
}

// prove takes up a proof.
func (c *Core) prove(x proof) {
	if x.home != 0 {
		c.journal.holds(x.home)
	}
	c.journal.lets(c.proofs.add(x))
}

// forget drops the proofs of below's coordinator under it, save those of but.
func (p *proofs) forget(below txc.ID, but []txc.ID, j *journal) {
	from, _ := p.search(Name{ID: txc.ID{Coordinator: below.Coordinator}})
	to, _ := p.search(Name{ID: below})
	if from >= to {
		return
	}
	kept := slices.Clone(but)
	slices.SortFunc(kept, txc.ID.Compare)
	keep := from
	for _, x := range p.list[from:to] {
		if _, ok := slices.BinarySearchFunc(kept, x.name.ID, txc.ID.Compare); ok {
			p.list[keep] = x
			keep++
			continue
		}
		if j.lets(x.home); x.home == 0 {
			p.gone = append(p.gone, x.name)
		}
	}
	p.list = slices.Delete(p.list, keep, to)
}

func (p *proofs) dropping() bool { return len(p.gone) > 0 }

// drop hands out at most n names whose rows are to be removed.
func (p *proofs) drop(n int) []Name {
	n = min(n, len(p.gone))
	names := slices.Clone(p.gone[:n])
	p.gone = slices.Delete(p.gone, 0, n)
	return names
}

func (c *Core) forget(e *Forget) { c.proofs.forget(e.Below, e.But, &c.journal) }
