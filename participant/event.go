package participant

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Event is something that happens to an agent's core.
//
//sumtype:decl
type Event interface{ event() }

// What the link brings. A session is one stream of a coordinator, or one unary call; the shell numbers them from 1.
type (
	SessionOpened struct{ Session uint64 }
	SessionClosed struct{ Session uint64 }
	Received      struct {
		Session  uint64
		Messages []Message // the core's from now on
	}
	// Told answers an Inquire effect.
	Told struct {
		ID   txc.ID
		Mark uint64
		Told protocol.Told
		Err  error // nobody answered
	}
)

// Done completes the Call of its number. Err means unknown; an error that wraps txc.ErrStopped means that only
// reopening the store tells, and ends the agent.
type Done struct {
	N         uint64
	Promise   Promise   // of DeedPrepare
	Fate      txc.Fate  // of DeedCommit, DeedAbort
	OK        bool      // of DeedSettle
	InDoubt   []InDoubt // of DeedList
	Committed []Proof   // of DeedList
	Stamp     uint64    // the store's, after it (P12); 0: it keeps none
	Err       error
}

// What the service's own code does (joined work). Each is answered by one Answer with its token.
type (
	CallAsked struct {
		Token      uint64
		ID         txc.ID
		Mark       uint64
		Age        uint64
		TimeLeft   time.Duration // of the transaction
		Enlistment Enlistment    // what the caller has of this branch; zero: nothing yet
	}
	CallOver struct {
		Token  uint64
		Call   uint64 // the token of the CallAsked that was let in
		Failed bool   // the transaction can only abort
	}
)

// What people do. Each is answered by one Answer with its token; CloseAsked by Effects.Closed.
type (
	SettleAsked struct {
		Token      uint64
		ID         txc.ID
		Mark       uint64 // 0: the only branch of this id
		Settlement Settlement
	}
	StatusAsked struct{ Token uint64 }
	ListAsked   struct { // what is in doubt for one coordinator, as a person may see it
		Token       uint64
		Coordinator uint32
	}
	CloseAsked struct{}
)

func (SessionOpened) event() {}
func (SessionClosed) event() {}
func (Received) event()      {}
func (Told) event()          {}
func (Done) event()          {}
func (CallAsked) event()     {}
func (CallOver) event()      {}
func (SettleAsked) event()   {}
func (StatusAsked) event()   {}
func (ListAsked) event()     {}
func (CloseAsked) event()    {}
