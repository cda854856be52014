package protocol

import "github.com/txc-dev/txc"

// Phase is where a transaction stands at its coordinator. The zero value is: not begun.
type Phase uint8

// The phases, in the order of a life.
const (
	Open       Phase = iota + 1 // branches may be enlisted
	Voting                      // Prepare is out
	Deciding                    // the commit record is being made durable: nothing overtakes it
	Committing                  // decided; branches are being told
	Ending                      // every branch has answered, or was answered for; the end is not durable yet
	Ended
	Stopped // the log failed: only the log tells, when it is opened again
)

var phaseNames = [...]string{"none", "open", "voting", "deciding", "committing", "ending", "ended", "stopped"}

func (p Phase) String() string {
	if int(p) >= len(phaseNames) {
		return "invalid"
	}
	return phaseNames[p]
}

// Tx is one transaction as its coordinator sees it: a comparable value without pointers, whose Step is all that
// decides. What stands in no field is not known to the protocol.
//
// Invariants (checked by Valid):
//   - Yes, Held and Out are disjoint, and lie within the N branches;
//   - Acked, Settled, Odd, Excused and Busy lie within the members, and are empty before Committing;
//   - from Deciding on some branch is in Yes, and the members never change;
//   - Decided is Committed from Committing on, and set once (C2).
type Tx struct {
	Phase   Phase
	Decided txc.Outcome // zero until decided
	N       uint8
	Yes     Set  // voted yes
	Held    Set  // voted held
	Out     Set  // nothing is left there: voted read-only, or a certain No
	Acked   Set  // have applied it, by their own word
	Settled Set  // an operator answered for them: ends the waiting, not the record (H3)
	Odd     Set  // answered against the decision, or could not tell: recorded, not acknowledged (H1)
	Excused Set  // the same, acknowledged by an operator
	Busy    Set  // a heuristic or a resolution of theirs is being written
	Saved   Set  // acknowledgements that the log was given
	Told    bool // the client has its last answer
	Ends    bool // the end was given to the log
}

// Members are the branches that the commit record names.
func (t Tx) Members() Set { return t.Yes | t.Held }

// Missing are the members that have not answered for themselves and were not found odd: they are sent Commit, for ever.
func (t Tx) Missing() Set { return t.Members() &^ (t.Acked | t.Odd | t.Excused) }

// awaited are the members that the end waits for.
func (t Tx) awaited() Set { return t.Missing() &^ t.Settled }

// Mixed reports whether a branch's fate differs from the decision, or may.
func (t Tx) Mixed() bool { return t.Odd|t.Excused != 0 }

// Valid reports whether the invariants hold.
func (t Tx) Valid() bool {
	all, members := First(int(t.N)), t.Members()
	within := (t.Yes|t.Held|t.Out)&^all == 0 && t.Yes&t.Held == 0 && members&t.Out == 0
	late := t.Acked | t.Settled | t.Odd | t.Excused | t.Busy | t.Saved
	decided := t.Phase >= Committing && t.Phase != Stopped
	return within && late&^members == 0 && (late == 0 || t.Phase >= Committing) &&
		(t.Phase != Deciding && t.Phase != Committing && t.Phase != Ending || t.Yes != 0) &&
		(!decided || t.Decided.Decided())
}

// Step returns the transaction after the event, and what must be done, in order, appended to acts. An event that means
// nothing in a phase changes nothing: messages come twice, late, and out of order.
func (t Tx) Step(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch t.Phase {
	case 0:
		return t.start(ev, acts)
	case Open:
		return t.stepOpen(ev, acts)
	case Voting:
		return t.stepVoting(ev, acts)
	case Deciding:
		return t.stepDeciding(ev, acts)
	case Committing, Ending:
		return t.stepDecided(ev, acts)
	default:
		return t, acts
	}
}

