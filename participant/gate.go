package participant

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Step is what Options.Gate sees: an action of the agent just before it is carried out, or a completion just before the
// core hears of it. Everything passes this gate, so tracing and failpoints hang on it and nowhere else. It may be called
// from several goroutines at once.
//
// An error is the failure of the step: a message is lost, a deed is not done and its fate unknown, or it was done and
// its fate is unknown all the same.
type Step struct {
	Point string // a stable name, one of Points()
	ID    txc.ID // zero where it is about no branch
	Mark  uint64
}

// Points lists every point that a Gate can see, for failpoints and for the tests that must hit each of them.
func Points() []string {
	var all []string
	for d := DeedPrepare; d <= DeedList; d++ {
		all = append(all, deedPoint(d), donePoint(d))
	}
	for _, b := range []protocol.Body{
		protocol.Hello{}, protocol.Prepare{}, protocol.Commit{}, protocol.Abort{}, protocol.Answer{}, protocol.List{},
	} {
		all = append(all, receivePoint(b))
	}
	for _, b := range []protocol.Body{
		protocol.Welcome{}, protocol.Vote{}, protocol.Fated{}, protocol.Fenced{}, protocol.Inquiry{}, protocol.Listed{},
	} {
		all = append(all, sendPoint(b))
	}
	return append(all, PointRegister, PointRegistered, PointInquire, PointInquired, PointCall, PointCallOver)
}

// Points that are about no deed of the store and no message of the link.
const (
	PointRegister   = "participant/register"
	PointRegistered = "participant/registered"
	PointInquire    = "participant/inquire"  // a question without a link
	PointInquired   = "participant/inquired" // and its answer
	PointCall       = "participant/call"     // a call of the service joins a branch
	PointCallOver   = "participant/call-over"
)

// pastDeeds names what is over: a promise is written, a commit is written, and so on, and nobody has heard of it.
var pastDeeds = [...]string{"", "prepare-written", "commit-written", "abort-written", "cancelled", "settle-written", "drop-written", "forget-written", "remember-written", "list-read"}

func deedPoint(d Deed) string { return deedPoints[d][0] }
func donePoint(d Deed) string { return deedPoints[d][1] }

// deedPoints are made once: each deed passes two of them.
var deedPoints = func() (all [DeedList + 1][2]string) {
	for d := range all {
		all[d] = [2]string{"participant/" + Deed(d).String(), "participant/" + pastDeeds[d]}
	}
	return all
}()

func receivePoint(b protocol.Body) string { return "participant/receive-" + protocol.NameOf(b) }
func sendPoint(b protocol.Body) string    { return "participant/send-" + protocol.NameOf(b) }

// pass shows a step to the gate.
func (a *Agent) pass(point string, id txc.ID, mark uint64) error {
	if a.o.Gate == nil {
		return nil
	}
	return a.o.Gate(Step{Point: point, ID: id, Mark: mark})
}
