package engine

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// commit applies a promised branch; of any other it tells what the store can prove (P7).
func (c *Core) commit(a *Ask, name Name) {
	b := c.branches[name]
	if b == nil {
		c.fate(a.N, c.proven(name, a.Request.Evidence))
		return
	}
	switch b.state {
	case promised:
		c.mem.Seen, _ = c.see(a.Request.Branch.Seen)
		c.move(b, ending)
		c.hurry = c.hurry || !a.Request.Relaxed
		c.add(task{kind: taskApply, b: b, n: a.N}, c.now.Add(c.o.ApplyDelay))
	case ending:
		c.wait(b, a)
	case settled:
		c.fate(a.N, settledFate(b.intent.Settled))
	case gone, opened, working, staged, issued: // nobody can have decided before the vote
		c.answer(a.N, participant.Reply{Err: errTwice})
	}
}

// proven is the answer to the Commit of a branch that is not in the store: evidence says that it once was (P7).
func (c *Core) proven(name Name, evidence []byte) txc.Fate {
	if f, ok := c.proofs.find(name); ok {
		return f
	}
	if len(evidence) > 0 {
		return txc.Hazard
	}
	return txc.NeverPrepared
}

// abort ends a branch that is not, or no longer, to commit.
func (c *Core) abort(a *Ask, name Name) {
	b := c.branches[name]
	if b == nil {
		f, _ := c.proofs.find(name)
		c.fate(a.N, abortFate(f))
		return
	}
	switch b.state {
	case opened, working, staged:
		b.undo = append(b.undo, a.N)
		c.refuse(b, reason(txc.CodeCancelled, "aborted before it had promised"))
	case issued: // only the write's result counts now; what it promises is undone then
		b.undo = append(b.undo, a.N)
	case promised:
		b.undo = append(b.undo, a.N)
		c.unpromise(b)
	case ending:
		c.wait(b, a)
	case settled:
		c.fate(a.N, abortFate(settledFate(b.intent.Settled)))
	case gone:
	}
}

// abortFate is what Abort is told where Commit would be told f.
func abortFate(f txc.Fate) txc.Fate {
	if f.Applied() {
		return txc.CommittedBefore
	}
	return txc.AbortedNow
}

func (c *Core) unpromise(b *branch) {
	c.move(b, ending)
	c.enqueue(task{kind: taskUndo, b: b}, c.now.Add(c.o.ApplyDelay))
}

// settle ends a promised branch by hand: compare-and-set on promised (H2).
func (c *Core) settle(e *Settle) {
	b := c.branches[e.Name]
	if !e.Settlement.Outcome.Decided() {
		c.answer(e.N, participant.Reply{Err: fmt.Errorf("%w: settle needs committed or aborted, not %v", txc.ErrInvalid, e.Settlement.Outcome)})
		return
	}
	if b != nil && b.state == ending {
		kept := *e
		b.later = append(b.later, &kept)
		return
	}
	if b == nil || b.state != promised {
		c.answer(e.N, participant.Reply{})
		return
	}
	c.move(b, ending)
	s := e.Settlement
	s.Who, s.Why = s.Who[:min(len(s.Who), maxWho)], s.Why[:min(len(s.Why), maxWhy)]
	c.enqueue(task{kind: taskSettle, b: b, n: e.N, settled: &s}, c.now)
}

// Bounds of what is kept of an operator's words, in bytes.
const (
	maxWho = 256
	maxWhy = 4096
)

// settledFate is how Commit hears of a settlement.
func settledFate(s *participant.Settlement) txc.Fate {
	if s.Outcome == txc.Committed {
		return txc.CommittedBefore
	}
	return txc.AbortedBefore
}

// reconcile drops a settlement; what the branch came to stays provable until it is forgotten.
func (c *Core) reconcile(e *Reconcile) {
	b := c.branches[e.Name]
	switch {
	case b != nil && b.state == ending:
		kept := *e
		b.later = append(b.later, &kept)
	case b != nil && b.state == settled:
		c.move(b, ending)
		c.enqueue(task{kind: taskReconcile, b: b, n: e.N}, c.now)
	default:
		c.answer(e.N, participant.Reply{})
	}
}

// shed drops the work of a settled branch: it was handed over.
func (c *Core) shed(e *Shed) {
	b := c.branches[e.Name]
	switch {
	case b != nil && b.state == ending:
		kept := *e
		b.later = append(b.later, &kept)
	case b != nil && b.state == settled && len(b.intent.Work) > 0:
		c.move(b, ending)
		c.enqueue(task{kind: taskShed, b: b, n: e.N}, c.now)
	default:
		c.answer(e.N, participant.Reply{})
	}
}

// remember makes witnesses durable, and with them all that was begun before (P6).
func (c *Core) remember(e *Remember) {
	list, ok := remembered(c.mem.Seen, e.Seen)
	if !ok {
		c.answer(e.N, participant.Reply{Err: fmt.Errorf("%w: more than %d openings of coordinators", txc.ErrInvalid, MaxWitnesses)})
		return
	}
	c.mem.Seen = list
	c.enqueue(task{kind: taskRemember, n: e.N}, c.now)
}
