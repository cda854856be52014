package protocol_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// Branches as the rows below start with them.
var (
	none      = Branch{}
	working   = Branch{Phase: Working, Calls: 1}
	calling   = Branch{Phase: Working, Calls: 1, Running: 1}
	preparing = Branch{Phase: Preparing, Executing: true, OweVote: true}
	releasing = Branch{Phase: Preparing, Executing: true, OweVote: true, MayRelease: true}
	promising = Branch{Phase: Promising, Vote: txc.Yes, OweVote: true}
	lateProm  = Branch{Phase: Promising, Vote: txc.Yes, OweVote: true, OweAbort: true, Late: true}
	looking   = Branch{Phase: Promising, Vote: txc.Yes, OweVote: true, Unknown: true}
	denied    = Branch{Phase: Promising, Vote: txc.Yes, Unknown: true, Denied: true}
	promised  = Branch{Phase: Promised, Vote: txc.Yes}
	held      = Branch{Phase: Promised, Vote: txc.Held}
	applying  = Branch{Phase: Applying, Vote: txc.Yes}
	undoing   = Branch{Phase: Undoing}
	undoVote  = Branch{Phase: Undoing, OweVote: true}
	undoBoth  = Branch{Phase: Undoing, Vote: txc.Yes, OweVote: true, OweAbort: true}
	undoExec  = Branch{Phase: Undoing, Executing: true, OweVote: true, OweAbort: true}
	undoCalls = Branch{Phase: Undoing, Calls: 1, Running: 1}
	goneC     = Branch{Phase: Gone, How: txc.Committed}
	goneA     = Branch{Phase: Gone, How: txc.Aborted}
	goneRO    = Branch{Phase: Gone, How: txc.Aborted, Vote: txc.ReadOnly}
	goneProof = Branch{Phase: Gone, How: txc.Aborted, Proof: true}
	settlingC = Branch{Phase: Settled, How: txc.Committed, Vote: txc.Yes, Writing: true}
	settlingA = Branch{Phase: Settled, How: txc.Aborted, Vote: txc.Yes, Writing: true}
	settledC  = Branch{Phase: Settled, How: txc.Committed, Vote: txc.Yes}
	settledA  = Branch{Phase: Settled, How: txc.Aborted, Vote: txc.Yes, Proof: true}
	storeC    = Branch{Phase: Settled, How: txc.Committed, Vote: txc.Yes, Lost: true}
	storeA    = Branch{Phase: Settled, How: txc.Aborted, Vote: txc.Yes, Lost: true, Proof: true}
	hazard    = Branch{Phase: InHazard, Vote: txc.Yes}
	hazardous = Branch{Phase: InHazard, Vote: txc.Yes, Lost: true}

	no          = GiveVote{Vote: txc.No}
	noCertain   = GiveVote{Vote: txc.No, Certain: true}
	abortedNow  = GiveFate{txc.AbortedNow}
	neverPrep   = GiveFate{txc.NeverPrepared}
	comBefore   = GiveFate{txc.CommittedBefore}
	abortBefore = GiveFate{txc.AbortedBefore}
)

type row struct {
	proves string
	from   Branch
	ev     BranchEvent
	to     Branch
	acts   []BranchAction
}

func run(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.proves, func(t *testing.T) {
			to, acts := r.from.Step(r.ev, nil)
			if to != r.to || !slices.Equal(acts, r.acts) {
				t.Errorf("%v, on %s:\n got %v, then %v\nwant %v, then %v", r.from, Transcript(r.ev), to, acts, r.to, r.acts)
			}
			if !r.from.Valid() || !to.Valid() {
				t.Errorf("%v, on %s: %v: an invariant does not hold", r.from, Transcript(r.ev), to)
			}
		})
	}
}

func a(acts ...BranchAction) []BranchAction { return acts }

