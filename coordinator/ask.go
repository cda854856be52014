package coordinator

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// askRun begins, enlists and commits at once. Its key is looked up first: a request that has committed before must not
// run again (C11).
func (c *Core) askRun(ev AskRun) {
	if ref := c.admit(ev.Request); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	digest := digestOf(ev.Request.Key, ev.Request.OwnKey, ev.Request.Work)
	if ev.Request.Key == "" {
		c.run(ev.Token, ev.Request, digest)
		return
	}
	c.byKey(&keyAsk{token: ev.Token, request: ev.Request, digest: digest, run: true})
}

// run begins a transaction with all of its branches.
func (c *Core) run(t Token, r Request, digest [16]byte) {
	if ref := c.admitted(weight(r.Work)); ref != nil {
		c.answer(Answered{Token: t, Err: ref})
		return
	}
	for _, w := range r.Work {
		p, ref := c.enlistable(w.Participant)
		if ref == nil { // one that is refused here uses up no id: the watermarks of the busy would lag all the more
			if full := c.full(p); !full.IsZero() {
				ref = &txc.Refusal{Of: txc.ErrBusy, Reason: full}
			}
		}
		if ref != nil {
			c.answer(Answered{Token: t, Err: ref})
			return
		}
	}
	l := c.newLive(r)
	l.digest = digest
	l.branches = make([]branch, len(r.Work))
	for i, w := range r.Work {
		l.branches[i] = branch{peer: c.peers[w.Participant], work: w}
	}
	c.weigh(l, weight(r.Work))
	l.waiters = append(l.waiters, waiter{token: t, wait: r.Wait})
	if l.reason = c.room(l); !l.reason.IsZero() {
		c.step(l, protocol.Begin{})
		c.step(l, protocol.Cancel{})
		return
	}
	c.charge(l)
	c.step(l, protocol.BeginWhole{N: len(l.branches)})
}

func (c *Core) askBegin(ev AskBegin) {
	if ref := c.admit(ev.Request); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	// The digest of an interactive transaction is known only at Commit; here the key alone counts.
	if ev.Request.Key == "" {
		c.begin(ev.Token, ev.Request)
		return
	}
	c.byKey(&keyAsk{token: ev.Token, request: ev.Request})
}

// begin makes an interactive transaction.
func (c *Core) begin(t Token, r Request) {
	if ref := c.admitted(0); ref != nil {
		c.answer(Answered{Token: t, Err: ref})
		return
	}
	l := c.newLive(r)
	c.step(l, protocol.Begin{})
	c.answer(Answered{Token: t, Result: c.result(l)})
}

func weight(all []Work) (bytes int) {
	for i := range all {
		bytes += len(all[i].Work)
	}
	return bytes
}

func (c *Core) askEnlist(ev AskEnlist) {
	l, ref := c.open(ev.ID, ev.Mark)
	if ref == nil {
		ref = c.enlist(l, ev.Work)
	}
	if ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	c.answer(Answered{Token: ev.Token, Result: c.result(l)})
}

// enlist adds a branch; the same bytes again are fine, other bytes are not.
func (c *Core) enlist(l *live, w Work) error {
	if ref := checkWork(w); ref != nil {
		return ref
	}
	total := len(w.Work)
	for i := range l.branches {
		b := &l.branches[i]
		if b.work.Participant == w.Participant {
			if sameWork(b.work, w) {
				return nil
			}
			return txc.Refuse(txc.ErrInvalid, txc.CodeAlreadyEnlisted, w.Participant+" is enlisted already, with other work: put all operations of a participant in one list")
		}
		total += len(b.work.Work)
	}
	if len(l.branches) >= txc.MaxBranches {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooManyBranches, fmt.Sprintf("a transaction has at most %d branches", txc.MaxBranches))
	}
	if total > txc.MaxTxWork {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("work of more than %d bytes over all branches", txc.MaxTxWork))
	}
	p, ref := c.enlistable(w.Participant)
	if ref != nil {
		return ref
	}
	if ref := c.light(len(w.Work)); ref != nil {
		return ref
	}
	c.weigh(l, len(w.Work))
	l.branches = append(l.branches, branch{peer: p, work: w})
	c.step(l, protocol.Enlist{})
	l.note(c, enlisted, len(l.branches)-1, 0, "")
	return nil
}

// open finds a transaction that may still be changed by its client.
func (c *Core) open(id txc.ID, mark uint64) (*live, error) {
	if ref := c.mine(id); ref != nil {
		return nil, ref
	}
	l := c.live[id]
	switch {
	case l == nil || mark != 0 && mark != l.mark:
		return nil, c.gone(id, "is not open here: it ended, or this coordinator restarted; ask for its outcome")
	case l.tx.Phase != protocol.Open:
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeWrongState, id.String()+" is "+l.tx.Phase.String()+": too late to change it")
	default:
		return l, nil
	}
}

