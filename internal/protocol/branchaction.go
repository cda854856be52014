package protocol

import "github.com/txc-dev/txc"

// BranchAction is something that the participant must do for a branch, in the order in which Step gives it.
//
//sumtype:decl
type BranchAction interface{ branchAction() }

// Calls of the service.
type (
	RunCall     struct{}
	RefuseCall  struct{}
	GiveTrailer struct { // the call is over; tell the caller
		Calls  uint32 // completed calls of this branch
		Doomed bool   // the transaction can only abort
	}
)

// The store. What has a completion as an event says so; losing DropSettlement costs only that it is asked for once more.
type (
	Execute         struct{ Joined bool } // -> Executed
	CancelExecution struct{}              // the execution, or the calls, end soon: Executed, CallEnded come as ever
	WritePromise    struct{}              // work, locks, age, members, epoch, mark, witness, stamp, durable -> Promise*
	LookForPromise  struct{}              // after a backoff: until the store tells -> PromiseWritten, PromiseNotWritten, PromiseUnknown
	WriteApply      struct{ Again bool }  // apply, marker, witness, stamp, promise removed, one durable step -> Apply*; again: after a backoff
	RollBack        struct{ Again bool }  // promise removed with it -> RolledBack, RollbackFailed; again: after a backoff
	Release         struct{}              // locks, and what memory holds of the work
	RestoreLocks    struct{}              // at open: locks, age and members of a promise
	WriteSettlement struct{ Outcome txc.Outcome }
	DropSettlement  struct{} // the decision is known, or a difference is durable and acknowledged (H4)
)

// Messages to the coordinator.
type (
	GiveVote struct {
		Vote    txc.Vote
		Certain bool // of a No: nothing is or will be prepared
	}
	GiveFate    struct{ Fate txc.Fate }
	AskDecision struct{}
)

// The rest.
type (
	ArmTimeUp    struct{} // -> TimeUp
	ArmQuestion  struct{} // -> QuestionDue, later each time
	GiveSettled  struct{ Fate txc.Fate }
	RefuseSettle struct{}                // to the operator: Branch.Phase says why
	DropBranch   struct{}                // nothing needs to be remembered of it
	Alarm        struct{ Alarm Trouble } // to a person
	StopStore    struct{}                // P11: only reopening the store tells; answer nothing more
)

// Trouble is what an Alarm is about: what cannot be unless someone broke the rules, and what needs a person.
type Trouble uint8

// The troubles.
const (
	CommitUnpromised   Trouble = iota + 1 // a Commit for a branch that never voted yes
	CommitAfterAbort                      // a Commit for a branch that is rolled back, or about to be
	AbortAfterCommit                      // an Abort for a branch that is committed, or about to be
	ReadOnlyUnreleased                    // the store let go of locks that it had to hold (S1)
	CommitDelayed                         // an applied commit could not be written; it is tried again
	FinishedInDoubt                       // the coordinator says that we have acknowledged what is still promised here
	PromiseGone                           // the store lost a promise, and nobody can tell its fate
	SettledOtherwise                      // the branch's fate stands against the decision (H1, H4)
)

var troubleNames = [...]string{
	"none", "commit without a promise", "commit after abort", "abort after commit", "read-only, though locks had to be held",
	"commit delayed", "finished, but in doubt", "promise gone", "settled against the decision",
}

func (t Trouble) String() string {
	if int(t) >= len(troubleNames) {
		return "invalid"
	}
	return troubleNames[t]
}

func (RunCall) branchAction()         {}
func (RefuseCall) branchAction()      {}
func (GiveTrailer) branchAction()     {}
func (Execute) branchAction()         {}
func (CancelExecution) branchAction() {}
func (WritePromise) branchAction()    {}
func (LookForPromise) branchAction()  {}
func (WriteApply) branchAction()      {}
func (RollBack) branchAction()        {}
func (Release) branchAction()         {}
func (RestoreLocks) branchAction()    {}
func (WriteSettlement) branchAction() {}
func (DropSettlement) branchAction()  {}
func (GiveVote) branchAction()        {}
func (GiveFate) branchAction()        {}
func (AskDecision) branchAction()     {}
func (ArmTimeUp) branchAction()       {}
func (ArmQuestion) branchAction()     {}
func (GiveSettled) branchAction()     {}
func (RefuseSettle) branchAction()    {}
func (DropBranch) branchAction()      {}
func (Alarm) branchAction()           {}
func (StopStore) branchAction()       {}
