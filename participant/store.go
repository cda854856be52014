package participant

import (
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// The store's side of the core: deeds that go out, completions that come back.

// call gives the store a deed on a branch, as soon as what runs on it there has ended.
func (c *Core) call(lv *live, call Call) {
	if lv.flights > 0 {
		kept := call // a copy, so that only calls that wait are allocated
		lv.next = &kept
		return
	}
	c.start(lv, call)
}

// write is call, or, of a deed that is repeated, callLater.
func (c *Core) write(lv *live, call Call, again bool) {
	switch {
	case lv.looking: // the store has just done it: that is how the branch was found
	case again:
		c.callLater(lv, call)
	default:
		c.call(lv, call)
	}
}

// callLater gives the store a deed again after a pause, which doubles each time.
func (c *Core) callLater(lv *live, call Call) {
	lv.pause = min(max(2*lv.pause, retryMin), retryMax)
	kept := call
	lv.again = &kept
	c.timers.arm(&lv.timer, c.now+c.jitter(lv.pause))
}

// jitter spreads what many branches do: from d to one and a half d.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d + time.Duration(c.rng.Int64N(int64(d)/2+1))
}

func (c *Core) start(lv *live, call Call) {
	p := c.peer(lv.ID.Coordinator)
	lv.flights++
	p.flights++
	lv.store.Seen = p.shown()
	call.Branch = lv.store
	f := flight{deed: call.Deed, branch: lv.key, number: p.number, gen: p.gen}
	if p.raising && lv.ID.Epoch < p.seen().Epoch { // what the newer opening ends belongs to the earlier ones
		f.gen--
		p.older++
	}
	n := c.launch(call, f)
	if call.Deed == DeedPrepare {
		lv.prepare = n
	}
}

func (c *Core) launch(call Call, f flight) uint64 {
	c.lastCall++
	call.N = c.lastCall
	c.calls[call.N] = f
	c.out.Calls = append(c.out.Calls, call)
	return call.N
}

// cancel ends what runs of a branch soon: its Prepare in the store, or the service's own calls.
func (c *Core) cancel(lv *live) {
	if lv.machine.Running > 0 {
		c.out.Doomed = append(c.out.Doomed, Proof(lv.key))
	}
	if lv.machine.Executing {
		c.start(lv, Call{Deed: DeedCancel, Of: lv.prepare})
	}
}

// done takes a completion.
func (c *Core) done(d Done) {
	f, ok := c.calls[d.N]
	if !ok {
		return
	}
	delete(c.calls, d.N)
	c.stamp = max(c.stamp, d.Stamp)
	if errors.Is(d.Err, txc.ErrStopped) {
		c.fail(d.Err)
		return
	}
	p := c.peer(f.number)
	switch f.deed {
	case DeedRemember:
		c.remembered(f, d)
		return
	case DeedForget:
		c.forgotten(p, d)
		return
	case DeedList:
		c.listedBy(p, f, d)
		return
	}
	p.flights--
	if f.gen < p.gen {
		p.older--
	}
	if lv := c.branches[f.branch]; lv != nil {
		lv.flights--
		c.doneOf(lv, f.deed, d)
		if lv.flights == 0 && lv.next != nil {
			call := *lv.next
			lv.next = nil
			c.start(lv, call)
		}
	}
	c.settleDown(p)
}

func (c *Core) doneOf(lv *live, deed Deed, d Done) {
	if d.Err != nil && deed != DeedCancel {
		c.trouble(lv, fmt.Sprintf("%s: %v", deed, d.Err))
	}
	switch deed {
	case DeedPrepare:
		c.prepared(lv, d)
	case DeedCommit:
		if lv.looking {
			c.lookedUp(lv, d)
			return
		}
		c.applied(lv, d)
	case DeedAbort:
		if lv.looking {
			c.lookedUp(lv, d)
			return
		}
		c.rolledBack(lv, d)
	case DeedSettle:
		if d.Err == nil && d.OK {
			c.feed(lv, protocol.SettlementWritten{})
			return
		}
		lv.reason = txc.Reason{}
		if d.Err != nil {
			c.because(lv, txc.CodeStore, "the store could not tell whether it was settled: "+d.Err.Error())
		}
		c.feed(lv, protocol.SettlementRefused{})
	case DeedCancel, DeedDrop, DeedForget, DeedRemember, DeedList:
	}
}

