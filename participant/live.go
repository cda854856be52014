package participant

import (
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// live is a branch that has not ended, or whose ending is being told: its machine, and what the machine does not look
// at. An ended one shrinks to a tomb.
type live struct {
	key
	machine  protocol.Branch
	store    Branch // what the store is told of it
	work     []byte // shipped; let go of when Prepare was called
	evidence []byte
	results  []byte // kept with the vote, for a repeated Prepare
	reason   txc.Reason
	why      txc.Reason // settled: who and why
	voteTo   uint64     // the session that waits for the vote
	fateTo   uint64     // the session that waits for a fate
	operator uint64     // the token of who settles it
	decided  Settlement // by an operator

	deadline time.Duration
	since    time.Duration // promised at
	flights  int           // calls in the store
	prepare  uint64        // the number of its Prepare there
	next     *Call         // waits for them; nil: none
	again    *Call         // waits for timer; nil: none
	pause    time.Duration // the last pause of a repeated deed, or between questions
	timer    timer

	looking bool      // the store was asked what it knows of this branch, before the machine heard anything
	queued  []arrived // what has arrived meanwhile
	touched uint64    // the last call of the store when the phase was entered
	relaxed bool      // nobody waits for its Commit
	undone  bool      // the store's No was certain: nothing is left to be rolled back
	missed  int       // listings of the store in a row that did not show its promise
	alarmed uint16    // troubles that were told, a bit each
	tomb    bool      // it was one, and goes back to be one
}

// arrived is a message that waits.
type arrived struct {
	session uint64
	message Message
}

// born makes a branch that nothing is known of yet.
func (c *Core) born(k key) *live {
	lv := &live{key: k, store: Branch{ID: k.ID, Mark: k.Mark, Cluster: c.conf.Cluster, Participant: c.conf.Name}}
	lv.timer.live = lv
	c.branches[k] = lv
	return lv
}

// restore takes over a promise that the store holds (P10).
func (c *Core) restore(d InDoubt) {
	k := key{d.ID, d.Mark}
	if c.branches[k] != nil {
		return
	}
	lv := c.born(k)
	lv.store.Members, lv.store.Age = d.Members, d.Age
	lv.evidence, lv.why = d.Evidence, d.Why
	lv.since = d.Since.Sub(c.conf.Started)
	c.feed(lv, protocol.PromiseListed{Settled: settledAs(d.Settled)})
}

func settledAs(f txc.Fate) txc.Outcome {
	switch f {
	case txc.CommittedNow, txc.CommittedBefore:
		return txc.Committed
	case txc.AbortedNow, txc.AbortedBefore:
		return txc.Aborted
	default:
		return txc.Undecided
	}
}

// find gives what is known of a branch: a live one, or a tomb brought back for the moment; nil: nothing.
func (c *Core) find(k key) *live {
	if lv := c.branches[k]; lv != nil {
		return lv
	}
	tomb, ok := c.peer(k.ID.Coordinator).tombs[k]
	if !ok {
		return nil
	}
	lv := &live{key: k, machine: tomb, tomb: true}
	lv.timer.live = lv
	return lv
}

// liveWhere lists the branches that have not ended, by id: a map's order must never show.
func (c *Core) liveWhere(ok func(*live) bool) []*live {
	var all []*live
	for _, lv := range c.branches {
		if ok(lv) {
			all = append(all, lv)
		}
	}
	slices.SortFunc(all, func(a, b *live) int { return a.compare(b.key) })
	return all
}

func (c *Core) liveOf(number uint32) []*live {
	return c.liveWhere(func(lv *live) bool { return lv.ID.Coordinator == number })
}

// feed steps the machine, carries its actions out in order, and puts the branch where it belongs afterwards.
func (c *Core) feed(lv *live, ev protocol.BranchEvent) {
	before := lv.machine.Phase
	var room [6]protocol.BranchAction
	var acts []protocol.BranchAction
	lv.machine, acts = lv.machine.Step(ev, room[:0])
	if lv.machine.Phase != before {
		c.entered(lv, before)
	}
	for _, act := range acts {
		c.carryOut(lv, act)
	}
	if before != protocol.Gone && lv.machine.Phase == protocol.Gone {
		c.bury(lv)
	}
}

// entered does what a phase brings with it, whatever led there: no timer outlives the phase that armed it.
func (c *Core) entered(lv *live, before protocol.BranchPhase) {
	lv.again = nil
	lv.pause = 0
	lv.touched, lv.missed = c.lastCall, 0
	c.timers.disarm(&lv.timer)
	if lv.machine.Phase == protocol.Promised && before != 0 {
		lv.since = c.now
	}
}

func (c *Core) carryOut(lv *live, act protocol.BranchAction) {
	switch act := act.(type) {
	case protocol.RunCall:
		c.running[c.token] = lv.key
		c.answer(Answer{Branch: lv.store, Deadline: lv.deadline})
	case protocol.RefuseCall:
		c.answer(Answer{Err: refused(lv)})
	case protocol.GiveTrailer:
		c.answer(Answer{Enlistment: Enlistment{Incarnation: c.self.Incarnation, Calls: act.Calls}, Doomed: act.Doomed})
	case protocol.Execute:
		c.call(lv, Call{Deed: DeedPrepare, Work: lv.work, Joined: act.Joined, Deadline: lv.deadline})
		lv.work = nil
	case protocol.CancelExecution:
		c.cancel(lv)
	case protocol.WritePromise: // Resource.Prepare executes and promises in one: its one answer completes both
	case protocol.LookForPromise: // nobody was told yes, so the store may be made to tell
		c.callLater(lv, Call{Deed: DeedAbort, Evidence: lv.evidence})
	case protocol.WriteApply:
		c.write(lv, Call{Deed: DeedCommit, Evidence: lv.evidence, Relaxed: lv.relaxed}, act.Again)
	case protocol.RollBack:
		if lv.undone {
			c.feed(lv, protocol.RolledBack{})
			return
		}
		c.write(lv, Call{Deed: DeedAbort, Evidence: lv.evidence}, act.Again)
	case protocol.WriteSettlement:
		c.call(lv, Call{Deed: DeedSettle, Settlement: lv.decided})
	case protocol.DropSettlement:
		c.call(lv, Call{Deed: DeedDrop})
	case protocol.Release, protocol.RestoreLocks: // the store's own part
	case protocol.GiveVote:
		c.giveVote(lv, act)
	case protocol.GiveFate:
		c.giveFate(lv, act.Fate)
	case protocol.AskDecision:
		c.ask(lv)
	case protocol.ArmTimeUp:
		if lv.machine.Phase == protocol.Working { // Prepare's own deadline goes with its call
			c.timers.arm(&lv.timer, lv.deadline)
		}
	case protocol.ArmQuestion:
		c.armQuestion(lv)
	case protocol.GiveSettled:
		c.answer(Answer{Token: lv.operator, Fate: act.Fate})
	case protocol.RefuseSettle:
		c.refuseSettle(lv)
	case protocol.DropBranch: // the tomb is removed by who fed WatermarkPassed
	case protocol.Alarm:
		c.alarm(lv, act.Alarm)
	case protocol.StopStore:
		c.fail(txc.ErrStopped)
	}
}

// expire is one timer gone off.
func (c *Core) expire(t *timer) {
	if t.peer != nil {
		c.chores(t.peer)
		return
	}
	lv := t.live
	switch lv.machine.Phase {
	case protocol.Working:
		c.because(lv, txc.CodeDeadline, "the transaction's time ran out")
		c.feed(lv, protocol.TimeUp{})
	case protocol.Promised, protocol.Settled, protocol.InHazard:
		c.feed(lv, protocol.QuestionDue{})
	default:
		if call := lv.again; call != nil {
			lv.again = nil
			c.call(lv, *call)
		}
	}
}

// because notes why a vote will be No; the first reason stands.
func (c *Core) because(lv *live, code txc.Code, text string) {
	if lv.reason.IsZero() {
		lv.reason = c.reason(code, text)
	}
}

func (c *Core) reason(code txc.Code, text string) txc.Reason {
	return txc.Reason{Code: code, Text: text, Participant: c.conf.Name, Retryable: code.Retryable()}
}

// alarm tells a person, once.
func (c *Core) alarm(lv *live, what protocol.Trouble) {
	if lv.alarmed>>what&1 == 1 {
		return
	}
	lv.alarmed |= 1 << what
	c.out.Troubles = append(c.out.Troubles, Trouble{ID: lv.ID, Mark: lv.Mark, What: what, Text: what.String()})
}
