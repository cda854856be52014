package coordinator

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// neverIssuedProof is what a StoppedBody says of an id of this epoch that this opening never issued (C5).
const neverIssuedProof = "never_issued"

// judge holds a participant's witness against the openings table: false, and what follows, if it proves that the log
// lost records (C6) or that another process owns this number (C5).
func (c *Core) judge(participant string, s Seen) bool {
	if s.Coordinator != c.number {
		return true
	}
	v := c.openings.Judge(s, c.head)
	if v.Good() {
		return true
	}
	text := map[protocol.Verdict]string{
		protocol.NotContained: "%s has seen record %[3]d of epoch %[2]d, which this log does not have: the log has lost records, or is an old copy",
		protocol.HigherEpoch:  "%s has seen epoch %[2]d of this coordinator, which this log never reached: another process owns its number, or the log is an old copy",
		protocol.OtherMark:    "%s has seen epoch %[2]d with another mark: another process owns this coordinator's number",
	}[v]
	c.stop(wal.StoppedBody{
		Participant: participant, Epoch: s.Epoch, Mark: s.Mark, Shown: s.LSN, What: v.String(),
		Text: fmt.Sprintf(text, participant, s.Epoch, s.LSN),
	})
	return false
}

func (c *Core) neverIssued(participant string, id txc.ID, mark uint64) {
	c.stop(wal.StoppedBody{
		Participant: participant, Epoch: id.Epoch, Mark: mark, Shown: id.Sequence, What: neverIssuedProof,
		Text: fmt.Sprintf("%s holds %s, which this coordinator never issued: another process owns its number", participant, id),
	})
}

// notContained is a marker without a record: the log has lost it (C6).
func (c *Core) notContained(participant string, m protocol.Proof) {
	c.stop(wal.StoppedBody{
		Participant: participant, Epoch: m.ID.Epoch, Mark: m.Mark, Shown: 0, What: protocol.NotContained.String(),
		Text: fmt.Sprintf("%s has committed %s, of which this log has no record: the log has lost records, or is an old copy", participant, m.ID),
	})
}

// stop records a proof, durably, before anything follows from it but this: nothing begins and nothing is presumed from
// here on. Of another owner, the process ends; of a loss, recorded commits are still completed and told.
func (c *Core) stop(found wal.StoppedBody) {
	for _, s := range c.stopped {
		if s.Epoch == found.Epoch && s.Mark == found.Mark && s.Shown >= found.Shown && s.What == found.What {
			return
		}
	}
	other := found.What != protocol.NotContained.String()
	if len(c.stopped) >= maxProofs && (!other || c.fenced) {
		return // it stands still already; what else was lost shows after the loss was accepted
	}
	found.Text = note(found.Text, maxNote)
	c.stopped = append(c.stopped, proof{found, c.epoch})
	c.fenced = c.fenced || other
	c.append(wal.New(txc.ID{}, c.w.Now, found), done{call: func(c *Core, _ uint64) {
		if other {
			c.fail(fmt.Errorf("%w: %s; start it again and see `txc status`, then `txc accept loss`", txc.ErrStopped, found.Text))
			return
		}
		c.alarm(found.Text)
	}})
	if other {
		return
	}
	for l := c.order.first; l != nil; {
		next := l.next
		if l.tx.Phase == protocol.Open || l.tx.Phase == protocol.Voting {
			l.reason = txc.Reason{Code: txc.CodeWaiting, Text: found.Text}
			c.step(l, protocol.Cancel{})
		}
		l = next
	}
}

// proof is what stopped this coordinator, and the epoch in which it was found.
type proof struct {
	wal.StoppedBody
	in uint32
}

// acceptLoss takes an operator's word that what the proofs show is lost (C12). The next opening is above all of it, so
// this one ends as soon as the record is durable.
func (c *Core) acceptLoss(ev AskAccept) {
	if len(c.stopped) == 0 {
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeWrongState, "no loss was found: there is nothing to accept")
		return
	}
	// An opening that this log does not have belongs to the one that it is a copy of. The last opening that both share
	// recorded more there than here, and nobody knows which one that is: the proof was found later, and shows a later one.
	shared := uint32(0)
	body := wal.ResolutionBody{What: wal.ResolveLoss, Who: ev.Who, Why: ev.Why, Epoch: c.epoch}
	for _, s := range c.stopped {
		body.Epoch = max(body.Epoch, s.Epoch)
		to := s.Shown
		if s.What != protocol.NotContained.String() || to == 0 {
			to = ^uint64(0) // of another owner, or of a marker: everything under that mark
		}
		body.Lost = append(body.Lost, wal.Range{Epoch: s.Epoch, Mark: s.Mark, From: 1, To: to})
		if !c.openings.Has(s.Epoch, s.Mark) {
			shared = max(shared, min(s.Epoch, s.in)-1)
		}
	}
	if shared > 0 {
		body.Lost = append(body.Lost, wal.Range{Epoch: shared, From: 1, To: ^uint64(0)})
	}
	c.append(wal.New(txc.ID{}, c.w.Now, body), done{call: func(c *Core, _ uint64) {
		c.answer(Answered{Token: ev.Token, Status: c.status()})
		c.failed = true // after this answer nothing is said
		c.out.Stop = fmt.Errorf("%w: the loss was accepted: start the coordinator again, under a higher epoch", txc.ErrStopped)
	}})
}
