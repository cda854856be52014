package coordinator

import (
	"context"
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
)

// maxAwaiting bounds who waits for participants at once.
const maxAwaiting = 1024

// Await waits until every one of these participants is heard: registered, linked, and ready for work. A program that has
// just started calls it before its first transaction. ctx bounds the wait.
func (c *Coordinator) Await(ctx context.Context, participants ...string) error {
	until, _ := ctx.Deadline()
	if _, err := c.call(ctx, func(t Token) Event { return AskHeard{t, participants, until} }); err != nil {
		return fmt.Errorf("wait for participants %v: %w", participants, err)
	}
	return nil
}

func (c *Core) askHeard(ev AskHeard) {
	if len(c.awaiting) >= maxAwaiting {
		c.refuse(ev.Token, txc.ErrBusy, txc.CodeBusy, "too many wait for participants at once")
		return
	}
	c.awaiting = append(c.awaiting, ev)
}

// tellHeard answers those whose participants are all there.
func (c *Core) tellHeard() {
	c.awaiting = slices.DeleteFunc(c.awaiting, func(ev AskHeard) bool {
		missing := slices.ContainsFunc(ev.Names, func(name string) bool {
			p := c.peers[name]
			return p == nil || !p.ready || !p.heard || p.quarantined()
		})
		switch {
		case !missing:
			c.answer(Answered{Token: ev.Token})
		case !ev.Until.IsZero() && c.w.Now.After(ev.Until):
			c.refuse(ev.Token, txc.ErrUnavailable, txc.CodeUnreachable, "not all of them were heard in time")
		default:
			return false
		}
		return true
	})
}
