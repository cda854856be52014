package protocol

import "github.com/txc-dev/txc"

// BranchPhase is where a branch stands at its participant. The zero value is: nothing known.
type BranchPhase uint8

// The phases, in the order of a life.
const (
	Working   BranchPhase = iota + 1 // joined: calls run, or may come
	Preparing                        // the work is being executed; the promise's write is not issued
	Promising                        // the promise's write is issued: only its result counts
	Promised                         // in doubt: only the decision ends it (P2)
	Applying                         // commit: the write that applies it is on its way
	Undoing                          // rolling back
	Gone                             // ended; remembered against late messages until the watermark passes
	Settled                          // its fate was settled without the decision (H2, H4)
	InHazard                         // nobody can tell its fate, or the coordinator says that it cannot be in doubt
)

var branchPhaseNames = [...]string{
	"none", "working", "preparing", "promising", "in doubt", "applying", "undoing", "gone", "settled", "hazard",
}

func (p BranchPhase) String() string {
	if int(p) >= len(branchPhaseNames) {
		return "invalid"
	}
	return branchPhaseNames[p]
}

// Branch is one branch as its participant sees it: a comparable value without pointers, whose Step is all that decides.
// What stands in no field is not known to the protocol.
//
//	        call             Prepare             executed              written             Commit           written
//	none ─────────▶ Working ─────────▶ Preparing ─────────▶ Promising ─────────▶ Promised ─────────▶ Applying ────▶ Gone
//	 │                 │                   │                    │                │ │  │ operator                   ▲
//	 │ shipped Prepare │ deadline, Abort   │ No, deadline,      │ Abort: when    │ │  └─────────▶ Settled ─────────┤
//	 └────────▶ Preparing                  │ Abort              │ written        │ │ finished, lost                │
//	                   │                   │                    │         Abort  │ └────────────▶ InHazard         │
//	                   └───────────────────┴────────────────────┴────────────────┴──────▶ Undoing ── rolled back ──┘
//
// Invariants (checked by Valid):
//   - How is set in Gone and Settled, and nowhere else;
//   - Vote is Yes or Held from Promising on; in Gone it may be ReadOnly;
//   - Calls run only in Working and Undoing; an execution only in Preparing and Undoing;
//   - Late, Unknown and Denied are of Promising alone, Writing of Settled;
//   - a vote is owed from Preparing to the vote, replies to Abort from the Abort to the roll back.
type Branch struct {
	Phase      BranchPhase
	How        txc.Outcome // Gone, Settled: Committed or Aborted
	Vote       txc.Vote    // to be given when the promise is written, or given
	Calls      uint32      // joined: completed calls
	Running    uint16      // joined: calls that run now
	MayRelease bool        // a read-only vote may let go of its locks (S1)
	Executing  bool        // Prepare's execution has not ended
	OweVote    bool        // Prepare waits for its vote
	OweAbort   bool        // Abort waits for its reply
	Late       bool        // Promising: an Abort came; roll back as soon as the write's fate is known
	Unknown    bool        // Promising: the write's fate is unknown; the store is being asked
	Denied     bool        // Promising, unknown: a No that is not certain was given
	Writing    bool        // Settled: the settlement is not durable yet
	Proof      bool        // Gone, Settled aborted: the store proves it
	Lost       bool        // InHazard, Settled: no promise is in the store any more
}

// MaxRunning bounds the calls of one branch that run at once.
const MaxRunning = 1 << 10

// Valid reports whether the invariants hold.
func (b Branch) Valid() bool {
	p := b.Phase
	promised := p >= Promising && p <= Applying || p == Settled || p == InHazard
	return (b.How.Decided() == (p == Gone || p == Settled)) && (b.How == txc.Undecided || b.How.Decided()) &&
		(!promised || b.Vote.Promises()) &&
		(b.Running == 0 || p == Working || p == Undoing) &&
		(!b.Executing || p == Preparing || p == Undoing) &&
		(!(b.Late || b.Unknown || b.Denied) || p == Promising) && (!b.Writing || p == Settled) &&
		(!b.OweVote || p == Preparing || p == Promising || p == Undoing) &&
		(!b.OweAbort || p == Promising || p == Undoing) &&
		(!b.Lost || p == InHazard || p == Settled)
}

// Promise reports whether the store holds a promise of the branch, or may: whether P2 forbids to forget it.
func (b Branch) Promise() bool {
	return b.Phase >= Promising && b.Phase <= Applying || b.Phase == Settled || b.Phase == InHazard
}

// Asks reports whether the branch asks for the decision (P2, H4).
func (b Branch) Asks() bool {
	return b.Phase == Promised || b.Phase == Settled || b.Phase == InHazard
}

// Step returns the branch after the event, and what must be done, in order, appended to acts. An event that means
// nothing in a phase changes nothing: messages come twice, late, and out of order. A call that cannot run is refused
// in every phase, since someone waits for it.
func (b Branch) Step(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch b.Phase {
	case 0:
		return b.start(ev, acts)
	case Working:
		return b.stepWorking(ev, acts)
	case Preparing:
		return b.stepPreparing(ev, acts)
	case Promising:
		return b.stepPromising(ev, acts)
	case Promised:
		return b.stepPromised(ev, acts)
	case Applying:
		return b.stepApplying(ev, acts)
	case Undoing:
		return b.stepUndoing(ev, acts)
	case Gone:
		return b.stepGone(ev, acts)
	case Settled:
		return b.stepSettled(ev, acts)
	case InHazard:
		return b.stepHazard(ev, acts)
	default:
		return b, acts
	}
}

func (b Branch) start(ev BranchEvent, acts []BranchAction) (Branch, []BranchAction) {
	switch ev := ev.(type) {
	case CallBegan:
		if ev.Calls != 0 { // it has an enlistment that nobody here knows
			return gone(txc.Aborted), append(acts, RefuseCall{})
		}
		return Branch{Phase: Working, Running: 1}, append(acts, ArmTimeUp{}, RunCall{})
	case PrepareAsked:
		if ev.Joined {
			return gone(txc.Aborted), append(acts, GiveVote{Vote: txc.No, Certain: true})
		}
		b = Branch{Phase: Preparing, OweVote: true, Executing: true, MayRelease: ev.MayRelease}
		return b, append(acts, ArmTimeUp{}, Execute{})
	case AbortTold: // "empty rollback": remembered, so that a late Prepare is refused
		return gone(txc.Aborted), append(acts, GiveFate{txc.AbortedNow})
	case CommitTold:
		return b, append(acts, GiveFate{txc.NeverPrepared})
	case PromiseListed:
		if ev.Settled.Decided() {
			b = Branch{Phase: Settled, How: ev.Settled, Vote: txc.Yes, Proof: ev.Settled == txc.Aborted}
			return b, append(acts, ArmQuestion{})
		}
		return Branch{Phase: Promised, Vote: txc.Yes}, append(acts, RestoreLocks{}, ArmQuestion{})
	case CommittedListed:
		return gone(txc.Committed), acts
	case OperatorSettles:
		return b, append(acts, RefuseSettle{})
	default:
		return b, acts
	}
}

func gone(how txc.Outcome) Branch { return Branch{Phase: Gone, How: how} }
