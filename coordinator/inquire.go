package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// askInquire is the unary form of a participant's question. Who asks is checked as at a hello: the answer to another
// store under the same name would presume for it (C13).
func (c *Core) askInquire(ev AskInquire) {
	q := ev.Question
	p := c.peers[q.Participant]
	undecided := func() {
		c.answer(Answered{Token: ev.Token, Answer: Answer{Outcome: txc.Undecided, From: c.anonymous()}})
	}
	switch {
	case p == nil || p.reg.State == "":
		c.refuse(ev.Token, txc.ErrNotFound, txc.CodeUnknownParticipant, q.Participant+" is not registered here: register first")
		return
	case c.fenced || p.quarantined() || p.reg.Instance != q.Instance:
		undecided()
		return
	case q.Seen.Epoch != 0 && !c.judge(p.name, q.Seen):
		undecided()
		return
	}
	c.inquiry(p, q.ID, q.Mark, protocol.Inquiry{Instance: q.Instance, Members: q.Members, Seen: q.Seen, Settled: q.Settled, Why: q.Why}, func(a protocol.Answer) {
		c.answer(Answered{Token: ev.Token, Answer: Answer{Outcome: a.Outcome, From: c.sender(p), Recorded: a.Recorded, Acknowledged: a.Acknowledged}})
	})
}

func (c *Core) anonymous() protocol.Sender {
	return protocol.Sender{Cluster: c.cluster, Coordinator: c.number, Epoch: c.epoch, Mark: c.mark, LSN: c.head}
}

// inquiry is C4's answer to a participant, and H4's record of how it settled the branch by itself. Memory is looked at
// before the log.
func (c *Core) inquiry(p *peer, id txc.ID, mark uint64, q protocol.Inquiry, say func(protocol.Answer)) {
	if !c.owns(p, id, mark) {
		say(protocol.Answer{Outcome: txc.NotMine})
		return
	}
	if l := c.live[id]; l != nil && l.mark == mark {
		c.inquiryLive(l, p, q, say)
		return
	}
	if p.waiting >= maxWaiting {
		say(protocol.Answer{}) // the log is slow, or it asks too often: it asks again
		return
	}
	p.waiting++
	c.lookup(Lookup{ID: id}, func(f Found) {
		p.waiting--
		if f.Err != nil {
			say(protocol.Answer{}) // an unreadable log: nothing is known, nothing is presumed; it asks again
			return
		}
		known, asker := c.known(id, f.OK), protocol.Asker{Acknowledged: true, Stamped: p.reg.Stamp > 0}
		if f.OK && !f.Ended {
			asker.Acknowledged = !names(f.Record, p.name)
		}
		if known.BelowFloor && asker.Stamped && !p.ready {
			say(protocol.Answer{}) // whether its store is the one that we knew shows in its hello: it asks again
			return
		}
		if protocol.AnswerParticipant(known, asker) != txc.Undecided {
			c.sayOutcome(p, id, mark, q, known, asker, say)
			return
		}
		c.presume(id, known, q.Members, func(ok bool) {
			known.Heard = ok
			c.sayOutcome(p, id, mark, q, known, asker, say)
		})
	})
}

func names(r wal.Record, participant string) bool {
	for _, m := range r.Body.(wal.CommitBody).Members {
		if m.Participant == participant {
			return true
		}
	}
	return false
}

// owns reports whether id and mark are of this log's openings. A promise is a durable word: one of an opening that we
// never had, or of an id that we never issued, proves another owner (C5).
func (c *Core) owns(p *peer, id txc.ID, mark uint64) bool {
	if id.Coordinator != c.number {
		return false
	}
	if !c.openings.Has(id.Epoch, mark) {
		c.judge(p.name, Seen{Coordinator: id.Coordinator, Epoch: id.Epoch, Mark: mark})
		return false
	}
	if id.Epoch == c.epoch && id.Sequence > c.sequence {
		c.neverIssued(p.name, id, mark)
		return false
	}
	return true
}

