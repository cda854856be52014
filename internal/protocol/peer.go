package protocol

import "github.com/txc-dev/txc"

// What a participant asks of a coordinator outside their link: both sides name these types as their own, so that a
// coordinator in the same process can be asked without any network between.

// Peer is a participant as it registers itself (C13).
type Peer struct {
	Name, Address, Kind, Version string
	Instance                     [16]byte // its store's identity (P12)
	Incarnation, Stamp           uint64   // P4, P12
	Seen                         []Seen   // its witnesses (C6)
}

// Question is the unary form of an Inquiry (P2, H4).
type Question struct {
	Participant string
	Instance    [16]byte
	ID          txc.ID
	Mark        uint64 // of the id's opening
	Members     []string
	Seen        Seen
	Settled     txc.Fate // zero: not settled; else how it was settled there
	Why         txc.Reason
}

// Told is the unary form of an Answer (C4).
type Told struct {
	Outcome                txc.Outcome
	From                   Sender
	Recorded, Acknowledged bool // of Question.Settled
}