// prepared takes the answer of Resource.Prepare, which executes and promises in one. The deadline within it is the
// store's to keep, for only the store knows when the promise's write was issued (P3).
func (c *Core) prepared(lv *live, d Done) {
	vote := d.Promise.Vote
	switch {
	case d.Err != nil:
		vote = txc.Yes // it may have written a promise
	case vote == txc.No: // certain: the adapter has rolled it back
		lv.undone = true
		if !d.Promise.Reason.IsZero() && lv.reason.IsZero() {
			lv.reason = d.Promise.Reason
			lv.reason.Participant = c.conf.Name
		}
		c.because(lv, txc.CodeStore, "the store refused")
	case vote == txc.ReadOnly:
		c.because(lv, txc.CodeStore, "the store let go of locks that it had to hold")
	case !vote.Promises():
		c.because(lv, txc.CodeStore, "the store gave no vote")
	case len(d.Promise.Evidence) > txc.MaxEvidence || len(d.Promise.Results) > txc.MaxBranchRes:
		vote = txc.No
		c.because(lv, txc.CodeTooLarge, fmt.Sprintf("evidence of %d or results of %d bytes are too many", len(d.Promise.Evidence), len(d.Promise.Results)))
	}
	if vote != txc.No {
		lv.evidence, lv.results = d.Promise.Evidence, d.Promise.Results
	}
	c.feed(lv, protocol.Executed{Vote: vote})
	if lv.machine.Phase != protocol.Promising {
		return
	}
	if d.Err == nil {
		c.feed(lv, protocol.PromiseWritten{})
		return
	}
	c.because(lv, txc.CodeNotDurable, "the store could not tell whether the promise was written")
	c.feed(lv, protocol.PromiseUnknown{})
	c.overdue(lv)
}

// overdue gives the No that is not certain, once the time of a promise of unknown fate has run out (P11).
func (c *Core) overdue(lv *live) {
	if c.now >= lv.deadline {
		c.feed(lv, protocol.TimeUp{})
	}
}

func (c *Core) applied(lv *live, d Done) {
	switch {
	case d.Err != nil:
		c.feed(lv, protocol.ApplyUnknown{})
	case d.Fate.Applied():
		c.feed(lv, protocol.ApplyWritten{Before: d.Fate == txc.CommittedBefore})
	case d.Fate == txc.AbortedBefore:
		lv.why = c.reason(txc.CodeStore, "the store shows that the branch was rolled back")
		c.feed(lv, protocol.ApplyRefused{})
	case d.Fate == txc.Hazard || d.Fate == txc.NeverPrepared: // it was promised: without a trace is no proof
		lv.why = c.reason(txc.CodeStore, "the promise is gone from the store, without proof of its fate")
		c.feed(lv, protocol.ApplyGone{})
	default:
		c.feed(lv, protocol.ApplyUnknown{})
	}
}

func (c *Core) rolledBack(lv *live, d Done) {
	ended := d.Err == nil && (d.Fate == txc.AbortedNow || d.Fate == txc.AbortedBefore)
	committed := d.Err == nil && d.Fate.Applied()
	switch {
	case lv.machine.Phase == protocol.Promising && (ended || committed):
		c.feed(lv, protocol.PromiseNotWritten{})
	case lv.machine.Phase == protocol.Promising:
		c.feed(lv, protocol.PromiseUnknown{})
		c.overdue(lv)
	case ended:
		c.feed(lv, protocol.RolledBack{})
	case committed:
		lv.why = c.reason(txc.CodeStore, "the store shows that the branch was committed")
		c.feed(lv, protocol.RolledBack{Committed: true})
	default:
		c.feed(lv, protocol.RollbackFailed{})
	}
}

// fail ends the agent for good (P11).
func (c *Core) fail(err error) {
	if !errors.Is(err, txc.ErrStopped) {
		err = fmt.Errorf("%w: %w", txc.ErrStopped, err)
	}
	c.failed = err
}

// trouble tells a person of a deed that failed.
func (c *Core) trouble(lv *live, text string) {
	c.out.Troubles = append(c.out.Troubles, Trouble{ID: lv.ID, Mark: lv.Mark, Text: text})
}
