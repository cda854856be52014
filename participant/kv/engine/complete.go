package engine

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// settledAs is a branch's intent once an operator has ended it: no locks any more, and no work but what is still to be handed over.
func (b *branch) settledAs(s *participant.Settlement) *Intent {
	n := *b.intent
	n.Writes, n.Reads, n.Settled = nil, nil, s
	if s.Outcome == txc.Aborted {
		n.Work = nil
	}
	return &n
}

// handedOver is a settled branch's intent without its work.
func (b *branch) handedOver() *Intent {
	n := *b.intent
	n.Work = nil
	return &n
}

// complete does what the durable batch allows: only now anybody hears of it, and locks go (P1, P11).
func (c *Core) complete(ticket uint64) {
	if !c.flying(ticket) {
		return
	}
	c.stamp = c.sealed
	number := c.journal.next()
	c.journal.written()
	out := c.out
	c.out = nil
	for _, t := range out {
		c.done(t, number)
	}
	c.moveDone()
	clear(out)
	c.out = out[:0]
}

func (c *Core) flying(ticket uint64) bool {
	if !c.flight || ticket != c.batch.Ticket {
		c.fail(fmt.Errorf("completion of batch %d, which is not being written", ticket))
		return false
	}
	c.flight = false
	return true
}

// done completes one task of the batch whose row of the journal has the number.
func (c *Core) done(t task, number uint64) {
	b := t.b
	switch t.kind {
	case taskPromise:
		if packedLen(b.row) > 0 {
			b.home = number
			c.journal.holds(number)
		}
		if len(b.undo) > 0 {
			c.unpromise(b)
			return
		}
		c.move(b, promised)
		c.answer(b.asked, participant.Reply{Promise: b.promise()})
		b.asked, b.results = 0, nil
	case taskApply:
		c.journal.lets(b.home)
		c.prove(proof{name: b.name, fate: txc.CommittedBefore, home: number})
		c.fate(t.n, txc.CommittedNow)
		c.end(b)
	case taskUndo:
		c.journal.lets(b.home)
		if b.asked != 0 {
			c.no(b.asked, reason(txc.CodeCancelled, "aborted while it promised"))
		}
		for _, n := range b.undo {
			c.fate(n, txc.AbortedNow)
		}
		c.end(b)
	case taskSettle:
		c.settledDone(t)
	case taskReconcile:
		if f := settledFate(b.intent.Settled); f == txc.AbortedBefore {
			c.prove(proof{name: b.name, fate: f, hand: true})
		}
		c.end(b)
		c.answer(t.n, participant.Reply{})
	case taskShed:
		b.intent = b.handedOver()
		c.move(b, settled)
		c.again = append(c.again, b.later...)
		b.later = nil
		c.answer(t.n, participant.Reply{})
	case taskRemember:
		c.answer(t.n, participant.Reply{})
	}
}

func (c *Core) settledDone(t task) {
	b := t.b
	if t.settled.Outcome == txc.Committed {
		c.prove(proof{name: b.name, fate: txc.CommittedBefore, hand: true})
	}
	c.journal.lets(b.home)
	b.home = 0
	b.intent = b.settledAs(t.settled)
	c.release(b)
	c.move(b, settled)
	c.again = append(c.again, b.later...)
	b.later = nil
	c.fx.Answers = append(c.fx.Answers, Answer{N: t.n, Done: true})
}

// uncomplete takes back a batch that was certainly not written: promises are refused, everything else is tried again.
func (c *Core) uncomplete(ticket uint64, err error) {
	if !c.flying(ticket) {
		return
	}
	again := make([]task, 0, len(c.out)+len(c.todo))
	for _, t := range c.out {
		switch t.kind {
		case taskPromise:
			c.refuse(t.b, reason(txc.CodeNotDurable, "the promise could not be written: %v", err))
		case taskRemember:
			c.answer(t.n, participant.Reply{Err: fmt.Errorf("remember: %w", err)})
		case taskApply, taskUndo, taskSettle, taskReconcile, taskShed:
			again = append(again, t)
		}
	}
	c.out = c.out[:0]
	c.todo = append(again, c.todo...)
	c.by, c.hold = c.now, c.now.Add(RetryDelay)
}
