package protocol

import "github.com/txc-dev/txc"

// stepDecided is a committed transaction's life: repeat Commit until every member has answered, for ever.
func (t Tx) stepDecided(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch ev := ev.(type) {
	case Answered:
		return t.answer(ev, acts)
	case HeuristicLogged:
		t.Busy, t.Odd = t.Busy.Without(ev.Branch), t.Odd.With(ev.Branch)
		if !t.Told {
			t.Told = true
			acts = append(acts, Reply{ReplyMixed})
		}
		return t.answered(acts)
	case SettleBranch:
		if (t.awaited() &^ t.Busy).Has(ev.Branch) {
			t.Busy = t.Busy.With(ev.Branch)
			return t, append(acts, AppendResolution(ev))
		}
		return t, append(acts, RefuseEvent{})
	case ResolutionLogged:
		t.Busy = t.Busy.Without(ev.Branch)
		if t.Missing().Has(ev.Branch) {
			t.Settled = t.Settled.With(ev.Branch)
		}
		return t.answered(t.sendTo(ev.Branch, acts)) // who came back meanwhile was not told; the record needs its own answer
	case Excuse:
		t.Excused, t.Odd = t.Excused|t.Odd, 0
		return t.answered(acts)
	case Retry:
		return t, t.send(t.Missing()&^t.Busy, acts)
	case PeerBack:
		return t, t.sendTo(ev.Branch, acts)
	case Asked:
		return t, t.sendTo(ev.Branch, acts)
	case SaveAcks:
		if !t.Ends && t.Acked&^t.Saved != 0 { // an end that waits for a person does not hold the watermark back
			t.Saved = t.Acked
			acts = append(acts, AppendAcknowledged{t.Acked})
		}
		return t, acts
	case AnswerLimit:
		if t.Phase == Committing && !t.Told {
			t.Told = true
			acts = append(acts, Reply{ReplyStillApplying})
		}
		return t, acts
	case EndLogged:
		t.Phase = Ended
		return t, acts
	case LogFailed:
		t.Phase = Stopped
		return t, append(acts, Stop{})
	case Enlist:
		return t, append(acts, RefuseEvent{})
	default:
		return t, acts // cancel, deadline, a late vote: the decision stands
	}
}

func (t Tx) sendTo(branch int, acts []TxAction) []TxAction {
	return t.send(t.Missing()&^t.Busy&One(branch), acts)
}

// answer takes a branch's fate. A reply of a branch that has answered is ignored.
func (t Tx) answer(ev Answered, acts []TxAction) (Tx, []TxAction) {
	if !(t.Missing() &^ t.Busy).Has(ev.Branch) {
		return t, acts
	}
	switch ev.Fate {
	case txc.CommittedNow, txc.CommittedBefore:
		t.Acked = t.Acked.With(ev.Branch)
		return t.answered(acts)
	case txc.AbortedBefore, txc.NeverPrepared, txc.Hazard:
		t.Busy = t.Busy.With(ev.Branch)
		return t, append(acts, AppendHeuristic(ev))
	default:
		return t, acts // no answer, or one that makes no sense to a Commit: unknown, ask again
	}
}

// answered ends the waiting when the last member has answered, and the record when nothing is left that needs it.
func (t Tx) answered(acts []TxAction) (Tx, []TxAction) {
	if t.awaited()|t.Busy != 0 {
		return t, acts
	}
	t.Phase = Ending
	if !t.Told {
		t.Told = true
		acts = append(acts, Reply{t.finalReply()})
	}
	if t.Missing()|t.Odd == 0 && !t.Ends {
		t.Ends = true
		acts = append(acts, AppendEnd{})
	}
	return t, acts
}

// finalReply is the most that may be said once nobody is waited for: an operator's word about a branch (H3) is not the
// branch's own.
func (t Tx) finalReply() ReplyKind {
	switch {
	case t.Mixed():
		return ReplyMixed
	case t.Missing() != 0:
		return ReplyStillApplying
	default:
		return ReplyApplied
	}
}
