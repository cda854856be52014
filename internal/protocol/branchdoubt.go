package protocol

import "github.com/txc-dev/txc"

// After the promise: only the decision, or a person, ends the branch (P2).

func (b Branch) stepPromised(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CommitTold:
		return b.apply(acts)
	case AbortTold:
		b.OweAbort = true
		return b.undo(acts)
	case DecisionHeard:
		switch ev.Outcome {
		case txc.Committed:
			return b.apply(acts)
		case txc.Aborted:
			return b.undo(acts)
		case txc.Finished:
			return Branch{Phase: InHazard, Vote: b.Vote}, append(acts, Alarm{FinishedInDoubt}, ArmQuestion{})
		default:
			return b, acts // undecided, not mine, unknown: keep it, and ask again
		}
	case PrepareAsked:
		return b, append(acts, GiveVote{Vote: b.Vote})
	case QuestionDue:
		return b, append(acts, AskDecision{}, ArmQuestion{})
	case OperatorSettles:
		return b.settle(ev.Outcome, acts)
	case PromiseLost:
		return b.lost(ev.Known, acts)
	case CallBegan:
		return b, append(acts, RefuseCall{})
	default:
		return b, acts
	}
}

func (b Branch) apply(acts []BranchAction) (Branch, []BranchAction) {
	return Branch{Phase: Applying, Vote: b.Vote}, append(acts, WriteApply{})
}

func (b Branch) settle(o txc.Outcome, acts []BranchAction) (Branch, []BranchAction) {
	b = Branch{Phase: Settled, How: o, Vote: b.Vote, Writing: true, Lost: b.Lost}
	return b, append(acts, WriteSettlement{o})
}

// lost takes the store's own word for what became of a promise that it no longer has.
func (b Branch) lost(known txc.Outcome, acts []BranchAction) (Branch, []BranchAction) {
	if !known.Decided() {
		return Branch{Phase: InHazard, Vote: b.Vote, Lost: true}, append(acts, Alarm{PromiseGone}, ArmQuestion{})
	}
	b = Branch{Phase: Settled, How: known, Vote: b.Vote, Lost: true, Proof: known == txc.Aborted}
	return b, append(acts, Alarm{SettledOtherwise}, ArmQuestion{})
}

func (b Branch) stepApplying(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case ApplyWritten:
		fate := txc.CommittedNow
		if ev.Before {
			fate = txc.CommittedBefore
		}
		return gone(txc.Committed), append(acts, Release{}, GiveFate{fate})
	case ApplyNotWritten:
		return b, append(acts, WriteApply{Again: true}, Alarm{CommitDelayed})
	case ApplyRefused:
		b = Branch{Phase: Settled, How: txc.Aborted, Vote: b.Vote, Lost: true, Proof: true}
		return b, append(acts, GiveFate{txc.AbortedBefore}, Alarm{SettledOtherwise}, ArmQuestion{})
	case ApplyGone:
		b = Branch{Phase: InHazard, Vote: b.Vote, Lost: true}
		return b, append(acts, GiveFate{txc.Hazard}, Alarm{PromiseGone}, ArmQuestion{})
	case ApplyUnknown:
		if ev.OwnStore {
			return b, append(acts, StopStore{})
		}
		return b, append(acts, WriteApply{Again: true}, Alarm{CommitDelayed}) // applying is repeatable: that is how to look
	case AbortTold:
		return b, append(acts, Alarm{AbortAfterCommit})
	case DecisionHeard:
		if ev.Outcome == txc.Aborted {
			acts = append(acts, Alarm{AbortAfterCommit})
		}
		return b, acts
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	default:
		return b, acts
	}
}

func (b Branch) stepGone(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	committed := b.How == txc.Committed
	switch ev.(type) {
	case CommitTold:
		switch {
		case committed:
			return b, append(acts, GiveFate{txc.CommittedBefore})
		case b.Proof:
			return b, append(acts, GiveFate{txc.AbortedBefore}, Alarm{CommitAfterAbort})
		default:
			return b, append(acts, GiveFate{txc.NeverPrepared}, Alarm{CommitAfterAbort})
		}
	case AbortTold:
		if committed {
			return b, append(acts, GiveFate{txc.CommittedBefore}, Alarm{AbortAfterCommit})
		}
		return b, append(acts, GiveFate{txc.AbortedNow})
	case PrepareAsked:
		return b, append(acts, GiveVote{Vote: txc.No, Certain: true})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	case WatermarkPassed:
		return Branch{}, append(acts, DropBranch{})
	default:
		return b, acts
	}
}

func (b Branch) stepHazard(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CommitTold:
		if b.Lost {
			return b, append(acts, GiveFate{txc.Hazard}, Alarm{PromiseGone})
		}
		return b.apply(acts)
	case DecisionHeard: // a commit that is recorded after all; every other answer leaves it to a person
		if ev.Outcome == txc.Committed && !b.Lost {
			return b.apply(acts)
		}
		return b, acts
	case AbortTold:
		return b, append(acts, Alarm{SettledOtherwise})
	case OperatorSettles:
		return b.settle(ev.Outcome, acts)
	case QuestionDue:
		return b, append(acts, AskDecision{}, ArmQuestion{})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	default:
		return b, acts
	}
}
