package coordinator

import (
	"context"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Vocabulary that the coordinator's side shares with the protocol.
type (
	Message = protocol.Message // what coordinator and participant say to each other
	Seen    = protocol.Seen    // a participant's witness
	Report  = protocol.Report  // what a participant's Check found
	InDoubt = protocol.InDoubt // a promised branch as its participant lists it

	Peer     = protocol.Peer     // a participant as it registered itself (C13)
	Question = protocol.Question // a participant's unary question
	Answer   = protocol.Told     // C4's answer to it
)

// Link carries messages to one participant.
type Link interface {
	// Send never blocks. The first message on a new link is a Hello; nothing else is sent before its Welcome came back.
	// The slice is the link's until Send returns; the messages' contents are not changed afterwards. False: the queue is
	// full, and the link must be given up, for the coordinator has bounded what it sends.
	Send(batch []Message) bool
	// Check asks the participant about itself; for people, never for the protocol.
	Check(ctx context.Context) (Report, error)
	// InDoubt lists the promised branches that the participant holds for this coordinator; for people.
	InDoubt(ctx context.Context) ([]InDoubt, error)
	Close() error
}

// Dialer makes links; it returns at once and connects in the background, again and again, until the link is closed.
//
// receive is called with batches, from one goroutine at a time: with up=true and no messages when a connection is
// there, with up=false and no messages when it was lost (every Prepare without a vote is then a No that is not certain).
type Dialer func(p Peer, receive func(up bool, batch []Message)) (Link, error)

// Wait says when a client wants its answer. The zero value is Applied.
type Wait uint8

// When to answer.
const (
	Applied Wait = iota // every branch has acknowledged: the client reads its own writes everywhere
	Decided             // the decision is durable
)

// Work is one branch of a request.
type Work struct {
	Participant string
	Work        []byte // shipped: opaque; nil: joined
	Calls       uint32 // joined: completed calls, from the trailer
	Incarnation uint64 // joined: from the trailer
}

// Joined reports whether the branch was opened by calls, so that Prepare only closes it.
func (w Work) Joined() bool { return w.Work == nil }

// Request begins a transaction, and with Work runs it whole.
type Request struct {
	Key          string        // "" = none
	OwnKey       bool          // the client library drew the key (C11)
	FirstSentAgo time.Duration // of a keyed retry: how long ago it was first sent; 0 = not a retry
	Timeout      time.Duration // from Begin to the decision; 0 = default; negative, or above the maximum: refused
	Labels       map[string]string
	Age          uint64 // of the first attempt, kept by retries; 0 = now
	Work         []Work
	Wait         Wait
}

// Heuristic says whether a branch stands against the decision, or nobody can tell (H1).
type Heuristic uint8

// The values.
const (
	NoHeuristic Heuristic = iota
	Mixed
	Hazardous
)

func (h Heuristic) String() string {
	switch h {
	case NoHeuristic:
		return "none"
	case Mixed:
		return "mixed"
	case Hazardous:
		return "hazard"
	default:
		return "invalid"
	}
}

// Result is the state of a transaction as a client hears it. An abort is a Result, not an error.
type Result struct {
	ID        txc.ID
	Mark      uint64
	Key       string
	Outcome   txc.Outcome
	Applied   bool // every branch has acknowledged
	Replayed  bool // the first outcome of the key; its results are gone once it has ended
	Presumed  bool // aborted by the absence of a record, not by memory of it
	Older     bool // of Unknown: older than the history, for good
	Heuristic Heuristic
	Reason    txc.Reason
	Branches  []BranchResult
	Age       uint64
}

// BranchResult is one branch of a Result.
type BranchResult struct {
	Participant string
	Vote        txc.Vote
	State       string // working preparing in-doubt committed aborted read-only heuristic-committed heuristic-aborted hazard unreachable
	Reason      txc.Reason
	Results     []byte
}

// Detail is everything that can be told of a transaction.
type Detail struct {
	Result
	State    string // working voting deciding committing ending ended
	Began    time.Time
	Ended    time.Time // zero: not ended
	Labels   map[string]string
	Timeline []Moment
	WaitsFor []string // participants that it waits for, and what for
	Blocks   []string // what it keeps from others, as far as is known here
	Partial  bool     // after a restart the timeline has only what the log has
}

// Moment is one line of a timeline.
type Moment struct {
	When        time.Time
	What        string
	Participant string
	Text        string
	Durable     bool // LSN tells where
	LSN         uint64
}

// Filter chooses transactions.
type Filter struct {
	States      []string // working voting deciding committing ending ended; also in-doubt, committed, aborted, mixed; empty = all
	Participant string
	Labels      map[string]string
	Since       time.Time
	Limit       int    // 0 = 100; at most 10,000
	Page        string // from the last answer's next
}

// Participant is what the coordinator knows of one.
type Participant struct {
	Peer
	State  string // heard unheard quarantined draining removed gone
	Report Report // zero with Err
	Err    error  // it could not be asked
	Load   int    // branches of it that are undecided or unacknowledged
}

// Status is what the coordinator tells of itself.
type Status struct {
	Software, Cluster string
	Number, Epoch     uint32
	Mark, LSN         uint64
	State             string   // serving waiting draining refusing
	WaitingFor        []string // why it is not serving, in words
	Live, InDoubt     int      // transactions in memory; of them decided and not ended
	DiskFree          uint64
	DiskLow           bool
	Floor             txc.ID
	Started           time.Time     // this opening of the log
	Timeout           time.Duration // of a transaction that names none
	MaxTimeout        time.Duration // the most that one may ask for
	MaxLive, MaxQueue int           // transactions at once; unfinished branches of one participant (C10)
	Now               time.Time
	Log               Report // as far as it tells of itself
}
