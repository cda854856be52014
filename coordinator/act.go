package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// step feeds the machine and carries its actions out, in order.
func (c *Core) step(l *live, ev protocol.TxEvent) {
	var buf [8]protocol.TxAction
	before := l.tx
	tx, acts := l.tx.Step(ev, buf[:0])
	l.tx = tx
	for _, a := range acts {
		c.act(l, a)
	}
	if l.tx.Phase == before.Phase {
		if l.tx.Odd != before.Odd {
			c.changed(l)
		}
		return
	}
	switch l.tx.Phase {
	case protocol.Committing:
		c.startDecided(l)
	case protocol.Ending:
		c.armDecided(l)
	case protocol.Ended:
		if l.tx.Decided == txc.Aborted {
			c.noteAbort(l)
		}
		c.drop(l)
	}
	c.changed(l)
}

func (c *Core) act(l *live, a protocol.TxAction) {
	switch a := a.(type) {
	case protocol.ArmDeadline:
		l.deadline = l.began.Add(l.timeout)
		c.timers.arm(&l.timer, l.deadline)
	case protocol.SendPrepare:
		c.sendPrepare(l, a.Branch)
	case protocol.SendCommit:
		c.sendCommit(l, a.Branch)
	case protocol.SendAbort:
		c.sendAbort(l, a.Branch)
	case protocol.AppendCommit:
		c.appendCommit(l, a.Members)
	case protocol.AppendHeuristic:
		c.appendHeuristic(l, a.Branch, a.Fate)
	case protocol.AppendResolution:
		c.appendResolution(l, a.Branch)
	case protocol.AppendAcknowledged:
		c.appendAcknowledged(l, a.Acked)
	case protocol.AppendEnd:
		l.ended = c.w.Now
		c.append(wal.New(l.id, c.w.Now, wal.EndBody{Took: c.w.Now.Sub(l.began), Retries: l.retries}), done{l: l, event: protocol.EndLogged{}})
	case protocol.Reply:
		c.reply(l, a.Reply)
	case protocol.RefuseEvent:
		// Whoever asked looks at the phase itself and refuses with words.
	case protocol.Stop:
		// The core has stopped already: LogFailed is no event of one transaction.
	}
}

func (c *Core) sendPrepare(l *live, i int) {
	b := &l.branches[i]
	b.sent = true
	l.note(c, prepareSent, i, 0, "")
	if l.members == nil {
		l.enumerate()
	}
	incarnation := b.work.Incarnation
	if !b.work.Joined() {
		incarnation = b.peer.incarnation
	}
	b.peer.say(Message{ID: l.id, Mark: l.mark, Body: protocol.Prepare{
		Incarnation: incarnation, Age: l.age, TimeLeft: l.deadline.Sub(c.w.Now), Members: l.members,
		MayRelease: !l.anyShipped || len(l.branches) == 1,
		Joined:     b.work.Joined(), Calls: b.work.Calls, Work: b.work.Work,
	}})
}

func (c *Core) sendCommit(l *live, i int) {
	b := &l.branches[i]
	if !b.peer.ready {
		return // it is told when it is back
	}
	l.note(c, commitSent, i, 0, "")
	b.peer.say(Message{ID: l.id, Mark: l.mark, Body: protocol.Commit{Evidence: b.evidence, Relaxed: !l.awaited()}})
}

// awaited reports that a client waits until every branch has applied.
func (l *live) awaited() bool {
	for i := range l.waiters {
		if l.waiters[i].wait == Applied {
			return true
		}
	}
	return false
}

// sendAbort tells a branch once. One that was never sent anything has nothing to end, unless calls opened it.
func (c *Core) sendAbort(l *live, i int) {
	b := &l.branches[i]
	if b.peer.ready && (b.sent || b.work.Joined()) {
		l.note(c, abortSent, i, 0, "")
		b.peer.say(Message{ID: l.id, Mark: l.mark, Body: protocol.Abort{Evidence: b.evidence}})
	}
	c.shipped(l, i)
}

// enumerate lists the members once: all Prepares bear the same list.
func (l *live) enumerate() {
	l.members = make([]string, len(l.branches))
	for i := range l.branches {
		l.members[i] = l.branches[i].peer.name
		l.anyShipped = l.anyShipped || !l.branches[i].work.Joined()
	}
}
