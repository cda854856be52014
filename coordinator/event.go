package coordinator

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// Token is whatever the shell wants back with an answer: a channel, a callback, in a simulation a number. The core
// never looks inside.
type Token any

// Event is something that happens to a coordinator's core.
//
//sumtype:decl
type Event interface{ event() }

// What clients ask. Every ask is answered by exactly one Answered effect with its token.
type (
	AskRun struct { // begin, enlist, commit
		Token   Token
		Request Request
	}
	AskBegin struct {
		Token   Token
		Request Request // without Work
	}
	AskEnlist struct {
		Token Token
		ID    txc.ID
		Mark  uint64 // 0: not said
		Work  Work
	}
	AskCommit struct {
		Token  Token
		ID     txc.ID
		Mark   uint64
		Wait   Wait
		Joined []Work
	}
	AskAbort struct {
		Token    Token
		ID       txc.ID
		Mark     uint64
		Why      string
		Operator bool
	}
	AskOutcome struct { // by id, or by key
		Token Token
		ID    txc.ID
		Mark  uint64
		Key   string
	}
)

// What participants do.
type (
	AskRegister struct {
		Token Token
		Peer  Peer
	}
	AskInquire struct { // the unary form of a question; over a link it is a message
		Token    Token
		Question Question
	}
	LinkUp   struct{ Participant string }
	LinkDown struct{ Participant string }
	LinkFull struct{ Participant string } // its queue took no more: make it again
	Received struct {
		Participant string
		Messages    []Message
	}
)

// What operators do.
type (
	AskResolve struct {
		Token       Token
		ID          txc.ID
		Participant string
		Outcome     txc.Outcome
		Who, Why    string
	}
	AskAcknowledge struct {
		Token    Token
		ID       txc.ID
		Who, Why string
	}
	AskAccept struct { // what: loss, participant, gone (C12)
		Token             Token
		What, Participant string
		Who, Why          string
	}
	AskRemove struct { // C13
		Token       Token
		Participant string
		Who, Why    string
	}
	AskStatus struct{ Token Token }
	AskList   struct { // of what is in memory
		Token  Token
		Filter Filter // its Limit: 0 = all, below 0 = none; Page means nothing here
		Before txc.ID // only ids below it; zero: all
	}
	AskDetail struct { // of one transaction in memory; ErrNotFound if it is not
		Token Token
		ID    txc.ID
	}
	AskFacts struct { // what memory knows; the shell adds the log
		Token      Token
		IDs        []protocol.Proof
		Unfinished bool   // and those that somebody has not acknowledged,
		Above      txc.ID // above this id
	}
	AskParticipants struct{ Token Token }
	Watching        struct{ On bool } // whether Changed effects are wanted; not answered
	AskHeard        struct {          // answered when every one of these participants can be given work
		Token Token
		Names []string
		Until time.Time // it is refused after this; zero: never
	}
	AskDrain struct{ Token Token } // refuse new ones; answered when nothing is undecided
)

// What the log says.
type (
	// Appended: the oldest N outstanding records were appended, the forced ones among them durably; the last has LSN.
	Appended struct {
		N   int
		LSN uint64
	}
	// Found answers a Lookup.
	Found struct {
		Lookup Lookup
		Record wal.Record // the commit record, if OK
		ID     txc.ID     // by key: whose it is
		Ended  bool
		OK     bool
		Err    error
	}
	// LogFailed: an append failed or is of unknown fate. The core stops for good (C3).
	LogFailed struct{ Err error }
)

func (AskRun) event()          {}
func (AskBegin) event()        {}
func (AskEnlist) event()       {}
func (AskCommit) event()       {}
func (AskAbort) event()        {}
func (AskOutcome) event()      {}
func (AskRegister) event()     {}
func (AskInquire) event()      {}
func (LinkUp) event()          {}
func (LinkDown) event()        {}
func (LinkFull) event()        {}
func (Received) event()        {}
func (AskResolve) event()      {}
func (AskAcknowledge) event()  {}
func (AskAccept) event()       {}
func (AskRemove) event()       {}
func (AskStatus) event()       {}
func (AskList) event()         {}
func (AskDetail) event()       {}
func (AskFacts) event()        {}
func (AskParticipants) event() {}
func (AskHeard) event()        {}
func (AskDrain) event()        {}
func (Watching) event()        {}
func (Appended) event()        {}
func (Found) event()           {}
func (LogFailed) event()       {}

// World is what the core cannot know by itself, as of one Step.
type World struct {
	Now    time.Time
	Synced uint64 // the log's last durable LSN
	Low    bool   // the disk is nearly full: refuse Begin
	Floor  txc.ID // the history's
}

// Effects are what a Step wants done. Appends, sends and answers of one Step do not depend on each other: what must wait
// for the log is only emitted once its completion came back.
type Effects struct {
	Append  []wal.Record // in this order, one group
	Send    []Outgoing
	Answers []Answered
	Dial    []Peer   // make, or replace, the link of this participant
	Hangup  []string // close it
	Lookups []Lookup
	Changed []Detail // of transactions that watchers may want; only while somebody watches
	Alarms  []string // what waits for a person from now on: said once, in the program's log
	Stop    error    // the program must end (exit code 9); wraps txc.ErrStopped
}

// Outgoing are messages for one participant; the slice is good until the next Step.
type Outgoing struct {
	Participant string
	Messages    []Message
}

// Answered answers an ask. Exactly one of the fields that the ask is about is set; Err says that it was refused.
type Answered struct {
	Token        Token
	Result       Result
	Answer       Answer
	Opening      protocol.Sender // of AskRegister
	Detail       Detail
	List         []Detail
	More         bool     // of List and Facts: the limit cut it
	Memory       []txc.ID // of List: all that is in memory
	Quarantined  []string // of List: participants whose acknowledgements are hazards (C13)
	Participants []Participant
	Facts        []Remembered
	Status       Status
	Err          error
}

// Lookup asks the shell to look something up in the log.
type Lookup struct {
	ID  txc.ID // by id
	Key string // by key
	For any    // the core's own
}
