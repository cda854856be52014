package engine

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// errTwice: the caller broke the contract, and is told nothing that it could rely on.
var errTwice = fmt.Errorf("%w: a request of this branch is running", txc.ErrInvalid)

// fail ends the core: what was asked and not answered has an unknown fate, and the store must be opened again (P11).
func (c *Core) fail(err error) {
	c.dead = fmt.Errorf("%w: key-value store: %w", txc.ErrStopped, err)
	c.fx.Stop = c.dead
	for _, b := range c.sorted() {
		c.unanswered(b.asked)
		for _, n := range b.undo {
			c.unanswered(n)
		}
		for _, e := range b.later {
			c.unknown(e)
		}
	}
	for _, t := range slices.Concat(c.out, c.todo) {
		c.unanswered(t.n)
	}
	for _, e := range c.again {
		c.unknown(e)
	}
	c.granted, c.again, c.out, c.todo = nil, nil, nil, nil
}

// unknown answers a request that comes to a dead core.
func (c *Core) unknown(e Event) {
	switch e := e.(type) {
	case *Ask:
		c.unanswered(e.N)
	case *Begin:
		c.unanswered(e.N)
	case *Do:
		c.unanswered(e.N)
	case *Settle:
		c.unanswered(e.N)
	case *Reconcile:
		c.unanswered(e.N)
	case *Shed:
		c.unanswered(e.N)
	case *Remember:
		c.unanswered(e.N)
	case *Cancel, *Forget, *Shut, *Room, *Written, *NotWritten, *Lost: // nobody waits for an answer
	}
}

func (c *Core) unanswered(n uint64) {
	if n != 0 {
		c.answer(n, participant.Reply{Err: c.dead})
	}
}
