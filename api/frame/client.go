package frame

import (
	"time"

	"github.com/txc-dev/txc"
)

// Request is what a client asks over a stream. N is the client's own number for it; its replies bear the same.
type Request struct {
	N    uint64
	Body RequestBody
}

// RequestBody is what a Request asks for.
//
//sumtype:decl
type RequestBody interface{ request() }

// What a client can ask.
type (
	// Run begins, enlists and commits in one.
	Run struct {
		Begin
		Branches []Branch
		Decided  bool // answer as soon as the decision is durable; else when every branch has acknowledged
	}

	// Begin makes an id.
	Begin struct {
		Key          string            // at most txc.MaxKey bytes; empty: none
		OwnKey       bool              // the client's library drew the key (C11)
		Timeout      time.Duration     // until the decision; 0: the coordinator's default; whole milliseconds, rounded up
		Labels       map[string]string // at most txc.MaxLabels
		Age          uint64            // of the first attempt; 0: now
		FirstSentAgo time.Duration     // of a keyed retry; 0: not one; whole milliseconds, rounded up
	}

	// Enlist adds a branch.
	Enlist struct {
		ID     txc.ID
		Mark   uint64 // of the id's opening; 0: not said
		Branch Branch
	}

	// End commits a transaction, or aborts it.
	End struct {
		ID      txc.ID
		Mark    uint64
		Abort   bool
		Why     string   // of an abort
		Decided bool     // of a commit, as in Run
		Joined  []Branch // of a commit: branches that calls have opened
	}

	// Outcome asks what became of an id or of a key.
	Outcome struct {
		ID   txc.ID // zero: by key
		Mark uint64
		Key  string
	}
)

// Branch is the part of a transaction at one participant.
type Branch struct {
	Participant string
	Work        []byte // shipped: opaque; at most txc.MaxWork
	Joined      bool   // calls have opened it: Calls and Incarnation count, Work does not
	Calls       uint32 // from the trailers
	Incarnation uint64 // from the trailers
}

func (Run) request()     {}
func (Begin) request()   {}
func (Enlist) request()  {}
func (End) request()     {}
func (Outcome) request() {}

// Reply is what a coordinator answers to the Request of the same N.
type Reply struct {
	N    uint64
	Body ReplyBody
}

// ReplyBody is what a Reply says.
//
//sumtype:decl
type ReplyBody interface{ reply() }

// What a client can hear.
type (
	// Begun tells the id: the end of a Begin, and the first that is heard of a Run.
	Begun Tx

	// Done is the end of every other request.
	Done Tx

	// Refused says that the request was wrong or could not be served.
	Refused struct {
		Status uint32 // the gRPC status that the unary method would have ended with
		Reason txc.Reason
	}
)

func (Begun) reply()   {}
func (Done) reply()    {}
func (Refused) reply() {}

// Tx is the state of a transaction as a client hears it.
type Tx struct {
	ID        txc.ID
	Mark      uint64
	Key       string
	Outcome   txc.Outcome
	Applied   bool // every branch has acknowledged
	Replayed  bool // the first outcome of the key; its results are gone once it has ended
	Presumed  bool // aborted because nothing says otherwise
	Older     bool // of Unknown: older than the history, for good
	Heuristic Heuristic
	Reason    txc.Reason
	Branches  []BranchTx
	Age       uint64
}

// BranchTx is one branch of a Tx.
type BranchTx struct {
	Participant string
	Vote        txc.Vote
	State       string
	Reason      txc.Reason
	Results     []byte
}

// Heuristic stands beside an outcome, which stays what was decided (H1).
type Heuristic uint8

// The heuristics.
const (
	NoHeuristic Heuristic = iota
	Mixed
	Hazardous
)
