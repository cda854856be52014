package wal

import (
	"time"

	"github.com/txc-dev/txc"
)

// Kind tells what a record says. Zero is invalid: unwritten space is never a record.
type Kind uint8

// The kinds of record. Forced ones are durable before Append returns.
const (
	Opened       Kind = iota + 1 // forced: first record after every Open
	Commit                       // forced: THE decision
	Heuristic                    // forced: a branch's fate that differs from the decision or cannot be told (H1, H4)
	Resolution                   // forced: an operator settled, acknowledged or accepted (H2, C12)
	Registration                 // forced: a participant was added, moved, is draining, was removed (C13)
	Stopped                      // forced: proof of a loss or of another owner (C5, C6)
	Presumed                     // forced: aborted with a member not heard, or checked since (C6)
	Acknowledged                 // lazy: who has applied a commit that stays incomplete (P5)
	End                          // lazy: every member has acknowledged
	Abort                        // lazy, for inspection only; nobody may conclude anything from it
	Checkpoint                   // forced, written by the log itself: everything that Recovery holds
	Dropped                      // forced, written by the log itself: the history's new floor (C4)
	Closed                       // forced, written by the log itself: a clean end
)

// Forced tells whether Append waits for records of this kind.
func (k Kind) Forced() bool { return k != Acknowledged && k != End && k != Abort }

var kindNames = [...]string{"invalid", "opened", "commit", "heuristic", "resolution", "registration", "stopped", "presumed", "acknowledged", "end", "abort", "checkpoint", "dropped", "closed"}

func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// Record is one entry of the log.
type Record struct {
	LSN  uint64 // contiguous, starting at 1; given by the log
	Kind Kind
	ID   txc.ID    // the transaction; zero for records that are about none
	When time.Time // wall clock, to the microsecond, for people only: no rule reads it but history's age
	Body Body
}

// Body is what a record of one kind says. Each kind has exactly one body type.
//
//sumtype:decl
type Body interface{ kind() Kind }

// OpenedBody names an opening for ever (C5).
type OpenedBody struct {
	Epoch    uint32
	Mark     uint64
	Software string
}

// CommitBody is the decision and what is needed to carry it out and to answer for it.
type CommitBody struct {
	Members []Member
	Labels  map[string]string
	Key     string
	OwnKey  bool     // the client library drew the key: not indexed (C11)
	Digest  [16]byte // of the request: the same key with another digest is refused
	Began   time.Time
}

// Member is a participant whose branch has something to commit or locks to keep.
type Member struct {
	Participant string
	Evidence    []byte // at most txc.MaxEvidence; goes back with Commit
}

// HeuristicBody records a branch that does not, or may not, agree with the decision (H1, H4).
type HeuristicBody struct {
	Outcome     txc.Outcome // what was decided: Committed or Aborted
	Mark        uint64      // of the id's opening
	Participant string
	Fate        txc.Fate // what the branch says of itself
	Why         txc.Reason
}

// ResolutionBody records what an operator did (H2, C12). What says which fields count.
type ResolutionBody struct {
	What        string // settle, acknowledge, loss, participant, gone
	Participant string
	Outcome     txc.Outcome // settle: what the branch counts as
	Epoch       uint32      // loss: the next epoch must be above this
	Lost        []Range     // loss: disowned for ever
	Instance    [16]byte    // participant: the identity that is accepted
	Stamp       uint64      // participant: the stamp that is accepted
	Who, Why    string
}

// What a ResolutionBody may be about.
const (
	ResolveSettle      = "settle"
	ResolveAcknowledge = "acknowledge"
	ResolveLoss        = "loss"
	ResolveParticipant = "participant"
	ResolveGone        = "gone"
)

// Range is a stretch of a coordinator's past that its log does not have: the openings and records that a witness
// proved. Nothing of it is ever presumed.
type Range struct {
	Epoch uint32 // of the witness
	Mark  uint64 // 0: of every opening up to the epoch that the log had when the loss was accepted
	From  uint64 // first LSN not contained
	To    uint64 // the witness's LSN
}

// RegistrationBody is what is known of a participant (C13).
type RegistrationBody struct {
	Name, Address, Kind, Version string
	Instance                     [16]byte // its store's identity (P12)
	Stamp                        uint64   // highest seen (P12); 0: its store keeps none
	State                        string   // active, quarantined, draining, removed, gone
	Who, Why                     string   // of a removal
}

// States of a registration.
const (
	StateActive      = "active"
	StateQuarantined = "quarantined"
	StateDraining    = "draining"
	StateRemoved     = "removed"
	StateGone        = "gone"
)

// StoppedBody is the proof of a loss or of another owner of the number (C5, C6).
type StoppedBody struct {
	Participant string // who showed it
	Epoch       uint32
	Mark, Shown uint64 // Shown: an LSN, or a sequence where ID is set
	What        string // higher_epoch, other_mark, never_issued, not_contained
	Text        string
}

// PresumedBody records an abort that was presumed although some members had not been heard (C6), or that this was
// checked when they came back.
type PresumedBody struct {
	Mark    uint64
	Absent  []string // members not heard
	Checked bool     // all of them were heard since, and showed nothing against it
}

// AcknowledgedBody lists who has applied a commit.
type AcknowledgedBody struct{ Participants []string }

// EndBody ends a transaction: no member needs its record any more.
type EndBody struct {
	Took    time.Duration // from Begin
	Retries uint32
}

// AbortBody is kept for people to look at.
type AbortBody struct {
	Reason  txc.Reason
	Members []string
	Labels  map[string]string
	Key     string
	Began   time.Time
}

// CheckpointBody stands for the records that a checkpoint carries; the log writes and reads them itself.
type CheckpointBody struct{ Records uint32 }

// DroppedBody is the floor after history was dropped from the front.
type DroppedBody struct {
	Floor txc.ID
	Next  uint64 // the first LSN that is left
}

// ClosedBody marks a clean end.
type ClosedBody struct{}

func (OpenedBody) kind() Kind       { return Opened }
func (CommitBody) kind() Kind       { return Commit }
func (HeuristicBody) kind() Kind    { return Heuristic }
func (ResolutionBody) kind() Kind   { return Resolution }
func (RegistrationBody) kind() Kind { return Registration }
func (StoppedBody) kind() Kind      { return Stopped }
func (PresumedBody) kind() Kind     { return Presumed }
func (AcknowledgedBody) kind() Kind { return Acknowledged }
func (EndBody) kind() Kind          { return End }
func (AbortBody) kind() Kind        { return Abort }
func (CheckpointBody) kind() Kind   { return Checkpoint }
func (DroppedBody) kind() Kind      { return Dropped }
func (ClosedBody) kind() Kind       { return Closed }

// New makes a record; the log gives it its LSN.
func New(id txc.ID, when time.Time, body Body) Record {
	return Record{Kind: body.kind(), ID: id, When: when, Body: body}
}
