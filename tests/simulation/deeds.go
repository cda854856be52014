package simulation

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// verbs are the deeds that the store takes as requests.
var verbs = map[participant.Deed]participant.Verb{
	participant.DeedPrepare: participant.VerbPrepare, participant.DeedCommit: participant.VerbCommit, participant.DeedAbort: participant.VerbAbort,
}

// call gives the store one deed of the agent.
func (p *participantNode) call(c participant.Call) {
	p.w.number(uint64(c.Deed)<<56 | c.Branch.ID.Sequence)
	if p.w.read() {
		p.w.print("%s %s %s", p.name, c.Deed, c.Branch.ID)
	}
	name := engine.Name{ID: c.Branch.ID, Mark: c.Branch.Mark}
	switch c.Deed {
	case participant.DeedPrepare, participant.DeedCommit, participant.DeedAbort:
		r := participant.Request{Verb: verbs[c.Deed], Branch: c.Branch, Joined: c.Joined, Work: c.Work, Evidence: c.Evidence, Relaxed: c.Relaxed}
		if c.Deed == participant.DeedPrepare {
			p.w.excuses.attempt(participant.Proof{ID: c.Branch.ID, Mark: c.Branch.Mark}, c.Work)
			r.Deadline = p.clock().Add(p.booted + c.Deadline - p.w.now)
		}
		p.asks = append(p.asks, &engine.Ask{N: c.N, Request: r})
	case participant.DeedCancel:
		p.asks = append(p.asks, &engine.Cancel{Name: name})
		p.did(c, participant.Done{})
	case participant.DeedSettle:
		p.asks = append(p.asks, &engine.Settle{N: c.N, Name: name, Settlement: c.Settlement})
	case participant.DeedDrop:
		p.asks = append(p.asks, &engine.Reconcile{N: c.N, Name: name})
	case participant.DeedForget:
		p.asks = append(p.asks, &engine.Forget{Below: c.Below, But: c.But})
		p.did(c, participant.Done{})
	case participant.DeedRemember:
		p.asks = append(p.asks, &engine.Remember{N: c.N, Seen: c.Seen})
	case participant.DeedList:
		p.did(c, participant.Done{InDoubt: p.engine.InDoubt(), Committed: p.engine.Committed(c.Below)})
	}
}

// did completes a deed at once.
func (p *participantNode) did(c participant.Call, d participant.Done) {
	d.N, d.Stamp = c.N, p.engine.Stamp()
	p.put(d)
}

// inquire is the unary question, over a connection of its own.
func (p *participantNode) inquire(q participant.Inquire) {
	life, c := p.life, p.w.anyCoordinator()
	reply := func(told protocol.Told, err error) {
		p.w.after(p.w.between(50*time.Microsecond, time.Millisecond), func() {
			if p.life == life {
				p.put(participant.Told{ID: q.Question.ID, Mark: q.Question.Mark, Told: told, Err: err})
			}
		})
	}
	if !c.up || p.w.fault(lose) {
		reply(protocol.Told{}, txc.ErrUnavailable)
		return
	}
	c.ask(func(t coordinator.Token) coordinator.Event {
		return coordinator.AskInquire{Token: t, Question: q.Question}
	},
		func(a coordinator.Answered) { reply(a.Answer, a.Err) })
}
