package txc

import "time"

// Vote is a participant's answer to Prepare. The zero value is "none yet": it is never a yes.
type Vote uint8

// The votes.
const (
	No       Vote = iota + 1 // the branch will not commit; a reason comes with it
	Yes                      // everything is durable that a commit after any crash needs
	Held                     // yes, nothing to write, but its locks are kept until phase two
	ReadOnly                 // nothing to commit, everything released, left out of phase two
)

// Promises reports whether the vote binds the participant until it learns the decision.
func (v Vote) Promises() bool { return v == Yes || v == Held }

var voteNames = [...]string{"none", "no", "yes", "held", "read-only"}

func (v Vote) String() string { return name(voteNames[:], int(v)) }

// Outcome is the fate of a whole transaction as one who asks may hear it. The zero value is the safe belief.
type Outcome uint8

// The outcomes.
const (
	Undecided Outcome = iota // no decision yet, or none that may be told yet
	Committed
	Aborted
	Unknown  // nobody may say: older than the history, or witnesses are missing
	Finished // to a participant only: it has acknowledged this id before
	NotMine  // to a participant only: not of this cluster, number or mark
)

// Decided reports whether the outcome is a decision: only these two end a promise.
func (o Outcome) Decided() bool { return o == Committed || o == Aborted }

var outcomeNames = [...]string{"undecided", "committed", "aborted", "unknown", "finished", "not mine"}

func (o Outcome) String() string { return name(outcomeNames[:], int(o)) }

// Fate is a participant's answer to Commit or Abort. The zero value is no answer; "not found" is never success.
type Fate uint8

// The fates.
const (
	CommittedNow    Fate = iota + 1 // to Commit: applied by this very message, durable
	CommittedBefore                 // to either: the store itself proves that it committed earlier
	AbortedNow                      // to Abort: nothing is left of the branch, and nothing will come
	AbortedBefore                   // to Commit: the store itself proves that it was rolled back
	NeverPrepared                   // to Commit: no trace of it
	Hazard                          // to Commit: promised, gone, and no proof either way
)

var fateNames = [...]string{"no answer", "committed now", "committed before", "aborted", "aborted before", "never prepared", "hazard"}

func (f Fate) String() string { return name(fateNames[:], int(f)) }

// Applied reports whether the fate proves that the branch's work is in the store.
func (f Fate) Applied() bool { return f == CommittedNow || f == CommittedBefore }

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "invalid"
	}
	return names[i]
}

// Limits that every party checks at its gate.
const (
	MaxBranches   = 64        // participants of one transaction: a bit each in the machines
	MaxWork       = 256 << 10 // bytes of work for one branch
	MaxTxWork     = 1 << 20   // bytes of work over all branches
	MaxResults    = 264 << 10 // bytes of results over all branches: four at their most
	MaxBranchRes  = 66 << 10  // bytes of results of one branch: the largest value of a key-value store, with its key
	MaxEvidence   = 256       // bytes a participant hands out with its vote and gets back with Commit
	MaxKey        = 128       // bytes of an idempotency key, UTF-8
	MaxLabels     = 16        // labels of one transaction
	MaxLabelValue = 128       // bytes of one label's value
	MaxOpen       = 1024      // exceptions that a watermark may carry
	MaxLag        = 1 << 18   // ids that a watermark may lag before new work is refused: what begins in ten seconds, at the fastest

	DefaultTimeout    = 10 * time.Second
	DefaultMaxTimeout = 10 * time.Minute
	MaxTimeout        = time.Hour // the most that a coordinator's own maximum may be set to
)
