package participant

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// What coordinators say, once the guards have let it in.

func (c *Core) admitted(p *peer, lv *live, from arrived) {
	m := from.message
	if lv != nil && lv.looking {
		if len(lv.queued) < maxQueued {
			lv.queued = append(lv.queued, from)
		}
		return
	}
	switch body := m.Body.(type) {
	case protocol.Hello:
		c.hello(p, from.session)
	case protocol.Prepare:
		c.prepare(p, lv, from, body)
	case protocol.Commit:
		if lv == nil {
			c.lookUp(key{m.ID, m.Mark}, from, DeedCommit, body.Evidence)
			return
		}
		c.toldBy(lv, from.session, body.Evidence)
		lv.relaxed = body.Relaxed
		c.feed(lv, protocol.CommitTold{})
	case protocol.Abort:
		if lv == nil {
			c.lookUp(key{m.ID, m.Mark}, from, DeedAbort, body.Evidence)
			return
		}
		c.toldBy(lv, from.session, body.Evidence)
		c.because(lv, txc.CodeCancelled, "the transaction was aborted")
		c.feed(lv, protocol.AbortTold{})
	case protocol.Answer:
		if lv != nil {
			c.feed(lv, protocol.DecisionHeard{Outcome: body.Outcome, Acknowledged: body.Acknowledged})
		}
	case protocol.List:
		c.list(p, from.session, body.Page)
	case protocol.Welcome, protocol.Vote, protocol.Fated, protocol.Fenced, protocol.Inquiry, protocol.Listed: // not for us
	}
}

func (c *Core) toldBy(lv *live, session uint64, evidence []byte) {
	lv.fateTo = session
	if lv.evidence == nil {
		lv.evidence = evidence
	}
}

// hello opens a link: from now on messages of our own go there. Who is in doubt asks at once (P2).
func (c *Core) hello(p *peer, session uint64) {
	if c.sessions[session] {
		p.session = session
	}
	c.send(session, Message{Body: protocol.Welcome{
		Name: c.conf.Name, Instance: c.conf.Instance, Incarnation: c.self.Incarnation, Stamp: c.stamp,
		Seen: c.witnesses(false), Software: c.conf.Software,
	}})
	for _, lv := range c.liveOf(p.number) {
		if lv.machine.Asks() {
			lv.pause = 0
			c.feed(lv, protocol.QuestionDue{})
		}
	}
}

// prepare asks the machine for a promise; where nothing is known yet, only if there is room and time (C10, P3).
func (c *Core) prepare(p *peer, lv *live, from arrived, body protocol.Prepare) {
	m := from.message
	k := key{m.ID, m.Mark}
	if lv == nil {
		if reason := c.full(p); reason != nil {
			c.no(from.session, k, reason.Code, reason.Text, false)
			return
		}
		if body.TimeLeft <= 0 {
			c.no(from.session, k, txc.CodeDeadline, "no time was left", true)
			return
		}
		lv = c.born(k)
	}
	lv.voteTo = from.session
	if phase := lv.machine.Phase; phase == 0 || phase == protocol.Working {
		lv.store.Age, lv.store.Members, lv.store.MayRelease = body.Age, body.Members, body.MayRelease
		lv.work = body.Work
		lv.deadline = c.now + min(body.TimeLeft, txc.MaxTimeout)
		c.becauseOf(lv, body)
	}
	c.feed(lv, protocol.PrepareAsked{Joined: body.Joined, Calls: body.Calls, MayRelease: body.MayRelease})
}

// becauseOf notes why the machine is going to refuse to close a branch, if it is.
func (c *Core) becauseOf(lv *live, body protocol.Prepare) {
	joined := lv.machine.Phase == protocol.Working
	switch {
	case joined != body.Joined:
		c.because(lv, txc.CodeWrongCalls, "the participant knows of no such call")
	case joined && lv.machine.Calls != body.Calls:
		c.because(lv, txc.CodeWrongCalls, "the participant saw another number of calls")
	case joined && lv.machine.Running > 0:
		c.because(lv, txc.CodeWrongCalls, "a call still runs")
	}
}

func (c *Core) giveVote(lv *live, act protocol.GiveVote) {
	vote := protocol.Vote{Vote: act.Vote, Certain: act.Certain, Seen: c.peer(lv.ID.Coordinator).shown(), Stamp: c.stamp}
	if act.Vote == txc.No {
		c.because(lv, txc.CodeCancelled, "the branch has ended")
		vote.Reason = lv.reason
	} else {
		vote.Evidence, vote.Results = lv.evidence, lv.results
	}
	c.reply(lv.ID.Coordinator, lv.voteTo, Message{ID: lv.ID, Mark: lv.Mark, Body: vote})
}

func (c *Core) giveFate(lv *live, fate txc.Fate) {
	m := Message{ID: lv.ID, Mark: lv.Mark, Body: protocol.Fated{Fate: fate, Reason: lv.why, Seen: c.peer(lv.ID.Coordinator).shown(), Stamp: c.stamp}}
	c.reply(lv.ID.Coordinator, lv.fateTo, m)
}

// no votes No for a branch of which nothing is remembered by it.
func (c *Core) no(session uint64, k key, code txc.Code, text string, certain bool) {
	vote := protocol.Vote{Vote: txc.No, Certain: certain, Reason: c.reason(code, text), Seen: c.peer(k.ID.Coordinator).shown(), Stamp: c.stamp}
	c.send(session, Message{ID: k.ID, Mark: k.Mark, Body: vote})
}

func (c *Core) fate(session uint64, k key, fate txc.Fate) {
	c.send(session, Message{ID: k.ID, Mark: k.Mark, Body: protocol.Fated{Fate: fate, Seen: c.peer(k.ID.Coordinator).shown(), Stamp: c.stamp}})
}

// reply goes to the session that asked, or, if that is gone, to the coordinator's link: a vote once taken outlives its
// stream, and who repeats a Commit is spared the next one.
func (c *Core) reply(coordinator uint32, session uint64, m Message) {
	if !c.sessions[session] {
		session = c.peer(coordinator).session
	}
	c.send(session, m)
}

func (c *Core) send(session uint64, m Message) {
	if c.sessions[session] {
		c.out.Sends = append(c.out.Sends, Send{session, m})
	}
}

func (c *Core) sessionClosed(session uint64) {
	delete(c.sessions, session)
	for _, p := range c.peers {
		if p.session == session { // one coordinator's at the most: the order does not show
			p.session = 0
			c.out.Lost = append(c.out.Lost, p.number)
		}
	}
}