func (c *Core) inquiryLive(l *live, p *peer, q protocol.Inquiry, say func(protocol.Answer)) {
	i := l.branchOf(p)
	known := protocol.Known{Ours: true, Running: l.tx.Phase <= protocol.Deciding, Recorded: l.tx.Phase > protocol.Deciding, ThisOpening: l.id.Epoch == c.epoch}
	asker := protocol.Asker{Acknowledged: i < 0 || !l.tx.Members().Has(i) || l.tx.Acked.Has(i)}
	outcome := protocol.AnswerParticipant(known, asker)
	if outcome != txc.Committed || q.Settled == 0 || q.Settled.Applied() {
		if outcome == txc.Committed && q.Settled == 0 {
			c.step(l, protocol.Asked{Branch: i}) // Commit brings its evidence, which the answer does not
		}
		c.sayLive(l, i, outcome, q, say)
		if outcome == txc.Committed && q.Settled.Applied() && (l.tx.Missing() &^ l.tx.Busy).Has(i) {
			c.ownAnswer(l, i, txc.CommittedBefore, txc.Reason{}) // it asks no more, and may never be told Commit (H3)
		}
		return
	}
	b := &l.branches[i]
	answer := protocol.Answer{Outcome: outcome, Recorded: true, Acknowledged: l.tx.Excused.Has(i)}
	if (l.tx.Odd | l.tx.Excused).Has(i) {
		say(answer)
		return
	}
	if len(b.then) >= maxThen {
		say(protocol.Answer{Outcome: outcome}) // it asks again
		return
	}
	b.then = append(b.then, func(*Core) { say(answer) })
	if !l.tx.Busy.Has(i) {
		b.reason = reasonOf(p, q.Why)
		c.step(l, protocol.Answered{Branch: i, Fate: settledFate(q.Settled)})
	}
}

// sayLive answers where nothing has to be recorded. One that has acknowledged, and lost its memory of that, is not told
// the decision as if it were news; but a branch that was settled as it says has nothing left to ask.
func (c *Core) sayLive(l *live, i int, o txc.Outcome, q protocol.Inquiry, say func(protocol.Answer)) {
	a := answerOf(o, q)
	if o == txc.Finished && q.Settled.Applied() && i >= 0 && l.tx.Acked.Has(i) {
		a.Recorded, a.Acknowledged = true, true
	}
	say(a)
}

// settledFate is how a branch that was settled against a commit stands in the record.
func settledFate(settled txc.Fate) txc.Fate {
	if settled == txc.Hazard {
		return txc.Hazard
	}
	return txc.AbortedBefore
}

// answerOf makes the answer where nothing has to be recorded: how the branch was settled agrees with the decision.
func answerOf(o txc.Outcome, q protocol.Inquiry) protocol.Answer {
	return protocol.Answer{Outcome: o, Recorded: o.Decided() && q.Settled != 0}
}

// sayOutcome answers about a transaction that is not in memory.
func (c *Core) sayOutcome(p *peer, id txc.ID, mark uint64, q protocol.Inquiry, k protocol.Known, a protocol.Asker, say func(protocol.Answer)) {
	o := protocol.AnswerParticipant(k, a)
	switch {
	case o == txc.Aborted && (q.Settled.Applied() || q.Settled == txc.Hazard):
		c.recordOdd(p, id, mark, q, say)
	case o == txc.Finished && k.Recorded && q.Settled != 0:
		closed := c.closed(p, id, q)
		say(protocol.Answer{Outcome: o, Recorded: closed, Acknowledged: closed})
	default:
		say(answerOf(o, q))
	}
}

// closed reports whether nothing is left to be said about a branch that was settled without the decision, of a committed
// transaction that has ended: settled as the record says, or otherwise, and an operator has acknowledged that, for
// before it there is no end (H4). One that had acknowledged the commit, and shows it as settled otherwise now, has lost
// its memory, and stays a hazard.
func (c *Core) closed(p *peer, id txc.ID, q protocol.Inquiry) bool {
	if l := c.ended.items[id]; l != nil && !q.Settled.Applied() {
		i := l.branchOf(p)
		return i >= 0 && l.tx.Excused.Has(i)
	}
	return true
}
