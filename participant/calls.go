package participant

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Joined work: the service's own code works on a branch, call by call, before Prepare closes it.

func (c *Core) callAsked(ev CallAsked) {
	c.token = ev.Token
	k := key{ev.ID, ev.Mark}
	p := c.peer(ev.ID.Coordinator)
	lv := c.find(k)
	switch c.self.GuardCall(ev.Enlistment, p.passed.Has(ev.ID), lv != nil) {
	case protocol.OtherIncarnation:
		c.refuse(txc.CodeAbortOnly, "the participant has started anew since the branch was opened")
		return
	case protocol.BelowWatermark:
		c.refuse(txc.CodeBelowWatermark, "the transaction is over")
		return
	case protocol.NotMine, protocol.FencedOff, protocol.FirstSeen, protocol.Admitted:
	}
	if lv == nil && p.seen().Stand(ev.ID.Epoch, ev.Mark) == protocol.Refused { // a client's word raises no fence
		c.refuse(txc.CodeFenced, "the coordinator has opened anew since the transaction began")
		return
	}
	if lv == nil || lv.looking {
		if reason := c.full(p); reason != nil || lv != nil {
			c.refuse(txc.CodeBusy, "the branch cannot be opened now")
			return
		}
		lv = c.opened(k, ev)
		if lv == nil {
			return
		}
	}
	if lv.machine.Phase == protocol.Working && ev.Enlistment.Calls != lv.machine.Calls {
		c.because(lv, txc.CodeWrongCalls, "a call bore another number of calls than the participant saw")
	}
	c.feed(lv, protocol.CallBegan{Calls: ev.Enlistment.Calls})
}

// opened makes the branch that a first call opens.
func (c *Core) opened(k key, ev CallAsked) *live {
	if ev.TimeLeft <= 0 {
		c.refuse(txc.CodeDeadline, "no time was left")
		return nil
	}
	lv := c.born(k)
	lv.store.Age = ev.Age
	lv.deadline = c.now + min(ev.TimeLeft, txc.MaxTimeout)
	return lv
}

func (c *Core) callOver(ev CallOver) {
	c.token = ev.Token
	lv := c.branches[c.running[ev.Call]]
	delete(c.running, ev.Call)
	if lv == nil {
		c.refuse(txc.CodeAbortOnly, "no such call runs")
		return
	}
	if ev.Failed {
		c.because(lv, txc.CodeAbortOnly, "a call of the transaction failed")
	}
	c.feed(lv, protocol.CallEnded{Failed: ev.Failed})
}

// answer answers who asked: with the token of the event that is being handled, unless it bears one.
func (c *Core) answer(a Answer) {
	if a.Token == 0 {
		a.Token = c.token
	}
	c.out.Answers = append(c.out.Answers, a)
}

func (c *Core) refuse(code txc.Code, text string) {
	c.answer(Answer{Err: txc.Refuse(txc.ErrAborted, code, text)})
}

func refused(lv *live) error {
	return txc.Refuse(txc.ErrAborted, txc.CodeAbortOnly, fmt.Sprintf("branch %s: no call can run: it is %s", lv.ID, lv.machine.Phase))
}
