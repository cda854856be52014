package coordinator

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// wake is the transaction's timer: what is due depends on the phase.
func (c *Core) wake(l *live) {
	switch l.tx.Phase {
	case protocol.Open, protocol.Voting:
		l.reason = txc.Reason{Code: txc.CodeDeadline, Text: "not decided within " + l.timeout.String(), Retryable: true}
		c.step(l, protocol.Deadline{})
	case protocol.Committing, protocol.Ending:
		c.wakeDecided(l)
	case protocol.Deciding, protocol.Ended, protocol.Stopped:
		// Only the log ends Deciding; the others wait for nothing.
	}
}

func (c *Core) wakeDecided(l *live) {
	now := c.w.Now
	if !l.limit.IsZero() && !now.Before(l.limit) {
		l.limit = time.Time{}
		c.step(l, protocol.AnswerLimit{})
	}
	if !now.Before(l.saveAt) {
		l.saveAt = now.Add(saveAfter)
		c.step(l, protocol.SaveAcks{})
	}
	if l.tx.Phase == protocol.Committing && !now.Before(l.retryAt) {
		l.retries++
		l.backoff = min(l.backoff*2, c.o.RetryMax)
		l.retryAt = now.Add(c.jitter(l.backoff))
		c.step(l, protocol.Retry{})
	}
	c.armDecided(l)
}

// armDecided sets the timer of a committed transaction that waits for somebody. One that only waits for a person has
// acknowledgements to note, so that it holds no watermark back (P5), and nothing else.
func (c *Core) armDecided(l *live) {
	if l.tx.Phase == protocol.Ending && !l.tx.Ends && l.tx.Acked&^l.tx.Saved != 0 {
		c.timers.arm(&l.timer, l.saveAt)
		return
	}
	if l.tx.Phase != protocol.Committing {
		c.timers.disarm(&l.timer)
		return
	}
	at := l.retryAt
	if l.saveAt.Before(at) {
		at = l.saveAt
	}
	if !l.limit.IsZero() && l.limit.Before(at) {
		at = l.limit
	}
	c.timers.arm(&l.timer, at)
}

// startDecided sets what repeats once the decision is durable.
func (c *Core) startDecided(l *live) {
	l.backoff = c.o.RetryMin
	l.retryAt = c.w.Now.Add(l.backoff + c.jitter(l.backoff))
	l.saveAt = c.w.Now.Add(saveAfter)
	if len(l.waiters) > 0 {
		l.limit = c.w.Now.Add(l.timeout)
	}
	c.armDecided(l)
}

// jitter draws from the upper half of d: commits that were sent together are not all repeated together, and never at
// once.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(c.seed.Int64N(int64(d)/2+1))
}

func (c *Core) undecided() int {
	n := 0
	for l := c.order.first; l != nil; l = l.next {
		if l.tx.Phase <= protocol.Deciding {
			n++
		}
	}
	return n
}