func TestNothingKnown(t *testing.T) {
	run(t, []row{
		{"the first call opens the branch", none, CallBegan{}, Branch{Phase: Working, Running: 1}, a(ArmTimeUp{}, RunCall{})},
		{"P4: a later call never opens one", none, CallBegan{Calls: 1}, goneA, a(RefuseCall{})},
		{"a shipped Prepare executes", none, PrepareAsked{}, preparing, a(ArmTimeUp{}, Execute{})},
		{"P4: a closing Prepare that finds no branch is a No", none, PrepareAsked{Joined: true, Calls: 1}, goneA, a(noCertain)},
		{"P4: an empty rollback is acknowledged and remembered", none, AbortTold{}, goneA, a(abortedNow)},
		{"P7: a Commit of what left no trace is never success", none, CommitTold{}, none, a(neverPrep)},
		{"P10: a promise found in the store keeps its locks and asks", none, PromiseListed{}, promised, a(RestoreLocks{}, ArmQuestion{})},
		{"H4: a settled one found in the store keeps asking", none, PromiseListed{txc.Committed}, settledC, a(ArmQuestion{})},
		{"a marker found in the store", none, CommittedListed{}, goneC, nil},
		{"H2: nothing to be settled", none, OperatorSettles{txc.Aborted}, none, a(RefuseSettle{})},
	})
}

func TestWorking(t *testing.T) {
	run(t, []row{
		{"a call with an equal count runs", working, CallBegan{Calls: 1}, calling, a(RunCall{})},
		{"a call with another count dooms the branch", working, CallBegan{Calls: 2}, undoOf(working), a(RefuseCall{}, RollBack{})},
		{"a call that ended is counted, and its trailer says so", calling, CallEnded{}, Branch{Phase: Working, Calls: 2}, a(GiveTrailer{Calls: 2})},
		{"a failed call dooms the branch", calling, CallEnded{Failed: true}, Branch{Phase: Undoing, Calls: 1}, a(GiveTrailer{Calls: 1, Doomed: true}, RollBack{})},
		{"a closing Prepare, equal, with no call running, closes", working, PrepareAsked{Joined: true, Calls: 1}, Branch{Phase: Preparing, Calls: 1, Executing: true, OweVote: true}, a(Execute{Joined: true})},
		{"a closing Prepare with another count rolls back", working, PrepareAsked{Joined: true, Calls: 2}, Branch{Phase: Undoing, Calls: 1, OweVote: true}, a(RollBack{})},
		{"a closing Prepare while a call runs rolls back", calling, PrepareAsked{Joined: true, Calls: 1}, Branch{Phase: Undoing, Calls: 1, Running: 1, OweVote: true}, a(CancelExecution{})},
		{"a shipped Prepare for a branch that calls opened rolls back", working, PrepareAsked{}, Branch{Phase: Undoing, Calls: 1, OweVote: true}, a(RollBack{})},
		{"P3: the deadline rolls back", working, TimeUp{}, undoOf(working), a(RollBack{})},
		{"an Abort rolls back, then replies", working, AbortTold{}, Branch{Phase: Undoing, Calls: 1, OweAbort: true}, a(RollBack{})},
		{"a Commit cannot be", working, CommitTold{}, working, a(neverPrep, Alarm{CommitUnpromised})},
	})
}

func undoOf(b Branch) Branch { return Branch{Phase: Undoing, Calls: b.Calls, Running: b.Running} }

