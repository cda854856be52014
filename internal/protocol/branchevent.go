package protocol

import "github.com/txc-dev/txc"

// BranchEvent is something that happens to a branch at its participant.
//
//sumtype:decl
type BranchEvent interface{ branchEvent() }

// What calls of the service do (joined work).
type (
	CallBegan struct{ Calls uint32 } // Calls: how many completed calls of this branch the caller has seen; 0: none
	CallEnded struct{ Failed bool }
)

// What the coordinator says. Whether it may say so at all is for the guards (GuardBranch) to find out first.
type (
	PrepareAsked struct {
		Joined     bool   // close what calls have opened, else execute shipped work
		Calls      uint32 // joined: completed calls that the client saw
		MayRelease bool   // a read-only vote may let go of its locks (S1)
	}
	CommitTold    struct{}
	AbortTold     struct{}
	DecisionHeard struct { // its answer to a question (C4)
		Outcome      txc.Outcome
		Acknowledged bool // of a settled branch: the difference is recorded there, and an operator has seen it (H4)
	}
)

// What the store says. Unknown is never turned into not done.
type (
	Executed          struct{ Vote txc.Vote } // the execution has ended: No, Yes or Held (to be promised), or ReadOnly
	PromiseWritten    struct{}
	PromiseNotWritten struct{}                    // certain
	PromiseUnknown    struct{ OwnStore bool }     // fate unknown; own: only reopening the store tells
	PromiseLost       struct{ Known txc.Outcome } // the store's own word of a promise that is gone; Undecided: it has none
	ApplyWritten      struct{ Before bool }       // Before: the marker shows that an earlier write did it
	ApplyNotWritten   struct{}                    // certain; to be tried again
	ApplyRefused      struct{}                    // the store proves that the branch was rolled back
	ApplyGone         struct{}                    // neither promise nor proof is there
	ApplyUnknown      struct{ OwnStore bool }
	RolledBack        struct{ Committed bool } // Committed: it cannot, the store proves that the branch committed
	RollbackFailed    struct{}                 // or its fate is unknown: the same, for rolling back is repeatable
	SettlementWritten struct{}
	SettlementRefused struct{}                      // no promise is there to be settled, or it is not known whether
	PromiseListed     struct{ Settled txc.Outcome } // at open: a promise; Settled: by hand, and how
	CommittedListed   struct{}                      // at open, or looked up: the marker of an applied commit
)

// What time, an operator and the watermark bring.
type (
	TimeUp          struct{} // the deadline that Prepare or the first call brought (P3)
	QuestionDue     struct{} // time to ask for the decision, or the coordinator is back
	OperatorSettles struct{ Outcome txc.Outcome }
	WatermarkPassed struct{} // above this id, and not listed (P5)
)

func (CallBegan) branchEvent()         {}
func (CallEnded) branchEvent()         {}
func (PrepareAsked) branchEvent()      {}
func (CommitTold) branchEvent()        {}
func (AbortTold) branchEvent()         {}
func (DecisionHeard) branchEvent()     {}
func (Executed) branchEvent()          {}
func (PromiseWritten) branchEvent()    {}
func (PromiseNotWritten) branchEvent() {}
func (PromiseUnknown) branchEvent()    {}
func (PromiseLost) branchEvent()       {}
func (ApplyWritten) branchEvent()      {}
func (ApplyNotWritten) branchEvent()   {}
func (ApplyRefused) branchEvent()      {}
func (ApplyGone) branchEvent()         {}
func (ApplyUnknown) branchEvent()      {}
func (RolledBack) branchEvent()        {}
func (RollbackFailed) branchEvent()    {}
func (SettlementWritten) branchEvent() {}
func (SettlementRefused) branchEvent() {}
func (PromiseListed) branchEvent()     {}
func (CommittedListed) branchEvent()   {}
func (TimeUp) branchEvent()            {}
func (QuestionDue) branchEvent()       {}
func (OperatorSettles) branchEvent()   {}
func (WatermarkPassed) branchEvent()   {}
