package protocol_test

import (
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

var everyEvent = []BranchEvent{
	CallBegan{}, CallBegan{Calls: 1}, CallEnded{}, CallEnded{Failed: true},
	PrepareAsked{}, PrepareAsked{MayRelease: true}, PrepareAsked{Joined: true}, PrepareAsked{Joined: true, Calls: 1},
	CommitTold{}, AbortTold{}, TimeUp{}, QuestionDue{}, WatermarkPassed{},
	DecisionHeard{}, DecisionHeard{Outcome: txc.Committed}, DecisionHeard{Outcome: txc.Aborted}, DecisionHeard{Outcome: txc.Unknown},
	DecisionHeard{Outcome: txc.Finished}, DecisionHeard{Outcome: txc.NotMine}, DecisionHeard{Outcome: txc.Committed, Acknowledged: true},
	Executed{}, Executed{txc.No}, Executed{txc.Yes}, Executed{txc.Held}, Executed{txc.ReadOnly},
	PromiseWritten{}, PromiseNotWritten{}, PromiseUnknown{}, PromiseUnknown{OwnStore: true},
	PromiseLost{}, PromiseLost{txc.Committed}, PromiseLost{txc.Aborted},
	ApplyWritten{}, ApplyWritten{Before: true}, ApplyNotWritten{}, ApplyRefused{}, ApplyGone{}, ApplyUnknown{}, ApplyUnknown{OwnStore: true},
	RolledBack{}, RolledBack{Committed: true}, RollbackFailed{},
	SettlementWritten{}, SettlementRefused{}, OperatorSettles{txc.Committed}, OperatorSettles{txc.Aborted},
	PromiseListed{}, PromiseListed{txc.Committed}, PromiseListed{txc.Aborted}, CommittedListed{},
}

// Whatever comes, in whatever order, legal or not: no invariant breaks, a promise ends by a decision, a person or the
// store's own word alone (P2), nothing is committed that was not told to be, and nobody is told yes without a promise.
func TestEveryEventInEveryState(t *testing.T) {
	seen := map[Branch]bool{{}: true}
	var acts []BranchAction
	for todo := []Branch{{}}; len(todo) > 0; {
		from := todo[0]
		todo = todo[1:]
		for _, ev := range everyEvent {
			to, more := from.Step(ev, acts[:0])
			acts = more
			if !to.Valid() {
				t.Fatalf("%v, on %s: %v is not valid", from, Transcript(ev), to)
			}
			if from.Phase == Promised && !to.Promise() && !endsPromise(ev) {
				t.Fatalf("P2: %v, on %s: %v", from, Transcript(ev), to)
			}
			if to.Phase == Applying && from.Phase != Applying && !commits(ev) {
				t.Fatalf("%v, on %s: %v, though nobody decided to commit", from, Transcript(ev), to)
			}
			for _, act := range acts {
				if v, ok := act.(GiveVote); ok && v.Vote.Promises() && to.Phase != Promised {
					t.Fatalf("P1: %v, on %s: votes %v in %v", from, Transcript(ev), v.Vote, to)
				}
			}
			if to.Calls < 3 && to.Running < 3 && !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	t.Logf("%d states", len(seen))
}

func commits(ev BranchEvent) bool {
	d, ok := ev.(DecisionHeard)
	return ev == CommitTold{} || ok && d.Outcome == txc.Committed
}

func endsPromise(ev BranchEvent) bool {
	d, ok := ev.(DecisionHeard)
	return ev == AbortTold{} || ok && d.Outcome.Decided()
}
