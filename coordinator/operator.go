package coordinator

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// askResolve settles a branch of a committed transaction here (H3): it ends the waiting, never the record.
func (c *Core) askResolve(ev AskResolve) {
	if err := signed(ev.Who, ev.Why); err != nil {
		c.answer(Answered{Token: ev.Token, Err: err})
		return
	}
	if ref := c.mine(ev.ID); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	l := c.live[ev.ID]
	switch {
	case !ev.Outcome.Decided():
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeBadName, "settle a branch as committed or as aborted")
		return
	case l == nil:
		c.answer(Answered{Token: ev.Token, Err: c.gone(ev.ID, "is not in flight here; settle a promised branch at its participant (--at)")})
		return
	case l.tx.Phase <= protocol.Deciding:
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeWrongState, ev.ID.String()+" is "+l.tx.Phase.String()+", not decided: abort it instead")
		return
	}
	i := -1
	if p := c.peers[ev.Participant]; p != nil {
		i = l.branchOf(p)
	}
	if i < 0 || !l.tx.Missing().Has(i) || l.tx.Busy.Has(i) || l.tx.Settled.Has(i) {
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeWrongState, fmt.Sprintf("%s does not wait for %q", ev.ID, note(ev.Participant, maxWho)))
		return
	}
	b := &l.branches[i]
	b.who, b.why, b.outcome = ev.Who, ev.Why, ev.Outcome
	b.then = append(b.then, func(c *Core) { c.answer(Answered{Token: ev.Token, Detail: c.detail(l)}) })
	if ev.Outcome == txc.Committed {
		c.step(l, protocol.SettleBranch{Branch: i})
		return
	}
	b.reason = txc.Reason{Code: txc.CodeOperator, Text: fmt.Sprintf("%s says that it aborted: %s", ev.Who, ev.Why), Participant: ev.Participant}
	c.step(l, protocol.Answered{Branch: i, Fate: txc.AbortedBefore})
}

// askAcknowledge ends the listing of a heuristic (H1).
func (c *Core) askAcknowledge(ev AskAcknowledge) {
	if err := signed(ev.Who, ev.Why); err != nil {
		c.answer(Answered{Token: ev.Token, Err: err})
		return
	}
	l, o := c.live[ev.ID], c.odd[ev.ID]
	if (l == nil || l.tx.Odd == 0) && (o == nil || !o.shown() || o.excused()) {
		c.answer(Answered{Token: ev.Token, Err: c.gone(ev.ID, "has no heuristic branch to acknowledge")})
		return
	}
	body := wal.ResolutionBody{What: wal.ResolveAcknowledge, Who: ev.Who, Why: ev.Why}
	c.append(wal.New(ev.ID, c.w.Now, body), done{call: func(c *Core, lsn uint64) {
		if o != nil {
			c.excuse(o)
			c.answer(Answered{Token: ev.Token, Detail: c.oddDetail(o)})
			return
		}
		l.note(c, acknowledged, -1, lsn, ev.Who+": "+ev.Why)
		c.step(l, protocol.Excuse{})
		c.answer(Answered{Token: ev.Token, Detail: c.detail(l)})
	}})
}

