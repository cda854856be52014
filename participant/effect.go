package participant

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Effects are what a Step wants done. They do not depend on each other: what must wait for the store is only emitted
// once its completion came back. The slices are the caller's until the next Step with the same Effects.
type Effects struct {
	Calls    []Call    // of the store; each completes with a Done of its number
	Sends    []Send    // messages, in this order
	Asks     []Inquire // questions to a coordinator that is not connected; each completes with a Told
	Answers  []Answer  // to who asked with a token
	Doomed   []Proof   // joined branches whose calls must end soon: cancel their contexts
	Lost     []uint32  // coordinators whose link has closed: register with them again
	Troubles []Trouble // for people
	Closed   bool      // CloseAsked is complete: nothing of ours runs in the store
	Failed   error     // the agent has stopped for good; wraps txc.ErrStopped
}

func (e *Effects) reset() {
	*e = Effects{
		Calls: e.Calls[:0], Sends: e.Sends[:0], Asks: e.Asks[:0], Answers: e.Answers[:0], Doomed: e.Doomed[:0], Lost: e.Lost[:0], Troubles: e.Troubles[:0],
	}
}

// Deed says what a Call asks of the store.
type Deed uint8

// The deeds. On one branch there is one at a time, but DeedCancel, which comes while a DeedPrepare runs.
const (
	DeedPrepare  Deed = iota + 1
	DeedCommit        // also to look whether an earlier one was done
	DeedAbort         // also to look whether a promise was written
	DeedCancel        // end the DeedPrepare numbered Of soon: it completes as ever, and this one too
	DeedSettle        // H2
	DeedDrop          // Resource.Reconciled
	DeedForget        // P5
	DeedRemember      // P6
	DeedList          // P9: all that is in doubt, and the markers from Below on
)

var deedNames = [...]string{"none", "prepare", "commit", "abort", "cancel", "settle", "drop", "forget", "remember", "list"}

func (d Deed) String() string {
	if int(d) >= len(deedNames) {
		return "invalid"
	}
	return deedNames[d]
}

// Call is one deed. Which fields count depends on it.
type Call struct {
	N          uint64
	Deed       Deed
	Branch     Branch        // of those on one branch
	Joined     bool          // DeedPrepare: close what calls have opened
	Work       []byte        // DeedPrepare
	Deadline   time.Duration // DeedPrepare: on the core's clock
	Evidence   []byte        // DeedCommit, DeedAbort
	Relaxed    bool          // DeedCommit: nobody waits for it
	Settlement Settlement    // DeedSettle
	Seen       []Seen        // DeedRemember
	Below      txc.ID        // DeedForget; DeedList: markers from here on
	But        []txc.ID      // DeedForget
	Of         uint64        // DeedCancel
}

// Send is a message for the coordinator at the other end of a session.
type Send struct {
	Session uint64
	Message Message
}

// Inquire asks a coordinator that has no session open, by its number.
type Inquire struct {
	Coordinator uint32
	Question    protocol.Question
}

// Answer answers an event that bears a token.
type Answer struct {
	Token      uint64
	Branch     Branch        // of CallAsked: what to join
	Deadline   time.Duration // of CallAsked: on the core's clock
	Enlistment Enlistment    // of CallOver: for the trailer
	Doomed     bool          // of CallOver: the transaction can only abort
	Fate       txc.Fate      // of SettleAsked
	InDoubt    uint64        // of StatusAsked
	Oldest     time.Duration // of StatusAsked
	Branches   []InDoubt     // of ListAsked
	Err        error         // refused; wraps one of txc's sentinels
}

// Trouble is something that a person should know, told once per branch and kind.
type Trouble struct {
	ID   txc.ID
	Mark uint64
	What protocol.Trouble // zero: see Text
	Text string
}
