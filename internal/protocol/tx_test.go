package protocol_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// Transactions as the rows below start with them: three branches, or two.
var (
	notBegun = Tx{}
	openTx   = Tx{Phase: Open}
	open2    = Tx{Phase: Open, N: 2}
	voting   = Tx{Phase: Voting, N: 3}
	voting1  = Tx{Phase: Voting, N: 3, Yes: set(0)}
	lastVote = Tx{Phase: Voting, N: 3, Yes: set(0), Out: set(1)}
	lastHeld = Tx{Phase: Voting, N: 3, Held: set(0), Out: set(1)}
	deciding = Tx{Phase: Deciding, N: 3, Yes: set(0, 2), Out: set(1)}
	committg = Tx{Phase: Committing, Decided: txc.Committed, N: 2, Yes: set(0), Held: set(1)}
	oneLeft  = with(committg, func(t *Tx) { t.Acked = set(0) })
	oddTx    = with(oneLeft, func(t *Tx) { t.Busy = set(1) })
	mixedTx  = with(oneLeft, func(t *Tx) { t.Phase, t.Odd, t.Told = Ending, set(1), true })
	settling = with(oneLeft, func(t *Tx) { t.Busy = set(1) })
	settled  = with(oneLeft, func(t *Tx) { t.Phase, t.Settled, t.Told = Ending, set(1), true })
	ending   = with(oneLeft, func(t *Tx) { t.Phase, t.Acked, t.Told, t.Ends = Ending, set(0, 1), true, true })
	endedTx  = with(ending, func(t *Tx) { t.Phase = Ended })
	abortedT = Tx{Phase: Ended, Decided: txc.Aborted, N: 3, Told: true}
)

func set(branches ...int) (s Set) {
	for _, i := range branches {
		s = s.With(i)
	}
	return s
}

func with(t Tx, change func(*Tx)) Tx {
	change(&t)
	return t
}

type txRow struct {
	proves string
	from   Tx
	ev     TxEvent
	to     Tx
	acts   []TxAction
}

func runTx(t *testing.T, rows []txRow) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.proves, func(t *testing.T) {
			to, acts := r.from.Step(r.ev, nil)
			if to != r.to || !slices.Equal(acts, r.acts) {
				t.Errorf("%+v, on %s:\n got %+v, then %v\nwant %+v, then %v", r.from, Transcript(r.ev), to, acts, r.to, r.acts)
			}
			if !r.from.Valid() || !to.Valid() {
				t.Errorf("%+v, on %s: %+v: an invariant does not hold", r.from, Transcript(r.ev), to)
			}
		})
	}
}

// do lists actions.
func do(acts ...TxAction) []TxAction { return acts }

func TestBeginning(t *testing.T) {
	runTx(t, []txRow{
		{"begin opens, with a deadline", notBegun, Begin{}, openTx, do(ArmDeadline{})},
		{"begin whole asks every branch", notBegun, BeginWhole{3}, voting, do(ArmDeadline{}, SendPrepare{0}, SendPrepare{1}, SendPrepare{2})},
		{
			"recovery sends to the missing ones alone", notBegun, Recovered{N: 2, Acked: set(0)},
			Tx{Phase: Committing, Decided: txc.Committed, N: 2, Yes: set(0, 1), Acked: set(0), Saved: set(0), Told: true}, do(SendCommit{1}),
		},
		{
			"recovery ends what lacks only its End", notBegun, Recovered{N: 1, Acked: set(0)},
			Tx{Phase: Ending, Decided: txc.Committed, N: 1, Yes: set(0), Acked: set(0), Saved: set(0), Told: true, Ends: true}, do(AppendEnd{}),
		},
		{
			"H1: recovery keeps what no operator has acknowledged", notBegun, Recovered{N: 1, Odd: set(0)},
			Tx{Phase: Ending, Decided: txc.Committed, N: 1, Yes: set(0), Odd: set(0), Told: true}, nil,
		},
		{
			"H3: recovery keeps what an operator answered for", notBegun, Recovered{N: 1, Settled: set(0)},
			Tx{Phase: Ending, Decided: txc.Committed, N: 1, Yes: set(0), Settled: set(0), Told: true}, nil,
		},
		{"a question about what is not in memory is C4's", notBegun, Asked{0}, notBegun, nil},
	})
}

func TestOpen(t *testing.T) {
	runTx(t, []txRow{
		{"enlist adds a branch", openTx, Enlist{}, Tx{Phase: Open, N: 1}, nil},
		{
			"commit with no branch: nothing was written", openTx, AskCommit{},
			Tx{Phase: Ended, Decided: txc.Committed, Told: true}, do(Reply{ReplyNothingWritten}),
		},
		{"commit asks every branch", open2, AskCommit{}, Tx{Phase: Voting, N: 2}, do(SendPrepare{0}, SendPrepare{1})},
		{"a doomed one aborts", open2, Doom{}, with(abortedT, func(t *Tx) { t.N = 2 }), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1})},
		{"cancel aborts", open2, Cancel{}, with(abortedT, func(t *Tx) { t.N = 2 }), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1})},
		{"the deadline aborts", open2, Deadline{}, with(abortedT, func(t *Tx) { t.N = 2 }), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1})},
	})
}

