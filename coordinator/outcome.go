package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

func (c *Core) askOutcome(ev AskOutcome) {
	if ev.ID.IsZero() && (ev.Key == "" || len(ev.Key) > txc.MaxKey) {
		c.refuse(ev.Token, txc.ErrInvalid, txc.CodeBadName, "ask for an id or a key")
		return
	}
	if ev.ID.IsZero() {
		c.outcomeOfKey(ev.Token, ev.Key)
		return
	}
	if ref := c.mine(ev.ID); ref != nil {
		c.answer(Answered{Token: ev.Token, Err: ref})
		return
	}
	c.outcome(ev.Token, ev.ID, ev.Mark)
}

func (c *Core) outcomeOfKey(t Token, key string) {
	if l := c.keys[key]; l != nil {
		c.answer(Answered{Token: t, Result: c.result(l)})
		return
	}
	c.lookup(Lookup{Key: key}, func(f Found) {
		switch {
		case f.Err != nil:
			c.answer(Answered{Token: t, Err: unreadable(f.Err)})
		case f.OK:
			c.answer(Answered{Token: t, Result: c.fromRecord(f)})
		default:
			// Not committed as far as the history goes back: a key of an aborted transaction is free.
			c.answer(Answered{Token: t, Result: Result{Key: key, Outcome: txc.Unknown, Reason: txc.Reason{
				Code: txc.CodeNotFound, Text: "no committed transaction of the history has this key: it aborted, was never sent here, or is older"}}})
		}
	})
}

// outcome is C4's answer to a client, by id.
func (c *Core) outcome(t Token, id txc.ID, mark uint64) {
	if l := c.live[id]; l != nil && (mark == 0 || mark == l.mark) {
		c.answer(Answered{Token: t, Result: c.result(l)})
		return
	}
	c.lookup(Lookup{ID: id}, func(f Found) {
		if f.Err != nil {
			c.answer(Answered{Token: t, Err: unreadable(f.Err)})
			return
		}
		known := c.known(id, f.OK)
		if own, ok := c.openings.MarkOf(id.Epoch); mark != 0 && (!ok || own != mark) {
			// Of an opening that this log never had: nothing is presumed of it.
			c.answer(Answered{Token: t, Result: Result{ID: id, Mark: mark, Outcome: txc.Unknown}})
			return
		}
		if mark == 0 && !f.OK && c.openings.Ambiguous(id.Epoch) {
			c.answer(Answered{Token: t, Result: Result{ID: id, Outcome: txc.Unknown, Older: true, Reason: txc.Reason{
				Code: txc.CodeOlderThanHistory, Text: "records of that time were lost, and the loss was accepted: only its participants may know"}}})
			return
		}
		if protocol.AnswerClient(known) != protocol.ClientUnknown {
			c.tell(t, id, f, known)
			return
		}
		c.presume(id, known, nil, func(ok bool) {
			known.Heard = ok
			c.tell(t, id, f, known)
		})
	})
}

func (c *Core) tell(t Token, id txc.ID, f Found, known protocol.Known) {
	mark, _ := c.openings.MarkOf(id.Epoch)
	r := Result{ID: id, Mark: mark}
	switch protocol.AnswerClient(known) {
	case protocol.ClientCommitted:
		r = c.fromRecord(f)
		if l, ok := c.ended.items[id]; ok {
			r.Heuristic, r.Applied = c.result(l).Heuristic, c.result(l).Applied
		}
	case protocol.ClientAborted:
		r.Outcome, r.Presumed = txc.Aborted, true
		if l, ok := c.ended.items[id]; ok {
			r = c.result(l)
		}
		if o := c.odd[id]; o != nil && o.shown() {
			r.Heuristic = o.heuristic()
		}
	case protocol.ClientNoSuch:
		c.refuse(t, txc.ErrNotFound, txc.CodeNotFound, id.String()+" was never issued")
		return
	case protocol.ClientOlder:
		r.Outcome, r.Older = txc.Unknown, true
		r.Reason = txc.Reason{Code: txc.CodeOlderThanHistory, Text: "older than the history"}
	case protocol.ClientUndecided:
		r.Outcome = txc.Undecided
	case protocol.ClientUnknown:
		r.Outcome = txc.Unknown
		r.Reason = txc.Reason{Code: txc.CodeWaiting, Text: "not every participant has been heard since the restart: ask again", Retryable: true}
	}
	c.answer(Answered{Token: t, Result: r})
}

// known gathers what is known of an id that is not, or no longer, in memory. recorded is the log's word, asked for after
// memory was looked at: an id never comes back to life, so the order of the two is what C4 wants.
func (c *Core) known(id txc.ID, recorded bool) protocol.Known {
	mark, ever := c.openings.MarkOf(id.Epoch)
	k := protocol.Known{
		Ours:        id.Coordinator == c.number,
		Recorded:    recorded,
		BelowFloor:  !c.w.Floor.IsZero() && id.Compare(c.w.Floor) <= 0,
		ThisOpening: id.Epoch == c.epoch && !c.fenced, // another owner may issue the same ids
		Disowned:    len(c.stopped) > 0 && (id.Epoch != c.epoch || c.fenced) || ever && c.openings.Disowned(id.Epoch, mark),
		NeverIssued: !ever || id.Epoch == c.epoch && id.Sequence > c.sequence,
	}
	if l := c.live[id]; l != nil {
		k.Running = l.tx.Phase <= protocol.Deciding
		k.Recorded = k.Recorded || !k.Running
	}
	return k
}