func TestPreparing(t *testing.T) {
	run(t, []row{
		{"something to write: the promise is written", preparing, Executed{txc.Yes}, promising, a(WritePromise{})},
		{"S1: nothing but must hold: a promise is written", preparing, Executed{txc.Held}, Branch{Phase: Promising, Vote: txc.Held, OweVote: true}, a(WritePromise{})},
		{"nothing to write, may release: read-only", releasing, Executed{txc.ReadOnly}, goneRO, a(Release{}, GiveVote{Vote: txc.ReadOnly})},
		{"S1: released what had to be held", preparing, Executed{txc.ReadOnly}, undoVote, a(Alarm{ReadOnlyUnreleased}, RollBack{})},
		{"refused: rolled back", preparing, Executed{txc.No}, undoVote, a(RollBack{})},
		{"an execution without a vote is a No", preparing, Executed{}, undoVote, a(RollBack{})},
		{"P3: the deadline cancels", preparing, TimeUp{}, Branch{Phase: Undoing, Executing: true, OweVote: true}, a(CancelExecution{})},
		{"an Abort cancels; rolled back when the execution has ended", preparing, AbortTold{}, undoExec, a(CancelExecution{})},
		{"P4: a repeated Prepare executes nothing", preparing, PrepareAsked{}, preparing, nil},
		{"a Commit cannot be", preparing, CommitTold{}, preparing, a(Alarm{CommitUnpromised})},
		{"P1: written: the vote", promising, PromiseWritten{}, promised, a(GiveVote{Vote: txc.Yes}, ArmQuestion{})},
		{"certainly not written: rolled back", promising, PromiseNotWritten{}, Branch{Phase: Undoing, Vote: txc.Yes, OweVote: true}, a(RollBack{})},
		{"P11: fate unknown, own store: stop", promising, PromiseUnknown{OwnStore: true}, promising, a(StopStore{})},
		{"P11: fate unknown, external store: look", promising, PromiseUnknown{}, looking, a(LookForPromise{})},
		{"P11: still unknown: go on looking", looking, PromiseUnknown{}, looking, a(LookForPromise{})},
		{"P11: past the deadline No, not certain, and go on looking", looking, TimeUp{}, denied, a(no)},
		{"P11: the No is given once", denied, TimeUp{}, denied, nil},
		{"written after that No: rolled back", denied, PromiseWritten{}, Branch{Phase: Undoing, Vote: txc.Yes}, a(RollBack{})},
		{"P3: once issued the deadline means nothing", promising, TimeUp{}, promising, nil},
		{"an Abort is remembered", promising, AbortTold{}, lateProm, nil},
		{"written after an Abort: rolled back", lateProm, PromiseWritten{}, undoBoth, a(RollBack{})},
		{"P4: a repeated Prepare executes nothing, issued", promising, PrepareAsked{}, promising, nil},
		{"a Commit cannot be, issued", promising, CommitTold{}, promising, a(Alarm{CommitUnpromised})},
	})
}

func TestPromised(t *testing.T) {
	run(t, []row{
		{"Commit is applied", promised, CommitTold{}, applying, a(WriteApply{})},
		{"the answer committed is applied", promised, DecisionHeard{Outcome: txc.Committed}, applying, a(WriteApply{})},
		{"Abort is rolled back, then replied to", promised, AbortTold{}, Branch{Phase: Undoing, Vote: txc.Yes, OweAbort: true}, a(RollBack{})},
		{"the answer aborted is rolled back", promised, DecisionHeard{Outcome: txc.Aborted}, Branch{Phase: Undoing, Vote: txc.Yes}, a(RollBack{})},
		{"P2: undecided keeps it", promised, DecisionHeard{Outcome: txc.Undecided}, promised, nil},
		{"P2: not mine keeps it", promised, DecisionHeard{Outcome: txc.NotMine}, promised, nil},
		{"P2: unknown keeps it", promised, DecisionHeard{Outcome: txc.Unknown}, promised, nil},
		{"P2: silence asks again", promised, QuestionDue{}, promised, a(AskDecision{}, ArmQuestion{})},
		{"P2: the deadline means nothing", promised, TimeUp{}, promised, nil},
		{"P5: the watermark ends no promise", promised, WatermarkPassed{}, promised, nil},
		{"P2: finished is a hazard", promised, DecisionHeard{Outcome: txc.Finished}, hazard, a(Alarm{FinishedInDoubt}, ArmQuestion{})},
		{"P4: a repeated Prepare gets the same vote", held, PrepareAsked{}, held, a(GiveVote{Vote: txc.Held})},
		{"H2: an operator settles it", promised, OperatorSettles{txc.Committed}, settlingC, a(WriteSettlement{txc.Committed})},
		{"the store lost it, committed", promised, PromiseLost{txc.Committed}, storeC, a(Alarm{SettledOtherwise}, ArmQuestion{})},
		{"the store lost it, aborted", promised, PromiseLost{txc.Aborted}, storeA, a(Alarm{SettledOtherwise}, ArmQuestion{})},
		{"P7: the store lost it without proof", promised, PromiseLost{}, hazardous, a(Alarm{PromiseGone}, ArmQuestion{})},
		{"P4: a call is refused", promised, CallBegan{Calls: 1}, promised, a(RefuseCall{})},
	})
}