func (c *Core) askAccept(ev AskAccept) {
	if err := signed(ev.Who, ev.Why); err != nil {
		c.answer(Answered{Token: ev.Token, Err: err})
		return
	}
	if ev.Why == "" {
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeBadName, "a reason is needed: it is recorded")
		return
	}
	if ev.What == wal.ResolveLoss {
		c.acceptLoss(ev)
		return
	}
	p := c.peers[ev.Participant]
	if p != nil && p.saving {
		c.alone(p, func() { c.askAccept(ev) })
		return
	}
	switch {
	case ev.What != wal.ResolveParticipant && ev.What != wal.ResolveGone:
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("accept loss, participant or gone, not %q", ev.What))
	case p == nil || p.reg.State == "":
		c.refuse(ev.Token, txc.ErrNotFound, txc.CodeUnknownParticipant, fmt.Sprintf("no participant %q is registered here", note(ev.Participant, maxWho)))
	case ev.What == wal.ResolveParticipant && !p.quarantined():
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeWrongState, ev.Participant+" is not quarantined: there is nothing to accept")
	case ev.What == wal.ResolveParticipant && p.shown.Instance == [16]byte{}:
		c.refuse(ev.Token, txc.ErrUnavailable, txc.CodeUnreachable, ev.Participant+" has not shown its store since this coordinator started: start it first")
	case ev.What == wal.ResolveGone && p.ready:
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeWrongState, ev.Participant+" answers: it is not gone; remove it with `txc participants remove`")
	default:
		c.acceptPeer(p, ev)
	}
}

// acceptPeer takes a quarantined participant's new store for what it is, or counts one that will not come back as heard.
func (c *Core) acceptPeer(p *peer, ev AskAccept) {
	next := p.reg
	next.Who, next.Why = ev.Who, ev.Why
	if ev.What == wal.ResolveGone {
		next.State = wal.StateGone
	} else {
		next.State, next.Instance, next.Stamp = wal.StateActive, p.shown.Instance, p.shown.Stamp
	}
	body := wal.ResolutionBody{What: ev.What, Participant: p.name, Instance: next.Instance, Stamp: next.Stamp, Who: ev.Who, Why: ev.Why}
	c.append(wal.New(txc.ID{}, c.w.Now, body), done{})
	c.saveReg(p, next, func() {
		if c.dials(p) {
			c.redial(p)
		} else {
			c.hangup(p)
		}
		c.nowCounts()
		c.answer(Answered{Token: ev.Token, Status: c.status()})
	})
}

// askRemove drains a participant, and removes it once no record needs it and its own list is empty (C13).
func (c *Core) askRemove(ev AskRemove) {
	if err := signed(ev.Who, ev.Why); err != nil {
		c.answer(Answered{Token: ev.Token, Err: err})
		return
	}
	p := c.peers[ev.Participant]
	if p == nil || p.reg.State == "" {
		c.refuse(ev.Token, txc.ErrNotFound, txc.CodeUnknownParticipant, fmt.Sprintf("no participant %q is registered here", note(ev.Participant, maxWho)))
		return
	}
	c.alone(p, func() { c.remove(p, ev) })
}

func (c *Core) remove(p *peer, ev AskRemove) {
	switch {
	case p.leaving():
		c.answer(Answered{Token: ev.Token, Status: c.status()})
		return
	case p.quarantined():
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeQuarantined, p.name+" is quarantined: "+p.reg.Why+"; accept it first, or declare it gone")
		return
	}
	next := p.reg
	next.State, next.Who, next.Why = wal.StateDraining, ev.Who, ev.Why
	c.saveReg(p, next, func() {
		c.answer(Answered{Token: ev.Token, Status: c.status()})
	})
}

// finishRemovals removes those that drained: nothing unfinished here, and then an empty list there.
func (c *Core) finishRemovals() {
	for _, p := range c.byName {
		if p.reg.State != wal.StateDraining || p.saving || p.load > 0 || c.recorded(p) {
			continue
		}
		if !p.empty {
			if p.sweep.stage == resting {
				c.startSweep(p)
			}
			continue
		}
		next := p.reg
		next.State = wal.StateRemoved
		c.saveReg(p, next, func() {
			c.hangup(p)
			c.nowCounts()
		})
	}
}

// recorded reports whether a record beside the commits, which its load counts, still needs the participant.
func (c *Core) recorded(p *peer) bool {
	return slices.ContainsFunc(c.oddIDs(), func(id txc.ID) bool {
		o := c.odd[id]
		return !o.excused() && slices.ContainsFunc(o.branches, func(b oddBranch) bool { return b.participant == p.name })
	})
}
