package engine

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Event is something that happened to the store: a request, or the completion of a write. N numbers a request, from
// 1; its Answer bears the same number. A request that meets an earlier one of its branch takes its turn behind it.
//
//sumtype:decl
type Event interface{ event() }

type (
	// Ask is a Prepare, Commit or Abort. What it refers to must stay unchanged until it was answered.
	Ask struct {
		N       uint64
		Request participant.Request
	}

	// Begin opens a branch for the calls of a service's own code (P4: the caller knows that it is the first). It is answered
	// with a Promise: Yes, it is open; or No, and why.
	Begin struct {
		N        uint64
		Branch   participant.Branch
		Deadline time.Time
	}

	// Do executes operations on an open branch, on which nothing else is running. It is answered with a Promise: Yes, they
	// are done, with what they read; No: nothing is left of the branch. A Prepare with Joined promises what was done.
	Do struct {
		N    uint64
		Name Name
		Ops  []Op // their bytes are the branch's from here on: nobody changes them
	}

	// Cancel ends a Prepare whose promise's write was not issued, and a Do that waits; after that it does nothing (P3). It has
	// no answer.
	Cancel struct{ Name Name }

	// Settle is an operator's deed on a promised branch (H2). Answer.Done: it still was promised.
	Settle struct {
		N          uint64
		Name       Name
		Settlement participant.Settlement
	}

	// Reconcile drops a settlement.
	Reconcile struct {
		N    uint64
		Name Name
	}

	// Shed drops the work that a settlement as committed has left in an opaque store: it was handed over.
	Shed struct {
		N    uint64
		Name Name
	}

	// Remember makes witnesses durable.
	Remember struct {
		N    uint64
		Seen []participant.Seen
	}

	// Forget drops the proofs of Below's coordinator under it, save those of But. It is not answered: what of it a
	// crash undoes is dropped the next time.
	Forget struct {
		Below txc.ID
		But   []txc.ID
	}

	// Shut refuses all that has not been promised, and what comes from now on.
	Shut struct{}

	// Room tells whether the disk is nearly full: no promise is given then; what is promised is still applied.
	Room struct{ Low bool }

	// Written completes a batch: it is durable as a whole.
	Written struct{ Ticket uint64 }

	// NotWritten completes a batch: it is certain that nothing of it is or will be in the store.
	NotWritten struct {
		Ticket uint64
		Err    error
	}

	// Lost completes a batch whose fate is unknown: only opening the store again tells (P11).
	Lost struct {
		Ticket uint64
		Err    error
	}
)

func (*Ask) event()        {}
func (*Begin) event()      {}
func (*Do) event()         {}
func (*Cancel) event()     {}
func (*Settle) event()     {}
func (*Reconcile) event()  {}
func (*Shed) event()       {}
func (*Remember) event()   {}
func (*Forget) event()     {}
func (*Shut) event()       {}
func (*Room) event()       {}
func (*Written) event()    {}
func (*NotWritten) event() {}
func (*Lost) event()       {}

// Answer answers the request of its number, once.
type Answer struct {
	N     uint64
	Reply participant.Reply
	Done  bool // of Settle: it was promised until then
}

// Batch is to be written as a whole and made durable in one go, and completed by one event with its ticket. There is
// one at a time. Its memory is the core's again with that event.
type Batch struct {
	Ticket uint64
	Pairs  []Pair // of two with one key the last counts
}

// Effects is what a Step wants done. The caller keeps it from Step to Step, to spare memory.
type Effects struct {
	Answers []Answer
	Write   *Batch // nil: nothing to be written now
	Stop    error  // the store can no longer be trusted: the process must stop, and open it again
}