func TestApplying(t *testing.T) {
	run(t, []row{
		{"P11: written: committed now", applying, ApplyWritten{}, goneC, a(Release{}, GiveFate{txc.CommittedNow})},
		{"an earlier write of unknown fate had done it", applying, ApplyWritten{Before: true}, goneC, a(Release{}, comBefore)},
		{"certainly not written: again, and alarm", applying, ApplyNotWritten{}, applying, a(WriteApply{Again: true}, Alarm{CommitDelayed})},
		{"P7: refused for good, with proof", applying, ApplyRefused{}, storeA, a(abortBefore, Alarm{SettledOtherwise}, ArmQuestion{})},
		{"P7: gone without proof", applying, ApplyGone{}, hazardous, a(GiveFate{txc.Hazard}, Alarm{PromiseGone}, ArmQuestion{})},
		{"P11: fate unknown, own store: stop", applying, ApplyUnknown{OwnStore: true}, applying, a(StopStore{})},
		{"P11: fate unknown, external store: look", applying, ApplyUnknown{}, applying, a(WriteApply{Again: true}, Alarm{CommitDelayed})},
		{"Commit again", applying, CommitTold{}, applying, nil},
		{"an Abort cannot be", applying, AbortTold{}, applying, a(Alarm{AbortAfterCommit})},
		{"H2: the decision was first", applying, OperatorSettles{txc.Aborted}, applying, a(RefuseSettle{})},
	})
}

func TestUndoing(t *testing.T) {
	run(t, []row{
		{"rolled back: what is owed is paid", undoBoth, RolledBack{}, goneA, a(Release{}, noCertain, abortedNow)},
		{"rolled back, nothing owed", undoing, RolledBack{}, goneA, a(Release{})},
		{"failed: again", undoing, RollbackFailed{}, undoing, a(RollBack{Again: true})},
		{"the execution has ended: roll back", undoExec, Executed{txc.Yes}, Branch{Phase: Undoing, OweVote: true, OweAbort: true}, a(RollBack{})},
		{"the last call has ended: roll back", undoCalls, CallEnded{}, Branch{Phase: Undoing, Calls: 1}, a(GiveTrailer{Calls: 1, Doomed: true}, RollBack{})},
		{"an Abort is replied to after", undoing, AbortTold{}, Branch{Phase: Undoing, OweAbort: true}, nil},
		{"a Prepare is answered No after", undoing, PrepareAsked{}, undoVote, nil},
		{"a call is refused", undoing, CallBegan{}, undoing, a(RefuseCall{})},
		{"a Commit cannot be", undoing, CommitTold{}, undoing, a(Alarm{CommitAfterAbort})},
		{"H4: the store had committed it", undoBoth, RolledBack{Committed: true}, storeC, a(no, comBefore, Alarm{SettledOtherwise}, ArmQuestion{})},
	})
}

func TestGone(t *testing.T) {
	run(t, []row{
		{"P4: a repeated Commit is acknowledged", goneC, CommitTold{}, goneC, a(comBefore)},
		{"an Abort of a committed branch is reported", goneC, AbortTold{}, goneC, a(comBefore, Alarm{AbortAfterCommit})},
		{"a Prepare of a committed branch", goneC, PrepareAsked{}, goneC, a(noCertain)},
		{"P7: aborted before only with proof", goneProof, CommitTold{}, goneProof, a(abortBefore, Alarm{CommitAfterAbort})},
		{"P7: else never prepared", goneA, CommitTold{}, goneA, a(neverPrep, Alarm{CommitAfterAbort})},
		{"a Commit of a read-only branch", goneRO, CommitTold{}, goneRO, a(neverPrep, Alarm{CommitAfterAbort})},
		{"a repeated Abort", goneA, AbortTold{}, goneA, a(abortedNow)},
		{"P4: a Prepare after Abort is refused", goneA, PrepareAsked{}, goneA, a(noCertain)},
		{"P4: a call after Abort is refused", goneA, CallBegan{}, goneA, a(RefuseCall{})},
		{"P5: below the watermark it is forgotten", goneC, WatermarkPassed{}, none, a(DropBranch{})},
	})
}

