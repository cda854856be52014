package protocol

import "github.com/txc-dev/txc"

// stepSettled waits for the decision: equal, the branch is done with; different, it is reported until the coordinator
// has it durably and an operator there has acknowledged it (H4). While the settlement is being written, everything else
// waits: the coordinator repeats a Commit, and an Abort that was missed is found by asking.
func (b Branch) stepSettled(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case SettlementWritten:
		b.Lost = false
		return b.settlementWritten(acts)
	case SettlementRefused:
		if b.Lost { // there was no promise to be settled: the operator's word stands in memory, and at the coordinator
			return b.settlementWritten(acts)
		}
		if b.Writing {
			b = Branch{Phase: Promised, Vote: b.Vote}
			acts = append(acts, RefuseSettle{}, ArmQuestion{})
		}
		return b, acts
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	case QuestionDue:
		if b.Writing {
			return b, append(acts, ArmQuestion{})
		}
		return b, append(acts, AskDecision{}, ArmQuestion{})
	default:
		if b.Writing {
			return b, acts
		}
		return b.compare(ev, acts)
	}
}

// compare holds the decision against what was settled.
func (b Branch) compare(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CommitTold:
		if b.How == txc.Committed {
			return b.reconciled(append(acts, GiveFate{txc.CommittedBefore}))
		}
		return b, append(acts, GiveFate{txc.AbortedBefore}, Alarm{SettledOtherwise})
	case AbortTold:
		if b.How == txc.Aborted {
			return b.reconciled(append(acts, GiveFate{txc.AbortedNow}))
		}
		return b, append(acts, GiveFate{txc.CommittedBefore}, Alarm{SettledOtherwise})
	case DecisionHeard:
		if ev.Outcome == b.How || ev.Acknowledged {
			return b.reconciled(acts)
		}
		if ev.Outcome.Decided() {
			acts = append(acts, Alarm{SettledOtherwise})
		}
		return b, acts
	default:
		return b, acts
	}
}

func (b Branch) settlementWritten(acts []BranchAction) (Branch, []BranchAction) {
	if !b.Writing {
		return b, acts
	}
	b.Writing, b.Proof = false, b.How == txc.Aborted
	fate := txc.CommittedNow
	if b.How == txc.Aborted {
		fate = txc.AbortedNow
	}
	return b, append(acts, GiveSettled{fate}, AskDecision{}, ArmQuestion{})
}

// reconciled ends a settled branch: nothing about it is left to be told.
func (b Branch) reconciled(acts []BranchAction) (Branch, []BranchAction) {
	if !b.Lost {
		acts = append(acts, DropSettlement{})
	}
	acts = append(acts, Release{})
	return Branch{Phase: Gone, How: b.How, Proof: b.How == txc.Aborted}, acts
}
