package simulation

import (
	"strconv"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// answer checks what a client is told against all that it was told before.
func (c *client) answer(t *transfer, call int, a coordinator.Answered) {
	r := a.Result
	c.w.number(uint64(t.n)<<32 | uint64(r.Outcome)<<24 | r.ID.Sequence)
	if c.w.read() {
		c.w.print("client %d hears of %d: %s %s %s %v", c.number, t.n, r.ID, r.Outcome, r.Reason, a.Err)
	}
	waits := c.call == call && c.current == t
	if r.Outcome == txc.Unknown && r.Older {
		if waits {
			c.never(t)
		}
		return
	}
	if a.Err != nil || !r.Outcome.Decided() {
		if waits {
			c.again()
		}
		return
	}
	if r.Age != 0 {
		t.age = r.Age
	}
	c.check(t, r)
	if !waits {
		return
	}
	if r.Outcome == txc.Aborted && r.Reason.Retryable && c.w.chance(0.7) {
		t.told = txc.Undecided // tried again under its key: only the last word counts
		c.again()
		return
	}
	c.over()
}

// never is an answer that nobody will ever give. Only what was first sent before the coordinator last started, and to one
// whose log has lost something, can have that end (C11).
func (c *client) never(t *transfer) {
	last := time.Duration(0)
	for _, c := range c.w.coordinators() {
		last = max(last, c.opened)
	}
	if c.w.lossAt == 0 || t.first > last+2*time.Second {
		c.w.broken("V7: transfer %d will never be known, though nothing was lost since it was sent", t.n)
	}
	c.over()
}

func (c *client) check(t *transfer, r coordinator.Result) {
	switch {
	case r.Outcome == txc.Aborted && t.told == txc.Undecided:
		t.told = txc.Aborted
	case r.Outcome == txc.Aborted && t.told == txc.Committed && !c.w.excuses.recordLost(t):
		c.w.broken("V2: transfer %d was told committed as %s, and then aborted", t.n, t.id)
	case r.Outcome == txc.Aborted:
	case t.told == txc.Committed && r.ID != t.id && !t.reads && !c.w.excuses.ranTwice(t):
		c.w.broken("V8: transfer %d committed twice, as %s and as %s", t.n, t.id, r.ID)
	default:
		t.told, t.id, t.mark, t.applied = r.Outcome, r.ID, r.Mark, t.applied || r.Applied
		c.checkRead(t, r)
	}
}

// checkRead holds a committed reading of all accounts against the one sum that every serial order has (S1), but for what
// an operator, or a store that forgot, has torn.
func (c *client) checkRead(t *transfer, r coordinator.Result) {
	if !t.reads || r.Replayed || c.w.excuses.read(r) {
		return
	}
	sum := 0
	for _, b := range r.Branches {
		results, err := engine.DecodeResults(b.Results)
		if err != nil || len(results) != accounts {
			c.w.broken("transfer %d read %d values at %s: %v", t.n, len(results), b.Participant, err)
			return
		}
		for _, v := range results {
			n, err := strconv.Atoi(string(v.Value))
			if err != nil {
				c.w.broken("transfer %d read %q: %v", t.n, v.Value, err)
			}
			sum += n
		}
	}
	if !c.w.excuses.sum(t, sum) {
		c.w.broken("S1: transfer %d read %d in all accounts together, not %d", t.n, sum, c.w.ledger.total)
	}
}
