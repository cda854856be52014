package coordinator

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// done says what to do once a record was appended: call a function, then feed an event to a transaction.
type done struct {
	l     *live
	event protocol.TxEvent
	call  func(c *Core, lsn uint64)
}

// pending is a record that the log was given and that has not come back.
type pending struct {
	forced bool
	done
}

// unsynced is a lazy record that was appended but may not be durable yet.
type unsynced struct {
	lsn uint64
	done
}

func (c *Core) append(r wal.Record, d done) {
	c.out.Append = append(c.out.Append, r)
	c.pending.push(pending{r.Kind.Forced(), d})
}

// appended takes the log's word for the oldest records. Lazy ones among them are durable once Synced has passed them.
func (c *Core) appended(ev Appended) {
	first := ev.LSN + 1 - uint64(ev.N)
	for i := range ev.N {
		if c.failed {
			return // a proof of another owner was among them: nothing after it is told (C5)
		}
		if c.pending.empty() {
			c.fail(fmt.Errorf("%w: the log confirms a record that it was not given", txc.ErrStopped))
			return
		}
		p, lsn := c.pending.pop(), first+uint64(i)
		if p.forced {
			c.head = max(c.head, lsn)
			p.run(c, lsn)
		} else {
			c.unsynced.push(unsynced{lsn, p.done})
		}
	}
}

// synced lets what was lazy take effect once it is durable (P5: an End in memory moves no watermark).
func (c *Core) synced(lsn uint64) {
	c.head = max(c.head, lsn)
	for !c.failed && !c.unsynced.empty() && c.unsynced.peek().lsn <= lsn {
		u := c.unsynced.pop()
		u.run(c, u.lsn)
	}
}

func (d done) run(c *Core, lsn uint64) {
	if d.call != nil {
		d.call(c, lsn)
	}
	if _, ok := d.event.(protocol.Logged); ok {
		d.l.logged(c, lsn)
	}
	if d.event != nil {
		c.step(d.l, d.event)
	}
}

func (c *Core) appendCommit(l *live, members protocol.Set) {
	body := wal.CommitBody{Labels: l.labels, Key: l.key, OwnKey: l.ownKey, Digest: l.digest, Began: l.began, Members: make([]wal.Member, 0, members.Len())}
	for i := range members.All() {
		body.Members = append(body.Members, wal.Member{Participant: l.branches[i].peer.name, Evidence: l.branches[i].evidence})
	}
	c.timers.disarm(&l.timer) // nothing overtakes a decision that may be durable
	c.append(wal.New(l.id, c.w.Now, body), done{l: l, event: protocol.Logged{}})
}

// logged notes that the decision is durable.
func (l *live) logged(c *Core, lsn uint64) {
	l.note(c, committed, -1, lsn, "the decision is durable")
	members := l.tx.Members()
	for i := range l.branches {
		c.shipped(l, i) // what was shipped is in the participants' promises
		if !members.Has(i) {
			c.release(&l.branches[i])
		}
	}
}

// noteAbort leaves a trace for people. Nothing is concluded from it, and nothing from its absence.
func (c *Core) noteAbort(l *live) {
	if c.pending.len() > maxNoted {
		return
	}
	body := wal.AbortBody{Reason: l.reason, Labels: l.labels, Key: l.key, Began: l.began}
	for i := range l.branches {
		body.Members = append(body.Members, l.branches[i].peer.name)
	}
	c.append(wal.New(l.id, c.w.Now, body), done{})
}

// appendHeuristic records a branch that does not, or may not, agree with the decision. H1: durably first, then told.
func (c *Core) appendHeuristic(l *live, i int, fate txc.Fate) {
	b := &l.branches[i]
	b.fate = fate
	body := wal.HeuristicBody{Outcome: txc.Committed, Mark: l.mark, Participant: b.peer.name, Fate: fate, Why: b.reason}
	c.append(wal.New(l.id, c.w.Now, body), done{call: func(c *Core, lsn uint64) {
		l.note(c, heuristic, i, lsn, fate.String())
		c.against(l.id, body)
		c.release(b)
		c.step(l, protocol.HeuristicLogged{Branch: i})
		c.then(b)
	}})
}

func (c *Core) appendResolution(l *live, i int) {
	b := &l.branches[i]
	body := wal.ResolutionBody{What: wal.ResolveSettle, Participant: b.peer.name, Outcome: b.outcome, Who: b.who, Why: b.why}
	c.append(wal.New(l.id, c.w.Now, body), done{call: func(c *Core, lsn uint64) {
		l.note(c, settled, i, lsn, b.who+": "+b.why)
		c.step(l, protocol.ResolutionLogged{Branch: i})
		c.then(b)
	}})
}

// then runs what waited for a branch's record to be durable.
func (c *Core) then(b *branch) {
	waiting := b.then
	b.then = nil
	for _, f := range waiting {
		f(c)
	}
}

func (c *Core) appendAcknowledged(l *live, acked protocol.Set) {
	var names []string
	for i := range acked.All() {
		names = append(names, l.branches[i].peer.name)
	}
	c.append(wal.New(l.id, c.w.Now, wal.AcknowledgedBody{Participants: names}), done{call: func(*Core, uint64) {
		l.savedAcks |= acked
	}})
}
