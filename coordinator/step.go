package coordinator

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// Step is what Options.Gate sees: an action of the coordinator just before it is carried out, or a completion just
// before the core hears of it. Everything passes this gate, so tracing and failpoints hang on it and nowhere else.
type Step struct {
	Point       string // a stable name, one of Points()
	ID          txc.ID // zero where it is about no transaction
	Participant string
}

// Points lists every point that a Gate can see, for failpoints and for the tests that must hit each of them.
func Points() []string {
	var all []string
	for k := wal.Opened; k <= wal.Abort; k++ {
		if k != wal.Opened {
			all = append(all, appendPoint(k))
		}
	}
	for _, b := range []protocol.Body{
		protocol.Hello{}, protocol.Prepare{}, protocol.Commit{}, protocol.Abort{}, protocol.Answer{}, protocol.List{},
	} {
		all = append(all, sendPoint(b))
	}
	for _, b := range []protocol.Body{
		protocol.Welcome{}, protocol.Vote{}, protocol.Fated{}, protocol.Fenced{}, protocol.Inquiry{}, protocol.Listed{},
	} {
		all = append(all, receivePoint(b))
	}
	return append(all, PointDurable, PointReply, PointAnswer)
}

// Points that are about no kind of record or message.
const (
	PointDurable = "coordinator/durable" // a group with a forced record is durable, and nobody has heard of it
	PointReply   = "coordinator/reply"   // a client is about to hear of its transaction
	PointAnswer  = "coordinator/answer"  // whoever asked for anything else is about to be answered
)

func appendPoint(k wal.Kind) string { return "coordinator/append-" + k.String() }

func sendPoint(b protocol.Body) string    { return "coordinator/send-" + protocol.NameOf(b) }
func receivePoint(b protocol.Body) string { return "coordinator/receive-" + protocol.NameOf(b) }

// gateEvents shows completions to the gate. An error there is the failure of what is completing: a group's fate is
// unknown, a link is lost.
func (c *Coordinator) gateEvents(events []Event) []Event {
	for i, ev := range events {
		switch ev := ev.(type) {
		case Received:
			for _, m := range ev.Messages {
				if c.o.Gate(Step{receivePoint(m.Body), m.ID, ev.Participant}) != nil {
					events[i] = LinkFull{ev.Participant}
				}
			}
		case Appended:
			if !c.core.awaits(ev.N) {
				continue
			}
			if err := c.o.Gate(Step{Point: PointDurable}); err != nil {
				events[i] = LogFailed{fmt.Errorf("%w: %w", txc.ErrStopped, err)}
			}
		default: // asks, links and the clock pass no gate: what they lead to does
		}
	}
	return events
}

// awaits reports whether one of the oldest n outstanding records is a decision or another forced one.
func (c *Core) awaits(n int) bool {
	for i := c.pending.from; i < min(c.pending.from+n, len(c.pending.items)); i++ {
		if c.pending.items[i].forced {
			return true
		}
	}
	return false
}

// gateEffects shows actions to the gate. An error there is the failure of the action: the log is poisoned, a link is
// lost, an answer does not arrive.
func (c *Coordinator) gateEffects(eff *Effects) {
	for _, r := range eff.Append {
		if err := c.o.Gate(Step{Point: appendPoint(r.Kind), ID: r.ID}); err != nil {
			c.post(LogFailed{fmt.Errorf("%w: %w", txc.ErrStopped, err)})
			eff.Append = eff.Append[:0]
			break
		}
	}
	for i, s := range eff.Send {
		for _, m := range s.Messages {
			if c.o.Gate(Step{sendPoint(m.Body), m.ID, s.Participant}) != nil {
				c.post(LinkFull{s.Participant})
				eff.Send[i].Messages = nil
				break
			}
		}
	}
	for i := range eff.Answers {
		a := &eff.Answers[i]
		point := PointReply
		if a.Result.ID.IsZero() {
			point = PointAnswer
		}
		if err := c.o.Gate(Step{Point: point, ID: a.Result.ID}); err != nil {
			*a = Answered{Token: a.Token, Err: fmt.Errorf("%w: %w", txc.ErrUnknown, err)}
		}
	}
}