// gone refuses what can be done only to a transaction in memory: the id was never issued, or else is what the words say.
func (c *Core) gone(id txc.ID, words string) *txc.Refusal {
	if c.known(id, false).NeverIssued {
		return txc.Refuse(txc.ErrNotFound, txc.CodeNotFound, id.String()+" was never issued")
	}
	return txc.Refuse(txc.ErrInvalid, txc.CodeWrongState, id.String()+" "+words)
}

func (c *Core) askCommit(ev AskCommit) {
	if ref := c.mine(ev.ID); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	l := c.live[ev.ID]
	if l == nil || ev.Mark != 0 && ev.Mark != l.mark {
		c.outcome(ev.Token, ev.ID, ev.Mark)
		return
	}
	if l.tx.Phase != protocol.Open {
		c.wait(l, waiter{token: ev.Token, wait: ev.Wait})
		return
	}
	for _, w := range ev.Joined {
		if ref := c.enlist(l, w); ref != nil {
			c.answer(Answered{Token: ev.Token, Err: ref})
			return
		}
	}
	l.waiters = append(l.waiters, waiter{token: ev.Token, wait: ev.Wait})
	l.digest = digestOf(l.key, l.ownKey, works(l))
	if l.reason = c.room(l); !l.reason.IsZero() {
		c.step(l, protocol.Cancel{})
		return
	}
	c.charge(l)
	c.step(l, protocol.AskCommit{})
}

func works(l *live) []Work {
	all := make([]Work, len(l.branches))
	for i := range l.branches {
		all[i] = l.branches[i].work
	}
	return all
}

func (c *Core) askAbort(ev AskAbort) {
	if ref := c.mine(ev.ID); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	l := c.live[ev.ID]
	if l == nil || ev.Mark != 0 && ev.Mark != l.mark {
		c.outcome(ev.Token, ev.ID, ev.Mark)
		return
	}
	if l.tx.Phase != protocol.Open && l.tx.Phase != protocol.Voting {
		// Decided, or the log is deciding: an abort comes too late, and is told what is known.
		c.answer(Answered{Token: ev.Token, Result: c.result(l)})
		return
	}
	code := txc.CodeCancelled
	if ev.Operator {
		code = txc.CodeOperator
	}
	l.reason = txc.Reason{Code: code, Text: note(ev.Why, maxNote)}
	c.step(l, protocol.Cancel{})
	c.answer(Answered{Token: ev.Token, Result: c.result(l)})
}

// wait adds a client to those that wait, or answers at once where the answer is known.
func (c *Core) wait(l *live, w waiter) {
	decided := l.tx.Decided == txc.Committed
	switch {
	case decided && (w.wait == Decided || l.tx.Phase == protocol.Ending || l.tx.Mixed()):
		r := c.result(l)
		r.Replayed = true
		c.answer(Answered{Token: w.token, Result: r})
	case len(l.waiters) >= maxWaiters:
		// Not refused: whether it commits is not known yet, and "busy" would say that nothing was begun.
		c.answer(Answered{Token: w.token, Result: c.result(l)})
	default:
		l.waiters = append(l.waiters, w)
		if !decided {
			return
		}
		l.tx.Told = false // somebody waits again: the machine owes a last answer
		if l.limit.IsZero() {
			l.limit = c.w.Now.Add(l.timeout) // of the first of them: others that join must not make it wait longer
			c.armDecided(l)
		}
	}
}

// reply answers the clients that wait for what the machine says. Its own last answer goes to all of them.
func (c *Core) reply(l *live, k protocol.ReplyKind) {
	if k == protocol.ReplyAborted && l.reason.IsZero() {
		l.reason = txc.Reason{Code: txc.CodeCancelled}
	}
	rest := l.waiters[:0]
	var r Result
	for _, w := range l.waiters {
		if k == protocol.ReplyDecided && w.wait != Decided {
			rest = append(rest, w)
			continue
		}
		if r.ID.IsZero() {
			l.note(c, clientTold, -1, 0, k.String())
			r = c.resultAs(l, k)
		}
		c.answer(Answered{Token: w.token, Result: r})
	}
	clear(l.waiters[len(rest):])
	l.waiters = rest
}

// mine refuses ids of another coordinator, naming it.
func (c *Core) mine(id txc.ID) error {
	if id.IsZero() || id.Coordinator == c.number {
		return nil
	}
	return txc.Refuse(txc.ErrInvalid, txc.CodeWrongCoordinator, fmt.Sprintf("%s belongs to coordinator %d, this is %d", id, id.Coordinator, c.number))
}
