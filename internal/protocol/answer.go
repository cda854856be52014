package protocol

import "github.com/txc-dev/txc"

// Known is what a coordinator knows about an id when somebody asks (C4). The zero value knows nothing, and whoever asks
// hears that.
type Known struct {
	Ours        bool // of this cluster and number, and, where the asker gave a mark, of an opening of this log
	Running     bool // open, voting, or deciding: the log may hold a decision that is not durable yet
	Recorded    bool // a commit record is durable: in memory or in the history
	BelowFloor  bool // at or below the floor: the history would not show it
	ThisOpening bool // issued by this opening, or never issued by it
	Disowned    bool // within a range whose loss was accepted, or a loss stands unaccepted: nothing is presumed, ever
	Heard       bool // every member is heard, or may be done without (C6)
	NeverIssued bool // above the last id of this opening, or of an epoch that was never opened
}

// Asker is what is known of the participant that asks.
type Asker struct {
	Acknowledged bool // it has acknowledged this id, or its End is durable, or the record does not name it
	Stamped      bool // its store keeps a stamp, so a restored copy of it is noticed (P12)
}

// AnswerParticipant is C4's answer to a promised participant. Only Committed and Aborted end its asking.
//
// The order of the cases is the rule. While a transaction runs nothing is read from the log, for a record that is being
// written may be readable before it is durable. A participant that asks again about what it has acknowledged has lost
// its memory of that: the history must not be told to it as if it were news.
func AnswerParticipant(k Known, a Asker) txc.Outcome {
	switch {
	case !k.Ours:
		return txc.NotMine
	case k.Running:
		return txc.Undecided
	case k.Recorded && !a.Acknowledged:
		return txc.Committed
	case k.Recorded:
		return txc.Finished
	case k.BelowFloor && !a.Stamped:
		return txc.Finished
	case k.Disowned || k.NeverIssued:
		return txc.Undecided // an id from our own future proves C5: nothing is presumed of it
	case k.ThisOpening || k.Heard:
		return txc.Aborted
	default:
		return txc.Undecided
	}
}

// ClientAnswer is what a client hears of an id.
type ClientAnswer uint8

// What a client can hear. The zero value is the safe belief.
const (
	ClientUnknown   ClientAnswer = iota // witnesses are missing: ask later
	ClientUndecided                     // it runs
	ClientCommitted
	ClientAborted
	ClientNoSuch // certain: never issued
	ClientOlder  // unknown for good: older than the history
)

// AnswerClient is C4's answer to a client. A client's id proves nothing, and a client is told history. The floor is
// asked about this opening's ids too: an opening may live longer than what it did at first is kept.
func AnswerClient(k Known) ClientAnswer {
	switch {
	case !k.Ours:
		return ClientNoSuch
	case k.Running:
		return ClientUndecided
	case k.Recorded:
		return ClientCommitted
	case !k.ThisOpening && (k.Disowned || !k.Heard):
		return ClientUnknown
	case k.NeverIssued:
		return ClientNoSuch
	case k.BelowFloor:
		return ClientOlder
	default:
		return ClientAborted
	}
}