func TestSettled(t *testing.T) {
	run(t, []row{
		{"durable: the operator hears, and it asks", settlingC, SettlementWritten{}, settledC, a(GiveSettled{txc.CommittedNow}, AskDecision{}, ArmQuestion{})},
		{"H2: no longer promised: refused", settlingA, SettlementRefused{}, promised, a(RefuseSettle{}, ArmQuestion{})},
		{"H2: a Commit waits for the write", settlingA, CommitTold{}, settlingA, nil},
		{"H4: the decision is equal", settledC, CommitTold{}, goneC, a(comBefore, DropSettlement{}, Release{})},
		{"H4: the answer is equal", settledA, DecisionHeard{Outcome: txc.Aborted}, goneProof, a(DropSettlement{}, Release{})},
		{"H4: an Abort is equal", settledA, AbortTold{}, goneProof, a(abortedNow, DropSettlement{}, Release{})},
		{"H4: the decision is different: mixed", settledA, CommitTold{}, settledA, a(abortBefore, Alarm{SettledOtherwise})},
		{"H4: an Abort is different: mixed", settledC, AbortTold{}, settledC, a(comBefore, Alarm{SettledOtherwise})},
		{"H4: the answer is different: reported until durable there", settledC, DecisionHeard{Outcome: txc.Aborted}, settledC, a(Alarm{SettledOtherwise})},
		{"H4: acknowledged: done", settledC, DecisionHeard{Outcome: txc.Aborted, Acknowledged: true}, goneC, a(DropSettlement{}, Release{})},
		{"H4: undecided asks again", settledC, DecisionHeard{}, settledC, nil},
		{"H4: silence asks again", settledC, QuestionDue{}, settledC, a(AskDecision{}, ArmQuestion{})},
		{"P5: the watermark ends no heuristic", settledC, WatermarkPassed{}, settledC, nil},
		{"H2: settled once", settledC, OperatorSettles{txc.Aborted}, settledC, a(RefuseSettle{})},
		{"what the store settled leaves no settlement to drop", storeC, CommitTold{}, goneC, a(comBefore, Release{})},
	})
}

func TestHazard(t *testing.T) {
	run(t, []row{
		{"Commit, promise there", hazard, CommitTold{}, applying, a(WriteApply{})},
		{"the answer committed, promise there", hazard, DecisionHeard{Outcome: txc.Committed}, applying, a(WriteApply{})},
		{"P7: Commit, promise gone", hazardous, CommitTold{}, hazardous, a(GiveFate{txc.Hazard}, Alarm{PromiseGone})},
		{"an operator settles it", hazard, OperatorSettles{txc.Aborted}, settlingA, a(WriteSettlement{txc.Aborted})},
		{"an operator settles one without a promise: his word stands", Branch{Phase: Settled, How: txc.Aborted, Vote: txc.Yes, Writing: true, Lost: true}, SettlementRefused{}, storeA, a(GiveSettled{txc.AbortedNow}, AskDecision{}, ArmQuestion{})},
		{"anything else: Abort", hazard, AbortTold{}, hazard, a(Alarm{SettledOtherwise})},
		{"anything else: aborted", hazard, DecisionHeard{Outcome: txc.Aborted}, hazard, nil},
		{"P2: it goes on asking", hazard, QuestionDue{}, hazard, a(AskDecision{}, ArmQuestion{})},
		{"P5: the watermark ends no hazard", hazardous, WatermarkPassed{}, hazardous, nil},
	})
}
