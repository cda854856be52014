package coordinator

import (
	"context"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// What this coordinator's memory and log say of ids that participants show: for `txc reconcile`. Looking changes nothing,
// not even what is presumed.

// Standing is what is known of an id with its mark.
type Standing string

// The standings.
const (
	StandingRunning   Standing = "running"      // not decided
	StandingCommitted Standing = "committed"    // recorded
	StandingAborted   Standing = "aborted"      // certainly
	StandingNoRecord  Standing = "no-record"    // above the floor, and C6 does not allow to presume yet
	StandingOlder     Standing = "older"        // at or below the floor: the history would not show it
	StandingDisowned  Standing = "disowned"     // of a stretch whose loss was accepted (C12)
	StandingNever     Standing = "never-issued" // above the last id
	StandingForeign   Standing = "foreign"      // of an opening that this log does not have (C5)
	StandingNotMine   Standing = "not-mine"     // of another coordinator
)

// Branch's words in a Fact.
const (
	FactMissing      = "missing"      // it has not acknowledged: its participant must still hold the promise, or prove that it committed (P5)
	FactSettled      = "settled"      // the same, and an operator has ended the waiting (H3)
	FactAcknowledged = "acknowledged" // it has applied it, and may have forgotten since
	FactOdd          = "odd"          // it stands against the decision, or cannot tell: recorded (H1)
)

// Fact is one id's.
type Fact struct {
	ID       txc.ID
	Mark     uint64
	Standing Standing
	Branches []BranchFact // of a committed one that is remembered with them: every member
}

// BranchFact is one member's.
type BranchFact struct{ Participant, State string }

// MaxFacts bounds how many ids may be asked about at once, and a page of unfinished ones: with 64 members each they fit into a
// message.
const MaxFacts = 500

// Facts tells of each of ids, in their order.
func (c *Coordinator) Facts(ctx context.Context, ids []protocol.Proof) ([]Fact, error) {
	if len(ids) > MaxFacts {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("%d ids: ask for at most %d", len(ids), MaxFacts))
	}
	a, err := c.call(ctx, func(t Token) Event { return AskFacts{Token: t, IDs: ids} })
	if err != nil {
		return nil, err
	}
	all := make([]Fact, len(ids))
	for i, m := range a.Facts {
		if m.done {
			all[i] = m.fact
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", txc.ErrUnknown, err)
		}
		// The log after memory, and the floor after the log: what was dropped in between is below it by then.
		found := Find(c.log, Lookup{ID: m.fact.ID})
		if found.Err != nil {
			return nil, unreadable(found.Err)
		}
		all[i] = m.withLog(found, c.log.Floor())
	}
	return all, nil
}

// Unfinished lists transactions that are decided and not everywhere acknowledged, ascending, above an id, at most
// MaxFacts. The last one listed is where the next page begins; more says whether there is one.
func (c *Coordinator) Unfinished(ctx context.Context, above txc.ID) (all []Fact, more bool, err error) {
	a, err := c.call(ctx, func(t Token) Event { return AskFacts{Token: t, Unfinished: true, Above: above} })
	for _, m := range a.Facts {
		all = append(all, m.fact)
	}
	return all, a.More, err
}

// Remembered is what memory knows of an id; done: the log need not be asked.
type Remembered struct {
	fact     Fact
	known    protocol.Known
	disowned bool
	odd      bool
	done     bool
}

func (c *Core) askFacts(ev AskFacts) {
	a := Answered{Token: ev.Token}
	for _, p := range ev.IDs {
		a.Facts = append(a.Facts, c.remember(p))
	}
	if ev.Unfinished {
		for l := c.order.first; l != nil; l = l.next {
			if l.id.Compare(ev.Above) <= 0 || l.tx.Phase != protocol.Committing && l.tx.Phase != protocol.Ending || l.tx.Missing() == 0 {
				continue
			}
			if len(a.Facts) == MaxFacts {
				a.More = true
				break
			}
			a.Facts = append(a.Facts, Remembered{fact: l.fact(), done: true})
		}
	}
	c.answer(a)
}

func (l *live) fact() Fact {
	f := Fact{ID: l.id, Mark: l.mark, Standing: StandingCommitted}
	for i := range l.tx.Members().All() {
		b := BranchFact{l.branches[i].peer.name, FactMissing}
		switch {
		case l.tx.Acked.Has(i):
			b.State = FactAcknowledged
		case (l.tx.Odd | l.tx.Excused | l.tx.Busy).Has(i): // busy: its record is on its way
			b.State = FactOdd
		case l.tx.Settled.Has(i):
			b.State = FactSettled
		}
		f.Branches = append(f.Branches, b)
	}
	return f
}

func (c *Core) remember(p protocol.Proof) Remembered {
	m := Remembered{fact: Fact{ID: p.ID, Mark: p.Mark}, known: c.known(p.ID, false), disowned: c.isDisowned(p.ID, p.Mark), odd: c.odd[p.ID] != nil}
	m.known.Heard = len(c.absent(nil)) == 0
	l := c.live[p.ID]
	switch {
	case p.ID.Coordinator != c.number:
		m.fact.Standing, m.done = StandingNotMine, true
	case !c.openings.Has(p.ID.Epoch, p.Mark):
		m.fact.Standing, m.done = StandingForeign, true
		if m.disowned {
			m.fact.Standing = StandingDisowned
		}
	case l != nil && m.known.Running:
		m.fact.Standing, m.done = StandingRunning, true
	case l != nil && l.tx.Decided == txc.Committed:
		m.fact, m.done = l.fact(), true
	}
	return m
}

// withLog completes it with what the log says, and with the floor that stood after that.
func (m Remembered) withLog(found Found, floor txc.ID) Fact {
	k := m.known
	k.BelowFloor = !floor.IsZero() && m.fact.ID.Compare(floor) <= 0
	switch {
	case found.OK:
		m.fact.Standing = StandingCommitted
		if body, ok := found.Record.Body.(wal.CommitBody); ok && found.Ended {
			for _, member := range body.Members {
				m.fact.Branches = append(m.fact.Branches, BranchFact{member.Participant, FactAcknowledged})
			}
		}
	case m.disowned:
		m.fact.Standing = StandingDisowned
	case k.BelowFloor:
		m.fact.Standing = StandingOlder
	case k.NeverIssued:
		m.fact.Standing = StandingNever
	case m.odd || protocol.AnswerClient(k) == protocol.ClientAborted:
		m.fact.Standing = StandingAborted
	default:
		m.fact.Standing = StandingNoRecord
	}
	return m.fact
}
