package protocol

import "github.com/txc-dev/txc"

// TxAction is something that the coordinator must do for a transaction, in the order in which Step gives it.
//
//sumtype:decl
type TxAction interface{ txAction() }

// Messages. Branch is an index below Tx.N.
type (
	SendPrepare struct{ Branch int } // once per branch, ever
	SendCommit  struct{ Branch int }
	SendAbort   struct{ Branch int }
)

// Log records. Each but AppendEnd and AppendAcknowledged is forced, and its completion comes back as an event.
type (
	AppendCommit    struct{ Members Set }
	AppendHeuristic struct {
		Branch int
		Fate   txc.Fate
	}
	AppendResolution   struct{ Branch int }
	AppendAcknowledged struct{ Acked Set }
	AppendEnd          struct{}
)

// The rest.
type (
	ArmDeadline struct{}
	Reply       struct{ Reply ReplyKind } // to the client
	RefuseEvent struct{}                  // the client's request comes too late: Tx.Phase says why
	Stop        struct{}                  // C3, C5: the coordinator stops serving; nobody is answered
)

// ReplyKind is what a client hears.
type ReplyKind uint8

// The replies.
const (
	ReplyNothingWritten ReplyKind = iota + 1 // committed; no branch had anything to write, no record was made
	ReplyAborted
	ReplyDecided       // committed, durable; branches still to be told
	ReplyApplied       // committed, and every branch has acknowledged
	ReplyMixed         // committed, but a branch settled otherwise, or nobody can tell (H1)
	ReplyStillApplying // committed; the client's limit for applied is over
)

var replyNames = [...]string{"none", "nothing written", "aborted", "decided", "applied", "mixed", "still applying"}

func (k ReplyKind) String() string {
	if int(k) >= len(replyNames) {
		return "invalid"
	}
	return replyNames[k]
}

// Committed reports whether the reply tells the client that the transaction committed.
func (k ReplyKind) Committed() bool { return k != ReplyAborted && k != 0 }

func (SendPrepare) txAction()        {}
func (SendCommit) txAction()         {}
func (SendAbort) txAction()          {}
func (AppendCommit) txAction()       {}
func (AppendHeuristic) txAction()    {}
func (AppendResolution) txAction()   {}
func (AppendAcknowledged) txAction() {}
func (AppendEnd) txAction()          {}
func (ArmDeadline) txAction()        {}
func (Reply) txAction()              {}
func (RefuseEvent) txAction()        {}
func (Stop) txAction()               {}
