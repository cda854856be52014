package participant

import (
	"context"
	"iter"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Vocabulary that the participant's side shares with the protocol.
type (
	Message = protocol.Message // what coordinator and participant say to each other
	Seen    = protocol.Seen    // a witness: the highest opening and LSN seen of a coordinator (C6)
	InDoubt = protocol.InDoubt // a promised branch
	Proof   = protocol.Proof   // a marker: a branch that provably committed
	Report  = protocol.Report  // what Check found
	Finding = protocol.Finding // something wrong, or worth knowing, about a store
)

// Branch is what an adapter needs to know of the part of a transaction that is its own.
type Branch struct {
	ID                   txc.ID
	Mark                 uint64 // of the id's opening (C5); id and mark together name the branch
	Cluster, Participant string
	Age                  uint64   // wait-die: smaller is older
	Members              []string // every participant of the transaction; to be stored with the promise
	MayRelease           bool     // Prepare: nothing written = ReadOnly and all released, else Held (S1)
	Seen                 Seen     // to be stored with the promise, and with the applied commit, where the store can
}

// Name is how the branch is called in a store: txc/<cluster>/<id>.<mark>/<participant>.
func (b Branch) Name() string { return txc.BranchName(b.Cluster, b.ID, b.Mark, b.Participant) }

// Promise is an adapter's answer to Prepare.
type Promise struct {
	Vote     txc.Vote
	Reason   txc.Reason // of a No, which is certain: nothing is or will be prepared
	Evidence []byte     // at most txc.MaxEvidence; comes back with Commit, from the coordinator's log if need be
	Results  []byte     // at most txc.MaxBranchRes
}

// Memory is the agent's small notebook inside the store: one row, one key.
type Memory struct {
	Instance [16]byte // random, made with the store: an emptied store is another instance (P12)
	Seen     []Seen   // highest (epoch, mark, LSN) per coordinator
	Stamp    uint64   // +1 with each promise and each applied commit; 0: the store keeps none
}

// Resource is all that an adapter writes. Its methods block, honour ctx, and are safe for concurrent use on different
// branches; the agent never calls two at once for one branch. An error always means *unknown*; a No is a vote, not an
// error. resourcetest.Run defines what an adapter must do.
type Resource interface {
	// Prepare runs work (or closes the joined branch if joined) and promises. Yes or Held only after a durable write
	// (P1). Called at most once per branch by one agent. When ctx ends before the promise's write was issued: roll back
	// and vote No; after that only the write's result counts (P3).
	Prepare(ctx context.Context, b Branch, work []byte, joined bool) (Promise, error)

	// Commit applies a promised branch: CommittedNow, durable together with its marker before it returns (P11). Of a
	// branch that is no longer promised, what the store can prove (P7): CommittedBefore, AbortedBefore, else Hazard if
	// the branch is known to have been promised, else NeverPrepared. Idempotent.
	Commit(ctx context.Context, b Branch, evidence []byte) (txc.Fate, error)

	// Abort rolls a branch back, promised, working or unknown: AbortedNow, or CommittedBefore where the store proves
	// that. Idempotent.
	Abort(ctx context.Context, b Branch, evidence []byte) (txc.Fate, error)

	// InDoubt yields the promised branches of this cluster and participant found in the store; others are never touched.
	InDoubt(ctx context.Context) iter.Seq2[InDoubt, error]

	// Committed yields the markers at or above from: what the store can prove to have committed by a decision (C6). What
	// an operator settled is none, whatever it came to: the coordinator would take a missing record for a lost one.
	Committed(ctx context.Context, from txc.ID) iter.Seq2[Proof, error]

	// Forget says that proofs of from's coordinator below the watermark may be dropped, save those listed (P5).
	Forget(ctx context.Context, below txc.ID, but []txc.ID) error

	// Recall reads the notebook; a new store draws its Instance and makes it durable first.
	Recall(ctx context.Context) (Memory, error)

	// Remember writes the notebook durably: before a hello of a new epoch or mark is answered (P6), else now and then.
	// The store keeps its own Stamp and Instance; only Seen is taken.
	Remember(ctx context.Context, m Memory) error

	// Settle records durably that an operator settled a promised branch by hand, and applies or rolls it back in the
	// same step (H2); compare-and-set on being promised: false if it no longer is. It stays in InDoubt as Settled until
	// Reconciled.
	Settle(ctx context.Context, b Branch, s Settlement) (bool, error)

	// Reconciled drops the settlement of a branch: the decision is known, and a difference is durable at its
	// coordinator (H4).
	Reconciled(ctx context.Context, b Branch) error

	// Check tells version, capabilities, and what is wrong with the store's settings.
	Check(ctx context.Context) (Report, error)

	// Close releases the store. Promises stay in it.
	Close(ctx context.Context) error
}

// Settlement is an operator's deed on one branch (H2).
type Settlement struct {
	Outcome  txc.Outcome // Committed or Aborted
	Who, Why string
	When     time.Time
}

// Batcher replaces a Resource's Prepare, Commit and Abort by groups: no goroutine per branch, one sync per group.
//
// Requests of one branch come one after the other, but Abort, which may come while its Prepare still runs and cancels
// it if the promise's write was not issued. done is called exactly once per request, from any goroutine, in any order;
// it must not block. reqs and what it refers to belong to the Batcher until done was called for each.
type Batcher interface {
	Submit(reqs []Request, done func(i int, r Reply))
}

// Verb says what a Request asks for.
type Verb uint8

// The verbs.
const (
	VerbPrepare Verb = iota + 1
	VerbCommit
	VerbAbort
)

// Request is one deed on one branch.
type Request struct {
	Verb     Verb
	Branch   Branch
	Joined   bool
	Work     []byte
	Evidence []byte
	Relaxed  bool      // of a Commit: nobody waits for it, so that it may wait for others to share a sync with, for milliseconds
	Deadline time.Time // of a Prepare; monotonic
}

// Reply is what came of it: Promise for a Prepare, Fate for the others; with Err the fate is unknown.
type Reply struct {
	Promise Promise
	Fate    txc.Fate
	Err     error
}

// Joiner is a Resource whose branches can be worked on by the service's own code before Prepare.
//
// The calls of one branch may overlap; Join and Leave of one branch do not. No call runs when Prepare or Abort comes.
type Joiner interface {
	// Join opens the branch at its first call, else finds it. The returned context carries the store's own handle; an
	// error dooms the branch, and a *txc.Refusal in it says to the caller why. ctx ends with the branch's deadline. It
	// must not wait for other branches to end: those may wait for this one.
	Join(ctx context.Context, b Branch) (context.Context, error)
	// Leave tells that one call is over, one whose Join erred too; failed: the branch can only abort. ctx has the values
	// of the context that Join returned. An error dooms the branch, as Join's.
	Leave(ctx context.Context, b Branch, failed error) error
}