func (t Tx) start(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch ev := ev.(type) {
	case Begin:
		t.Phase = Open
		return t, append(acts, ArmDeadline{})
	case BeginWhole:
		t.N = uint8(ev.N)
		return t.prepare(append(acts, ArmDeadline{}))
	case Recovered:
		t.N, t.Yes = uint8(ev.N), First(ev.N)
		t.Acked, t.Saved, t.Settled, t.Odd, t.Excused = ev.Acked, ev.Acked, ev.Settled, ev.Odd, ev.Excused
		t.Phase, t.Decided, t.Told = Committing, txc.Committed, true
		acts = t.send(t.Missing()&^t.Settled, acts)
		return t.answered(acts)
	default:
		return t, acts
	}
}

func (t Tx) stepOpen(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch ev.(type) {
	case Enlist:
		t.N++
		return t, acts
	case AskCommit:
		return t.prepare(acts)
	case Doom, Cancel, Deadline:
		return t.abort(acts)
	default:
		return t, acts
	}
}

// prepare asks every branch; a transaction without one has nothing to ask and nothing to write.
func (t Tx) prepare(acts []TxAction) (Tx, []TxAction) {
	if t.N == 0 {
		return t.nothingWritten(acts)
	}
	t.Phase = Voting
	for i := range First(int(t.N)).All() {
		acts = append(acts, SendPrepare{i})
	}
	return t, acts
}

func (t Tx) stepVoting(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch ev := ev.(type) {
	case Voted:
		return t.vote(ev, acts)
	case PeerLost:
		if (t.Members() | t.Out).Has(ev.Branch) {
			return t, acts // a vote once taken outlives its stream
		}
		return t.abort(acts)
	case Deadline, Cancel, Doom:
		return t.abort(acts)
	case Enlist:
		return t, append(acts, RefuseEvent{})
	default:
		return t, acts
	}
}

func (t Tx) vote(ev Voted, acts []TxAction) (Tx, []TxAction) {
	if (t.Members() | t.Out).Has(ev.Branch) {
		return t, acts // the first vote counts
	}
	switch ev.Vote {
	case txc.Yes:
		t.Yes = t.Yes.With(ev.Branch)
	case txc.Held:
		t.Held = t.Held.With(ev.Branch)
	case txc.ReadOnly:
		t.Out = t.Out.With(ev.Branch)
	case txc.No:
		if ev.Certain {
			t.Out = t.Out.With(ev.Branch)
		}
		return t.abort(acts)
	default:
		return t.abort(acts) // a vote that nobody knows is a No that is not certain
	}
	if t.Yes|t.Held|t.Out != First(int(t.N)) {
		return t, acts
	}
	if t.Yes == 0 {
		return t.nothingWritten(acts)
	}
	t.Phase = Deciding
	return t, append(acts, AppendCommit{t.Members()})
}

// nothingWritten ends without a record: the client hears committed, and a later "aborted (nothing was written)" is true
// as well. Locks that were held are let go of by an Abort.
func (t Tx) nothingWritten(acts []TxAction) (Tx, []TxAction) {
	t.Phase, t.Decided, t.Told = Ended, txc.Committed, true
	acts = append(acts, Reply{ReplyNothingWritten})
	for i := range t.Held.All() {
		acts = append(acts, SendAbort{i})
	}
	return t, acts
}

// abort ends without a record (presumed abort). Whoever misses the one Abort asks (P2), or is found (C9).
func (t Tx) abort(acts []TxAction) (Tx, []TxAction) {
	t.Phase, t.Decided, t.Told = Ended, txc.Aborted, true
	acts = append(acts, Reply{ReplyAborted})
	for i := range (First(int(t.N)) &^ t.Out).All() {
		acts = append(acts, SendAbort{i})
	}
	return t, acts
}

func (t Tx) stepDeciding(ev TxEvent, acts []TxAction) (Tx, []TxAction) {
	switch ev.(type) {
	case Logged:
		t.Phase, t.Decided = Committing, txc.Committed
		acts = append(acts, Reply{ReplyDecided})
		return t, t.send(t.Members(), acts)
	case LogFailed:
		t.Phase = Stopped
		return t, append(acts, Stop{})
	case Enlist:
		return t, append(acts, RefuseEvent{})
	default:
		return t, acts // nothing overtakes a decision that may be durable
	}
}

func (t Tx) send(to Set, acts []TxAction) []TxAction {
	for i := range to.All() {
		acts = append(acts, SendCommit{i})
	}
	return acts
}
