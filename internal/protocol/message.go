package protocol

import (
	"time"

	"github.com/txc-dev/txc"
)

// Message is what a coordinator and a participant say to each other, about one branch or about their link. The wire
// carries it (api/frame), and so do in-process links and the simulator.
type Message struct {
	From *Sender // coordinator to participant: who speaks, as of when; shared by many messages, never changed. Else nil.
	ID   txc.ID  // the branch's transaction; zero for bodies about the link
	Mark uint64  // of the opening that issued ID; zero for bodies about the link
	Body Body
}

// Sender says which opening of which coordinator speaks, and what the participant may forget (C5, C6, P5, P6).
type Sender struct {
	Cluster     string
	Coordinator uint32
	Epoch       uint32
	Mark        uint64   // drawn at this opening of the log
	LSN         uint64   // last *synced* LSN
	Watermark   txc.ID   // for this participant: every id below can no longer come here, save those of Open; zero: none yet
	Open        []txc.ID // at most txc.MaxOpen ids below the watermark that may still come or are unfinished here, ascending
}

// Seen is a witness: the highest (epoch, mark, LSN) of a coordinator that a participant has kept (C6).
type Seen struct {
	Coordinator uint32
	Epoch       uint32
	Mark        uint64
	LSN         uint64
}

// Body is what a Message says. P8: an absent field has its most careful meaning.
//
//sumtype:decl
type Body interface{ body() }

// From a coordinator to a participant.
type (
	// Hello opens a link; Message.From is its content. The participant answers Welcome once epoch and mark are durable
	// and every write begun for an earlier opening has ended (P6).
	Hello struct{}

	// Prepare asks for a promise; sent once. Joined: close the branch that calls have opened, else execute Work.
	Prepare struct {
		Incarnation uint64        // the participant's own, from its Welcome; another means No, not certain (P4)
		Age         uint64        // wait-die: smaller is older
		TimeLeft    time.Duration // until the coordinator gives up; monotonic from arrival (P3)
		Members     []string      // every participant of the transaction
		MayRelease  bool          // a read-only vote may release its locks (S1)
		Joined      bool
		Calls       uint32 // joined: completed calls that the client saw
		Work        []byte // shipped: opaque to the coordinator
	}

	// Commit is a decision; repeated until an answer comes.
	Commit struct {
		Evidence []byte
		Relaxed  bool // nobody waits for the branch's end: its store may have it wait for company, for milliseconds
	}

	// Abort ends a branch that is not, or no longer, to commit; sent once.
	Abort struct{ Evidence []byte }

	// Answer answers an Inquiry (C4). Only Committed and Aborted end the asking.
	Answer struct {
		Outcome      txc.Outcome
		Recorded     bool // the Inquiry's Settled is durable here (H4)
		Acknowledged bool // and an operator has acknowledged it
	}

	// List asks for a page of in-doubt branches and markers (P9); read only. Page "" is the first.
	List struct{ Page string }
)

// From a participant to a coordinator.
type (
	// Welcome answers Hello.
	Welcome struct {
		Name        string
		Instance    [16]byte // its store's identity (P12)
		Incarnation uint64
		Stamp       uint64 // 0: the store keeps none
		Seen        []Seen // its witnesses
		Software    string
	}

	// Vote answers Prepare.
	Vote struct {
		Vote     txc.Vote
		Reason   txc.Reason // of a No
		Certain  bool       // of a No: nothing is or will be prepared
		Evidence []byte     // at most txc.MaxEvidence
		Results  []byte     // at most txc.MaxBranchRes
		Seen     Seen
		Stamp    uint64
	}

	// Fated answers Commit and Abort with the branch's fate (P7).
	Fated struct {
		Fate   txc.Fate
		Reason txc.Reason
		Seen   Seen
		Stamp  uint64
	}

	// Fenced refuses a message whose sender P6 refuses, and shows the higher opening. About: what was refused.
	Fenced struct {
		Seen  Seen
		About About
	}

	// Inquiry asks for the decision of a promised or settled branch (P2, H4).
	Inquiry struct {
		Instance [16]byte
		Members  []string
		Seen     Seen
		Settled  txc.Fate // zero: not settled; else how it was settled here
		Why      txc.Reason
	}

	// Listed is a page of what List asked for.
	Listed struct {
		InDoubt   []InDoubt
		Committed []Proof // markers above the participant's watermark: provably committed (C6)
		Next      string  // "": this was the last page
		Seen      []Seen
	}
)

// About says which message a Fenced refuses.
type About uint8

// What can be refused.
const (
	AboutHello About = iota + 1
	AboutPrepare
	AboutCommit
	AboutAbort
	AboutAnswer
	AboutList
)

// InDoubt is a promised branch as its participant lists it (P9).
type InDoubt struct {
	ID       txc.ID
	Mark     uint64
	Evidence []byte
	Since    time.Time
	Members  []string
	Age      uint64
	Settled  txc.Fate // zero: not; else by hand or by the store (H2, H4)
	Why      txc.Reason
}

// Proof names a marker: this branch provably committed here.
type Proof struct {
	ID   txc.ID
	Mark uint64
}

func (Hello) body()   {}
func (Prepare) body() {}
func (Commit) body()  {}
func (Abort) body()   {}
func (Answer) body()  {}
func (List) body()    {}
func (Welcome) body() {}
func (Vote) body()    {}
func (Fated) body()   {}
func (Fenced) body()  {}
func (Inquiry) body() {}
func (Listed) body()  {}
