package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// received takes what a participant says. Before its Welcome was accepted only that, or a refusal, means anything.
func (c *Core) received(ev Received) {
	p := c.peers[ev.Participant]
	if p == nil {
		return
	}
	for _, m := range ev.Messages {
		if c.failed || !p.link {
			return
		}
		switch b := m.Body.(type) {
		case protocol.Welcome:
			c.welcome(p, b)
		case protocol.Fenced:
			c.fencedBy(p, m, b)
		default:
			if p.ready {
				c.message(p, m)
			}
		}
	}
}

func (c *Core) message(p *peer, m Message) {
	switch b := m.Body.(type) {
	case protocol.Vote:
		c.vote(p, m, b)
	case protocol.Fated:
		c.fated(p, m, b)
	case protocol.Inquiry:
		if b.Seen.Epoch != 0 && !c.judge(p.name, b.Seen) {
			return
		}
		c.inquiry(p, m.ID, m.Mark, b, c.answerer(p, m))
	case protocol.Listed:
		c.listed(p, b)
	case protocol.Welcome, protocol.Fenced:
		// Seen to before.
	case protocol.Hello, protocol.Prepare, protocol.Commit, protocol.Abort, protocol.Answer, protocol.List:
		// A coordinator's own words: no participant says them.
	}
}

// fencedBy takes a participant's refusal to listen to this opening (P6): proof of another owner, if what it shows is not
// ours (C5). If it is, the refusal is stale, and for a Prepare as good as a No that is not certain.
func (c *Core) fencedBy(p *peer, m Message, b protocol.Fenced) {
	if !c.judge(p.name, b.Seen) || b.About != protocol.AboutPrepare {
		return
	}
	c.vote(p, m, protocol.Vote{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeFenced, Text: "it knows a later opening of this coordinator", Participant: p.name, Retryable: true}})
}

func (c *Core) vote(p *peer, m Message, v protocol.Vote) {
	if v.Seen.Epoch != 0 && !c.judge(p.name, v.Seen) {
		return
	}
	c.stamp(p, v.Stamp)
	l := c.live[m.ID]
	if l == nil || l.mark != m.Mark {
		if v.Vote.Promises() {
			c.lateYes(p, m)
		}
		return
	}
	i := l.branchOf(p)
	if i < 0 || l.tx.Phase != protocol.Voting || l.branches[i].vote != 0 {
		return
	}
	b := &l.branches[i]
	if reason := c.voteRefused(l, p, v); !reason.IsZero() {
		v = protocol.Vote{Vote: txc.No, Reason: reason}
	}
	b.vote, b.evidence, b.results, b.reason = v.Vote, v.Evidence, v.Results, reasonOf(p, v.Reason)
	c.weigh(l, len(v.Results))
	if !v.Vote.Promises() && v.Vote != txc.ReadOnly {
		b.vote = txc.No
		l.reason = b.reason
		l.reason.Participant = p.name
	}
	l.note(c, voteNo+what(b.vote-txc.No), i, 0, b.reason.Text)
	c.step(l, protocol.Voted{Branch: i, Vote: v.Vote, Certain: v.Certain})
}

// voteRefused makes a No of a vote that the log, or the client, could not take (C3).
func (c *Core) voteRefused(l *live, p *peer, v protocol.Vote) txc.Reason {
	total := len(v.Results)
	for i := range l.branches {
		total += len(l.branches[i].results)
	}
	switch {
	case len(v.Evidence) > txc.MaxEvidence:
		return txc.Reason{Code: txc.CodeTooLarge, Text: "its evidence is too long", Participant: p.name}
	case len(v.Results) > txc.MaxBranchRes || total > txc.MaxResults:
		return txc.Reason{Code: txc.CodeTooLarge, Text: "the values read are too large", Participant: p.name}
	case c.bytes+len(v.Results) > 2*maxBytes: // new work is refused at half of it
		return txc.Reason{Code: txc.CodeBusy, Text: "too many results wait for their clients here", Participant: p.name, Retryable: true}
	default:
		return txc.Reason{}
	}
}

// lateYes answers a promise that nobody waits for any more: C4's answer ends it.
func (c *Core) lateYes(p *peer, m Message) {
	say := c.answerer(p, m)
	c.inquiry(p, m.ID, m.Mark, protocol.Inquiry{}, func(a protocol.Answer) {
		if a.Outcome.Decided() {
			say(a)
		}
	})
}

// answerer answers over the link that the question came by; if that was lost, the participant asks again by the next.
func (c *Core) answerer(p *peer, m Message) func(protocol.Answer) {
	link := p.links
	return func(a protocol.Answer) {
		if p.ready && p.links == link {
			p.say(Message{ID: m.ID, Mark: m.Mark, Body: a})
		}
	}
}

func (c *Core) fated(p *peer, m Message, f protocol.Fated) {
	if f.Seen.Epoch != 0 && !c.judge(p.name, f.Seen) {
		return
	}
	c.stamp(p, f.Stamp)
	l := c.live[m.ID]
	if l == nil || l.mark != m.Mark {
		if f.Fate == txc.CommittedBefore {
			c.oddFate(p, m, f)
		}
		return
	}
	i := l.branchOf(p)
	if i < 0 || l.tx.Phase != protocol.Committing && l.tx.Phase != protocol.Ending || !(l.tx.Missing() &^ l.tx.Busy).Has(i) {
		return // a reply of a branch that has answered is ignored
	}
	c.ownAnswer(l, i, f.Fate, f.Reason)
}

// ownAnswer takes a branch's own word for what became of it under a commit.
func (c *Core) ownAnswer(l *live, i int, fate txc.Fate, why txc.Reason) {
	b := &l.branches[i]
	if fate.Applied() {
		b.fate = fate
		l.note(c, committedNow+what(fate-txc.CommittedNow), i, 0, "")
	} else {
		b.reason = reasonOf(b.peer, why)
	}
	c.step(l, protocol.Answered{Branch: i, Fate: fate})
	if l.tx.Acked.Has(i) {
		c.release(b)
	}
}

// oddFate looks at a branch that says it committed, of a transaction that is not in memory: one that aborted is now
// *aborted, mixed* (H4).
func (c *Core) oddFate(p *peer, m Message, f protocol.Fated) {
	c.inquiry(p, m.ID, m.Mark, protocol.Inquiry{Settled: f.Fate, Why: f.Reason}, func(protocol.Answer) {})
}