func TestVoting(t *testing.T) {
	abort := func(yes, out Set) Tx { return with(abortedT, func(t *Tx) { t.Yes, t.Out = yes, out }) }
	runTx(t, []txRow{
		{"a yes, others missing", voting, Voted{Branch: 0, Vote: txc.Yes}, voting1, nil},
		{"a read-only leaves the members", voting1, Voted{Branch: 1, Vote: txc.ReadOnly}, lastVote, nil},
		{"C1: the last vote appends, and says nothing to anybody", lastVote, Voted{Branch: 2, Vote: txc.Yes}, deciding, do(AppendCommit{set(0, 2)})},
		{
			"held ones are members", lastVote, Voted{Branch: 2, Vote: txc.Held},
			with(deciding, func(t *Tx) { t.Yes, t.Held = set(0), set(2) }), do(AppendCommit{set(0, 2)}),
		},
		{
			"nothing to write anywhere: no record; locks are let go of", lastHeld, Voted{Branch: 2, Vote: txc.Held},
			Tx{Phase: Ended, Decided: txc.Committed, N: 3, Held: set(0, 2), Out: set(1), Told: true},
			do(Reply{ReplyNothingWritten}, SendAbort{0}, SendAbort{2}),
		},
		{"a No aborts all but the read-only ones", lastVote, Voted{Branch: 2, Vote: txc.No}, abort(set(0), set(1)), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{2})},
		{"a certain No needs no Abort", lastVote, Voted{Branch: 2, Vote: txc.No, Certain: true}, abort(set(0), set(1, 2)), do(Reply{ReplyAborted}, SendAbort{0})},
		{"P8: a vote that nobody knows is a No, not certain", lastVote, Voted{Branch: 2, Certain: true}, abort(set(0), set(1)), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{2})},
		{"the deadline aborts", voting1, Deadline{}, abort(set(0), 0), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1}, SendAbort{2})},
		{"cancel aborts", voting1, Cancel{}, abort(set(0), 0), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1}, SendAbort{2})},
		{"a peer lost before its vote is a No, not certain", voting1, PeerLost{1}, abort(set(0), 0), do(Reply{ReplyAborted}, SendAbort{0}, SendAbort{1}, SendAbort{2})},
		{"a vote once taken outlives its stream", voting1, PeerLost{0}, voting1, nil},
		{"a repeated vote changes nothing", voting1, Voted{Branch: 0, Vote: txc.No, Certain: true}, voting1, nil},
		{"Prepare is sent once", voting1, Retry{}, voting1, nil},
		{"enlist is refused", voting1, Enlist{}, voting1, do(RefuseEvent{})},
	})
}

func TestDeciding(t *testing.T) {
	rows := []txRow{
		{
			"C1: once durable, the client and the members are told", deciding, Logged{},
			with(deciding, func(t *Tx) { t.Phase, t.Decided = Committing, txc.Committed }), do(Reply{ReplyDecided}, SendCommit{0}, SendCommit{2}),
		},
		{"C3: an append that failed stops; nobody is answered", deciding, LogFailed{}, with(deciding, func(t *Tx) { t.Phase = Stopped }), do(Stop{})},
		{"enlist is refused", deciding, Enlist{}, deciding, do(RefuseEvent{})},
	}
	for _, ev := range []TxEvent{
		Deadline{}, Cancel{}, Doom{}, PeerLost{0}, PeerBack{0}, Asked{0}, Retry{}, AnswerLimit{}, SaveAcks{},
		Voted{Branch: 0, Vote: txc.No}, Answered{0, txc.CommittedNow}, Excuse{}, SettleBranch{0},
	} {
		rows = append(rows, txRow{"nothing overtakes a decision that may be durable: " + Transcript(ev), deciding, ev, deciding, nil})
	}
	runTx(t, rows)
	stopped := with(deciding, func(t *Tx) { t.Phase = Stopped })
	for _, ev := range []TxEvent{Logged{}, Deadline{}, Voted{Branch: 0}, Asked{0}, Cancel{}} {
		runTx(t, []txRow{{"C3: stopped for good: " + Transcript(ev), stopped, ev, stopped, nil}})
	}
}

func TestSet(t *testing.T) {
	s := set(0, 5, 63)
	if got := slices.Collect(s.All()); !slices.Equal(got, []int{0, 5, 63}) || s.Len() != 3 {
		t.Errorf("members %v, %d of them", got, s.Len())
	}
	if First(64) != ^Set(0) || First(0) != 0 || First(3) != set(0, 1, 2) || One(63) != set(63) {
		t.Error("First, One: wrong sets at the bounds")
	}
	if s.Without(5) != set(0, 63) || !s.Has(63) || s.Has(62) {
		t.Error("Without, Has: wrong")
	}
}
