package participant

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Whoever has promised asks for the decision, again and again (P2); whoever was settled, until it is known and, if it
// differs, recorded (H4). Over the link if there is one, else by a unary question.

func (c *Core) ask(lv *live) {
	p := c.peer(lv.ID.Coordinator)
	if p.session != 0 {
		c.send(p.session, Message{ID: lv.ID, Mark: lv.Mark, Body: protocol.Inquiry{
			Instance: c.conf.Instance, Members: lv.store.Members, Seen: p.shown(), Settled: settled(lv.machine), Why: lv.why,
		}})
		return
	}
	if p.asks >= maxAsks {
		return // it asks again
	}
	p.asks++
	c.out.Asks = append(c.out.Asks, Inquire{Coordinator: p.number, Question: protocol.Question{
		Participant: c.conf.Name, Instance: c.conf.Instance, ID: lv.ID, Mark: lv.Mark, Members: lv.store.Members,
		Seen: p.shown(), Settled: settled(lv.machine), Why: lv.why,
	}})
}

// settled says how a branch was settled without the decision; zero: it was not.
func settled(b protocol.Branch) txc.Fate {
	switch {
	case b.Phase == protocol.InHazard && b.Lost:
		return txc.Hazard
	case b.Phase != protocol.Settled || b.Writing:
		return 0
	case b.How == txc.Committed:
		return txc.CommittedBefore
	default:
		return txc.AbortedBefore
	}
}

// armQuestion arms the next question, later each time.
func (c *Core) armQuestion(lv *live) {
	lv.pause = min(max(2*lv.pause, c.conf.InquireEvery), askMax)
	c.timers.arm(&lv.timer, c.now+min(c.jitter(lv.pause), askMax))
}

// told takes the answer to a unary question; it passes the same guards as one over a link.
func (c *Core) told(t Told) {
	c.peer(t.ID.Coordinator).asks--
	if t.Err != nil {
		return // silence: it asks again
	}
	c.receive(0, Message{From: &t.Told.From, ID: t.ID, Mark: t.Mark, Body: protocol.Answer{
		Outcome: t.Told.Outcome, Recorded: t.Told.Recorded, Acknowledged: t.Told.Acknowledged,
	}})
}
