package protocol

import "github.com/txc-dev/txc"

// Before the promise: the branch may still abort by itself.

func (b Branch) stepWorking(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CallBegan:
		if ev.Calls != b.Calls || b.Running == MaxRunning {
			return b.undo(append(acts, RefuseCall{}))
		}
		b.Running++
		return b, append(acts, RunCall{})
	case CallEnded:
		if b.Running == 0 {
			return b, acts
		}
		b.Running--
		if ev.Failed {
			return b.undo(append(acts, GiveTrailer{Calls: b.Calls, Doomed: true}))
		}
		b.Calls++
		return b, append(acts, GiveTrailer{Calls: b.Calls})
	case PrepareAsked:
		b.OweVote = true
		if !ev.Joined || ev.Calls != b.Calls || b.Running > 0 {
			return b.undo(acts)
		}
		b.Phase, b.Executing, b.MayRelease = Preparing, true, ev.MayRelease
		return b, append(acts, Execute{Joined: true})
	case TimeUp:
		return b.undo(acts)
	case AbortTold:
		b.OweAbort = true
		return b.undo(acts)
	case CommitTold:
		return b, append(acts, GiveFate{txc.NeverPrepared}, Alarm{CommitUnpromised})
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	default:
		return b, acts
	}
}

func (b Branch) stepPreparing(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case Executed:
		b.Executing = false
		return b.executed(ev.Vote, acts)
	case TimeUp:
		return b.undo(acts)
	case AbortTold:
		b.OweAbort = true
		return b.undo(acts)
	case CommitTold:
		return b, append(acts, Alarm{CommitUnpromised})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	default:
		return b, acts
	}
}

func (b Branch) executed(vote txc.Vote, acts []BranchAction) (Branch, []BranchAction) {
	switch {
	case vote.Promises():
		b.Phase, b.Vote = Promising, vote
		return b, append(acts, WritePromise{})
	case vote == txc.ReadOnly && b.MayRelease:
		b = gone(txc.Aborted)
		b.Vote = txc.ReadOnly
		return b, append(acts, Release{}, GiveVote{Vote: txc.ReadOnly})
	case vote == txc.ReadOnly:
		return b.undo(append(acts, Alarm{ReadOnlyUnreleased}))
	default:
		return b.undo(acts)
	}
}

func (b Branch) stepPromising(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case PromiseWritten:
		if b.Late || b.Denied { // nobody was told yes, and nobody will be
			return b.undo(acts)
		}
		b = Branch{Phase: Promised, Vote: b.Vote}
		return b, append(acts, GiveVote{Vote: b.Vote}, ArmQuestion{})
	case PromiseNotWritten:
		return b.undo(acts)
	case PromiseUnknown:
		if ev.OwnStore {
			return b, append(acts, StopStore{})
		}
		b.Unknown = true
		return b, append(acts, LookForPromise{})
	case TimeUp:
		if !b.Unknown || !b.OweVote {
			return b, acts
		}
		b.OweVote, b.Denied = false, true
		return b, append(acts, GiveVote{Vote: txc.No})
	case AbortTold:
		b.Late, b.OweAbort = true, true
		return b, acts
	case CommitTold:
		return b, append(acts, Alarm{CommitUnpromised})
	case CallBegan:
		return b, append(acts, RefuseCall{})
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	default:
		return b, acts
	}
}

// undo rolls the branch back, once what still runs of it has ended.
func (b Branch) undo(acts []BranchAction) (Branch, []BranchAction) {
	b = Branch{Phase: Undoing, Vote: b.Vote, Calls: b.Calls, Running: b.Running, Executing: b.Executing, OweVote: b.OweVote, OweAbort: b.OweAbort}
	if b.Running > 0 || b.Executing {
		return b, append(acts, CancelExecution{})
	}
	return b, append(acts, RollBack{})
}

func (b Branch) stepUndoing(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CallEnded:
		if b.Running == 0 {
			return b, acts
		}
		b.Running--
		return b.quiet(append(acts, GiveTrailer{Calls: b.Calls, Doomed: true}))
	case Executed:
		if !b.Executing {
			return b, acts
		}
		b.Executing = false
		return b.quiet(acts)
	case RolledBack:
		return b.rolledBack(ev.Committed, acts)
	case RollbackFailed:
		return b, append(acts, RollBack{Again: true})
	case AbortTold:
		b.OweAbort = true
		return b, acts
	case PrepareAsked:
		b.OweVote = true
		return b, acts
	case CommitTold:
		return b, append(acts, Alarm{CommitAfterAbort})
	case DecisionHeard:
		if ev.Outcome == txc.Committed {
			acts = append(acts, Alarm{CommitAfterAbort})
		}
		return b, acts
	case CallBegan:
		return b, append(acts, RefuseCall{})
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	default:
		return b, acts
	}
}

func (b Branch) quiet(acts []BranchAction) (Branch, []BranchAction) {
	if b.Running > 0 || b.Executing {
		return b, acts
	}
	return b, append(acts, RollBack{})
}

// rolledBack pays what is owed. A store that proves the contrary was meddled with: the branch is settled as committed,
// against the decision, and says so until the coordinator has it durably (H4).
func (b Branch) rolledBack(committed bool, acts []BranchAction) (Branch, []BranchAction) {
	fate, vote := txc.AbortedNow, GiveVote{Vote: txc.No, Certain: true}
	if committed {
		fate, vote = txc.CommittedBefore, GiveVote{Vote: txc.No}
	} else {
		acts = append(acts, Release{})
	}
	if b.OweVote {
		acts = append(acts, vote)
	}
	if b.OweAbort {
		acts = append(acts, GiveFate{fate})
	}
	if !committed {
		return gone(txc.Aborted), acts
	}
	b = Branch{Phase: Settled, How: txc.Committed, Vote: txc.Yes, Lost: true}
	return b, append(acts, Alarm{SettledOtherwise}, ArmQuestion{})
}
