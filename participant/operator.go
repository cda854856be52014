package participant

import (
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// What people ask of a participant itself.

// settleAsked settles a promised branch by hand (H2): the first of decision and operator wins.
func (c *Core) settleAsked(ev SettleAsked) {
	c.token = ev.Token
	if !ev.Settlement.Outcome.Decided() {
		c.answer(Answer{Err: fmt.Errorf("%w: settle %s: only as committed or aborted", txc.ErrInvalid, ev.ID)})
		return
	}
	lv, err := c.branchOf(ev.ID, ev.Mark)
	if err != nil {
		c.answer(Answer{Err: err})
		return
	}
	if phase := lv.machine.Phase; phase == protocol.Promised || phase == protocol.InHazard {
		lv.operator, lv.decided = ev.Token, ev.Settlement
		lv.why = c.reason(txc.CodeOperator, ev.Settlement.Who+": "+ev.Settlement.Why)
		lv.reason = txc.Reason{}
	}
	c.feed(lv, protocol.OperatorSettles{Outcome: ev.Settlement.Outcome})
}

// branchOf finds the branch that a person means; without a mark, the only one of that id.
func (c *Core) branchOf(id txc.ID, mark uint64) (*live, error) {
	var found *live
	if mark != 0 {
		found = c.find(key{id, mark})
	} else {
		for k, lv := range c.branches {
			if k.ID != id {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("%w: settle %s: it exists under several marks: name one", txc.ErrInvalid, id)
			}
			found = lv
		}
	}
	if found == nil || found.looking {
		return nil, fmt.Errorf("settle %s: %w", id, txc.Refuse(txc.ErrNotFound, txc.CodeWrongState, "no such branch is in doubt here"))
	}
	return found, nil
}

func (c *Core) refuseSettle(lv *live) {
	if lv.machine.Phase == protocol.Promised {
		lv.why = txc.Reason{}
	}
	switch {
	case lv.machine.Phase == protocol.Promised && !lv.reason.IsZero(): // the store could not tell
		c.answer(Answer{Token: lv.operator, Err: fmt.Errorf("settle %s: %w: %s", lv.ID, txc.ErrUnknown, lv.reason.Text)})
	case lv.machine.Phase == protocol.Promised:
		c.answer(Answer{Token: lv.operator, Err: notInDoubt(lv.ID, "the store no longer has its promise")})
	default:
		what := lv.machine.Phase.String()
		if how := lv.machine.How; how.Decided() {
			what += ": " + how.String()
		}
		c.answer(Answer{Err: notInDoubt(lv.ID, "it is not in doubt, but "+what)})
	}
}

func notInDoubt(id txc.ID, why string) error {
	return fmt.Errorf("settle %s: %w", id, txc.Refuse(txc.ErrInvalid, txc.CodeWrongState, why))
}

func (c *Core) statusAsked(ev StatusAsked) {
	a := Answer{Token: ev.Token}
	for _, lv := range c.branches {
		if lv.machine.Promise() && lv.machine.Phase != protocol.Promising {
			a.InDoubt++
			a.Oldest = max(a.Oldest, c.now-lv.since, time.Duration(1))
		}
	}
	c.answer(a)
}

// closeAsked refuses work from now on, and ends what has not promised.
func (c *Core) closeAsked() {
	if c.closing {
		return
	}
	c.closing = true
	for _, lv := range c.liveWhere(unpromised) {
		c.because(lv, txc.CodeBusy, "the participant is closing")
		c.feed(lv, protocol.TimeUp{})
	}
}

// unpromised tells the branches that may still be let go of.
func unpromised(lv *live) bool {
	return lv.machine.Phase == protocol.Working || lv.machine.Phase == protocol.Preparing
}

// quiet reports whether nothing of ours runs in the store, and nothing that has not promised is left.
func (c *Core) quiet() bool {
	if len(c.calls) > 0 {
		return false
	}
	for _, lv := range c.branches {
		if lv.machine.Phase == protocol.Working || lv.machine.Phase == protocol.Undoing || lv.machine.Phase == protocol.Promising {
			return false
		}
	}
	return true
}
