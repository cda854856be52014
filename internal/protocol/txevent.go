package protocol

import "github.com/txc-dev/txc"

// TxEvent is something that happens to a transaction at its coordinator. Branch is an index below Tx.N.
//
//sumtype:decl
type TxEvent interface{ txEvent() }

// What a client or its library asks.
type (
	Begin      struct{}        // an interactive transaction, no branch yet
	BeginWhole struct{ N int } // all of its branches at once, and commit
	Enlist     struct{}        // one more branch: it gets index N
	AskCommit  struct{}        // commit
	Doom       struct{}        // commit was asked, but a call had failed: only an abort is left
	Cancel     struct{}        // the client, or an operator, wants it aborted
)

// What time brings.
type (
	Deadline    struct{} // the coordinator's own deadline for the decision
	AnswerLimit struct{} // the client has waited long enough for applied
	Retry       struct{} // time to send Commit again to who has not answered
	SaveAcks    struct{} // no End given for a second: note who has acknowledged
)

// What participants say.
type (
	Voted struct {
		Branch  int
		Vote    txc.Vote
		Certain bool // of a No: nothing is or will be prepared there
	}
	PeerLost struct{ Branch int } // its link broke, or it restarted, before or after its vote
	PeerBack struct{ Branch int } // its link is there again
	Asked    struct{ Branch int } // it asks for the decision
	Answered struct {
		Branch int
		Fate   txc.Fate // to Commit
	}
)

// What the log says. There is no event for a failed append but the last: unknown is never turned into an abort (C3).
type (
	Logged           struct{}             // the commit record is durable
	HeuristicLogged  struct{ Branch int } // its record is durable
	ResolutionLogged struct{ Branch int } // its record is durable
	EndLogged        struct{}             // the end is durable
	LogFailed        struct{}             // an append failed, is of unknown fate, or was fenced
)

// What an operator does.
type (
	SettleBranch struct{ Branch int } // stop waiting for it (H3)
	Excuse       struct{}             // the heuristics of this transaction are acknowledged (H1), durably
)

// Recovered starts from a commit record without an End.
type Recovered struct {
	N       int // members of the record
	Acked   Set // whose acknowledgement is recorded
	Settled Set // settled by an operator
	Odd     Set // with a heuristic that is not acknowledged
	Excused Set // with one that is
}

func (Begin) txEvent()            {}
func (BeginWhole) txEvent()       {}
func (Enlist) txEvent()           {}
func (AskCommit) txEvent()        {}
func (Doom) txEvent()             {}
func (Cancel) txEvent()           {}
func (Deadline) txEvent()         {}
func (AnswerLimit) txEvent()      {}
func (Retry) txEvent()            {}
func (SaveAcks) txEvent()         {}
func (Voted) txEvent()            {}
func (PeerLost) txEvent()         {}
func (PeerBack) txEvent()         {}
func (Asked) txEvent()            {}
func (Answered) txEvent()         {}
func (Logged) txEvent()           {}
func (HeuristicLogged) txEvent()  {}
func (ResolutionLogged) txEvent() {}
func (EndLogged) txEvent()        {}
func (LogFailed) txEvent()        {}
func (SettleBranch) txEvent()     {}
func (Excuse) txEvent()           {}
func (Recovered) txEvent()        {}
