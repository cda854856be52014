package protocol_test

import (
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

func TestCommitting(t *testing.T) {
	waiting := with(committg, func(t *Tx) { t.Settled = set(0) })
	runTx(t, []txRow{
		{"committed now, others missing", committg, Answered{0, txc.CommittedNow}, oneLeft, nil},
		{"committed before, others missing", committg, Answered{0, txc.CommittedBefore}, oneLeft, nil},
		{"a reply of a branch that has answered is ignored", oneLeft, Answered{0, txc.NeverPrepared}, oneLeft, nil},
		{"P8: no answer is unknown: it stays missing", oneLeft, Answered{1, 0}, oneLeft, nil},
		{"P7: aborted is no answer to a Commit", oneLeft, Answered{1, txc.AbortedNow}, oneLeft, nil},
		{
			"the last answer ends the waiting", oneLeft, Answered{1, txc.CommittedNow},
			ending, do(Reply{ReplyApplied}, AppendEnd{}),
		},
		{"H1: aborted before is recorded first", oneLeft, Answered{1, txc.AbortedBefore}, oddTx, do(AppendHeuristic{1, txc.AbortedBefore})},
		{"H1: never prepared is recorded first", oneLeft, Answered{1, txc.NeverPrepared}, oddTx, do(AppendHeuristic{1, txc.NeverPrepared})},
		{"H1: a hazard is recorded first", oneLeft, Answered{1, txc.Hazard}, oddTx, do(AppendHeuristic{1, txc.Hazard})},
		{"H1: said again while it is recorded, it is recorded once", oddTx, Answered{1, txc.Hazard}, oddTx, nil},
		{"H1: once durable it is told, counts as answered, and needs an operator", oddTx, HeuristicLogged{1}, mixedTx, do(Reply{ReplyMixed})},
		{
			"H1: mixed is told at once, whoever else is missing", with(committg, func(t *Tx) { t.Busy = set(1) }), HeuristicLogged{1},
			with(committg, func(t *Tx) { t.Odd, t.Told = set(1), true }), do(Reply{ReplyMixed}),
		},
		{"H3: an operator's word is recorded first", oneLeft, SettleBranch{1}, settling, do(AppendResolution{1})},
		{"H3: nothing to settle where a branch has answered", oneLeft, SettleBranch{0}, oneLeft, do(RefuseEvent{})},
		{"H3: settled, it is not waited for, and no End is written", settling, ResolutionLogged{1}, settled, do(SendCommit{1}, Reply{ReplyStillApplying})},
		{"who has acknowledged is noted", oneLeft, SaveAcks{}, with(oneLeft, func(t *Tx) { t.Saved = set(0) }), do(AppendAcknowledged{set(0)})},
		{"and noted once", with(oneLeft, func(t *Tx) { t.Saved = set(0) }), SaveAcks{}, with(oneLeft, func(t *Tx) { t.Saved = set(0) }), nil},
		{"the client's limit", oneLeft, AnswerLimit{}, with(oneLeft, func(t *Tx) { t.Told = true }), do(Reply{ReplyStillApplying})},
		{"the timeout sends to the missing", committg, Retry{}, committg, do(SendCommit{0}, SendCommit{1})},
		{"H3: the timeout sends to whom an operator answered for, too", waiting, Retry{}, waiting, do(SendCommit{0}, SendCommit{1})},
		{"a peer that is back is told", oneLeft, PeerBack{1}, oneLeft, do(SendCommit{1})},
		{"H3: a settled peer that is back is told", waiting, PeerBack{0}, waiting, do(SendCommit{0})},
		{"a peer that is back and has answered is not", oneLeft, PeerBack{0}, oneLeft, nil},
		{"its question is answered by a Commit", oneLeft, Asked{1}, oneLeft, do(SendCommit{1})},
		{"C2: cancel changes nothing", oneLeft, Cancel{}, oneLeft, nil},
		{"C2: the deadline changes nothing", oneLeft, Deadline{}, oneLeft, nil},
		{"C2: a late No changes nothing", oneLeft, Voted{Branch: 1, Vote: txc.No}, oneLeft, nil},
		{"C2: a second completion changes nothing", oneLeft, Logged{}, oneLeft, nil},
		{"enlist is refused", oneLeft, Enlist{}, oneLeft, do(RefuseEvent{})},
		{"C3: a failed append stops", oddTx, LogFailed{}, with(oddTx, func(t *Tx) { t.Phase = Stopped }), do(Stop{})},
	})
}

func TestEnding(t *testing.T) {
	excused := with(mixedTx, func(t *Tx) { t.Odd, t.Excused, t.Ends = 0, set(1), true })
	own := with(settled, func(t *Tx) { t.Acked, t.Ends = set(0, 1), true })
	both := with(settled, func(t *Tx) { t.N, t.Yes, t.Odd = 3, set(0, 2), set(2) })
	runTx(t, []txRow{
		{"the durable End ends it", ending, EndLogged{}, endedTx, nil},
		{"a question of one that has answered is C4's", ending, Asked{1}, ending, nil},
		{"H1: a heuristic that is acknowledged lets it end", mixedTx, Excuse{}, excused, do(AppendEnd{})},
		{"the End is written once", excused, Excuse{}, excused, nil},
		{"H3: a settled branch's own answer lets it end", settled, Answered{1, txc.CommittedNow}, own, do(AppendEnd{})},
		{"H3: until then its question is answered", settled, Asked{1}, settled, do(SendCommit{1})},
		{
			"H1: a settled branch that answers against the decision is recorded", settled, Answered{1, txc.AbortedBefore},
			with(settled, func(t *Tx) { t.Busy = set(1) }), do(AppendHeuristic{1, txc.AbortedBefore}),
		},
		{"neither alone lets it end", both, Excuse{}, with(both, func(t *Tx) { t.Odd, t.Excused = 0, set(2) }), nil},
		{
			"P5: what waits for an operator notes who has acknowledged", mixedTx, SaveAcks{},
			with(mixedTx, func(t *Tx) { t.Saved = set(0) }), do(AppendAcknowledged{set(0)}),
		},
		{"no note beside an End", ending, SaveAcks{}, ending, nil},
		{"H3: its own answer is still asked for", settled, Retry{}, settled, do(SendCommit{1})},
	})
}

func TestEnded(t *testing.T) {
	for _, from := range []Tx{endedTx, abortedT} {
		for _, ev := range []TxEvent{
			Logged{}, EndLogged{}, LogFailed{}, Deadline{}, Cancel{}, Retry{}, Asked{0}, PeerBack{0}, PeerLost{0}, SaveAcks{},
			Voted{Branch: 0, Vote: txc.Yes}, Answered{0, txc.Hazard}, Excuse{}, SettleBranch{0}, AnswerLimit{}, AskCommit{}, Begin{},
		} {
			runTx(t, []txRow{{"C2: an ended one stays as it is: " + from.Decided.String() + ", " + Transcript(ev), from, ev, from, nil}})
		}
	}
}

// Whatever comes, in whatever order: no invariant breaks, a decision never changes (C2), and nobody hears committed
// before the record is durable (C1).
func TestEveryTxEventInEveryState(t *testing.T) {
	events := []TxEvent{
		Begin{}, BeginWhole{2}, Enlist{}, AskCommit{}, Doom{}, Cancel{}, Deadline{}, AnswerLimit{}, Retry{}, SaveAcks{},
		Logged{}, EndLogged{}, LogFailed{}, Excuse{}, Recovered{N: 2}, Recovered{N: 2, Acked: set(0), Odd: set(1)}, Recovered{N: 2, Settled: set(1)},
	}
	for i := range 2 {
		for f := range txc.Hazard + 2 {
			events = append(events, Answered{i, f})
		}
		for v := range txc.ReadOnly + 2 {
			events = append(events, Voted{Branch: i, Vote: v}, Voted{Branch: i, Vote: v, Certain: true})
		}
		events = append(events, PeerLost{i}, PeerBack{i}, Asked{i}, HeuristicLogged{i}, ResolutionLogged{i}, SettleBranch{i})
	}
	seen := map[Tx]bool{{}: true}
	for todo := []Tx{{}}; len(todo) > 0; todo = todo[1:] {
		from := todo[0]
		for _, ev := range events {
			if !possible(from, ev) {
				continue
			}
			to, acts := from.Step(ev, nil)
			if !to.Valid() {
				t.Fatalf("%+v, on %s: %+v is not valid", from, Transcript(ev), to)
			}
			if from.Decided.Decided() && to.Decided != from.Decided {
				t.Fatalf("C2: %+v, on %s: %+v", from, Transcript(ev), to)
			}
			for _, a := range acts {
				_, commit := a.(SendCommit)
				reply, ok := a.(Reply)
				commit = commit || ok && reply.Reply.Committed() && reply.Reply != ReplyNothingWritten
				if commit && to.Phase != Committing && to.Phase != Ending {
					t.Fatalf("C1: %+v, on %s: %s in %+v", from, Transcript(ev), Transcript(a), to)
				}
			}
			if to.N <= 2 && !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	t.Logf("%d states", len(seen))
}

// possible leaves out what its sender cannot say: completions of what was not begun.
func possible(t Tx, ev TxEvent) bool {
	switch ev := ev.(type) {
	case HeuristicLogged:
		return t.Busy.Has(ev.Branch)
	case ResolutionLogged:
		return t.Busy.Has(ev.Branch)
	case EndLogged:
		return t.Ends
	case Voted:
		return ev.Branch < int(t.N)
	default:
		return true
	}
}
