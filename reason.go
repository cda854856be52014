package txc

// Reason says why a vote was No, why a transaction aborted, or why a request was refused.
type Reason struct {
	Code        Code
	Text        string // one sentence for a person
	Participant string // where it arose, if at one
	Retryable   bool   // the same request may succeed later
}

// IsZero reports whether there is no reason.
func (r Reason) IsZero() bool { return r == Reason{} }

// String is "code: text (participant)".
func (r Reason) String() string {
	s := string(r.Code)
	if r.Text != "" {
		s += ": " + r.Text
	}
	if r.Participant != "" {
		s += " (" + r.Participant + ")"
	}
	return s
}

// Code is a reason's stable, machine-readable name.
type Code string

// Codes of an abort.
const (
	CodeRefused        Code = "refused"         // an expectation of the request is not met
	CodeConflict       Code = "conflict"        // lost a lock to an older transaction
	CodeLockTimeout    Code = "lock_timeout"    // waited too long for a lock
	CodeDeadline       Code = "deadline"        // its time ran out
	CodeBusy           Code = "busy"            // a bounded queue is full
	CodeUnreachable    Code = "unreachable"     // no link to a participant
	CodeLostVote       Code = "lost_vote"       // the link broke between Prepare and its vote
	CodeCancelled      Code = "cancelled"       // the client asked for it
	CodeOperator       Code = "operator"        // a person asked for it
	CodeAbortOnly      Code = "abort_only"      // a call of the transaction had failed
	CodeNotDurable     Code = "not_durable"     // the participant could not write its promise
	CodeFenced         Code = "fenced"          // another opening of the coordinator is known there
	CodeBelowWatermark Code = "below_watermark" // too old for the participant to remember
	CodeWrongCalls     Code = "wrong_calls"     // the participant saw another number of calls than the client
	CodeBadWork        Code = "bad_work"        // the participant cannot read the work
	CodeStore          Code = "store"           // the store said no
)

// Codes of a refused request: nothing was begun.
const (
	CodeUnknownParticipant Code = "unknown_participant"
	CodeNotFound           Code = "not_found"
	CodeWrongState         Code = "wrong_state" // it is there, and cannot be done to it: it ended, or was never in that state
	CodeAlreadyEnlisted    Code = "already_enlisted"
	CodeKeyReused          Code = "key_reused"
	CodeTooManyBranches    Code = "too_many_branches"
	CodeTooLarge           Code = "too_large"
	CodeBadTimeout         Code = "bad_timeout"
	CodeBadName            Code = "bad_name"
	CodeDiskLow            Code = "disk_low"
	CodeHistoryFull        Code = "history_full"
	CodeDraining           Code = "draining"
	CodeWaiting            Code = "waiting" // a loss was shown, or witnesses are missing
	CodeQuarantined        Code = "quarantined"
	CodeWrongCluster       Code = "wrong_cluster"
	CodeWrongCoordinator   Code = "wrong_coordinator"
	CodeOlderThanHistory   Code = "older_than_history"
)

// Retryable says whether a request that ended with this code may be sent again with a hope of success.
func (c Code) Retryable() bool { return codes[c].retryable }

// Known reports whether c stands in the table; a reader treats an unknown code as not retryable.
func (c Code) Known() bool { _, ok := codes[c]; return ok }

// Abort reports whether c explains an abort, rather than a refused request.
func (c Code) Abort() bool { return codes[c].abort }

// Codes lists every code, in no order.
func Codes() []Code {
	all := make([]Code, 0, len(codes))
	for c := range codes {
		all = append(all, c)
	}
	return all
}

var codes = map[Code]struct{ abort, retryable bool }{
	CodeRefused: {abort: true}, CodeConflict: {true, true}, CodeLockTimeout: {true, true}, CodeDeadline: {true, true},
	CodeBusy: {true, true}, CodeUnreachable: {true, true}, CodeLostVote: {true, true}, CodeCancelled: {abort: true},
	CodeOperator: {abort: true}, CodeAbortOnly: {abort: true}, CodeNotDurable: {abort: true}, CodeFenced: {true, true},
	CodeBelowWatermark: {true, true}, CodeWrongCalls: {abort: true}, CodeBadWork: {abort: true}, CodeStore: {abort: true},
	CodeUnknownParticipant: {}, CodeNotFound: {}, CodeWrongState: {}, CodeAlreadyEnlisted: {}, CodeKeyReused: {}, CodeTooManyBranches: {},
	CodeTooLarge: {}, CodeBadTimeout: {}, CodeBadName: {}, CodeDiskLow: {}, CodeHistoryFull: {}, CodeDraining: {},
	CodeWaiting: {}, CodeQuarantined: {}, CodeWrongCluster: {}, CodeWrongCoordinator: {}, CodeOlderThanHistory: {},
}

// Refusal is a request that was refused: nothing was begun. It wraps the sentinel that its code belongs to.
type Refusal struct {
	Reason Reason
	Of     error // one of the sentinels
}

// Refuse makes a Refusal.
func Refuse(of error, code Code, text string) *Refusal {
	return &Refusal{Reason: Reason{Code: code, Text: text, Retryable: code.Retryable()}, Of: of}
}

// Error is the text, or the code where there is none.
func (r *Refusal) Error() string {
	if r.Reason.Text == "" {
		return string(r.Reason.Code)
	}
	return r.Reason.Text
}

// Unwrap gives the sentinel.
func (r *Refusal) Unwrap() error { return r.Of }
