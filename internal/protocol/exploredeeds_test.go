package protocol_test

import (
	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// branch feeds the machine, and carries out what it wants.
func (g *stage) branch(i int, ev BranchEvent) {
	s := &g.w.S[i]
	var acts []BranchAction
	s.B, acts = s.B.Step(ev, g.branchActs[:0])
	g.branchActs = acts
	if !s.B.Valid() {
		g.fail("an invariant of Branch does not hold: %v", s.B)
	}
	for _, a := range acts {
		if !g.carry() {
			return
		}
		if g.trace {
			g.say(", %s", Transcript(a))
		}
		g.deed(i, a)
	}
}

func (g *stage) deed(i int, a BranchAction) {
	s := &g.w.S[i]
	switch a := a.(type) {
	case Execute:
		if s.Ran {
			g.fail("P4: side %d executes twice", i)
		}
		s.Ran, s.Locks = true, true
	case WritePromise:
		if g.cfg.joined && (s.B.Calls != uint32(s.CallsSeen) || s.CalledInc != s.ClientInc) {
			g.fail("P4: side %d promises %d calls, its client saw %d", i, s.B.Calls, s.CallsSeen)
		}
		g.busy(i, writingPromise)
	case WriteApply:
		if !g.w.CommitEver {
			g.fail("side %d applies what was never decided", i)
		}
		g.busy(i, applyingWork)
	case RollBack:
		g.busy(i, rollingBack)
	case WriteSettlement:
		g.busy(i, settlingCommitted+uint8(a.Outcome)-uint8(txc.Committed))
	case DropSettlement:
		g.reconcile(i)
	case Release:
		s.Locks = false
	case RestoreLocks:
		s.Locks = true
	case GiveVote:
		g.vote(i, a)
	case GiveFate:
		g.fate(i, a.Fate)
	case Alarm:
		if !s.ByHand && !(g.cfg.troubles > 0 && a.Alarm == CommitDelayed) {
			g.fail("alarm at side %d: %v", i, a.Alarm)
		}
	case StopStore:
		g.w.Crashes++ // its own doing, not a fault
		g.crashSide(i, 0)
	case RunCall, RefuseCall, GiveTrailer:
		g.call(i, a)
	case CancelExecution, LookForPromise, ArmTimeUp, ArmQuestion, AskDecision, GiveSettled, RefuseSettle, DropBranch:
	}
}

func (g *stage) busy(i int, op uint8) {
	if g.w.S[i].Op != idle {
		g.fail("side %d writes two things at once", i)
	}
	g.w.S[i].Op = op
}

// reconcile: nothing about a settled branch is left to be told. What differs must be recorded, and acknowledged, by then.
func (g *stage) reconcile(i int) {
	s := &g.w.S[i]
	aborted := s.V == settledAborted
	if aborted && g.w.CommitEver && !has(g.w.C[0].D.Excused, i) {
		g.fail("H4: side %d forgets that it was rolled back against the decision", i)
	}
	if s.V == settledCommitted && !g.w.CommitEver && !has(g.w.C[0].D.ExcusedAborted, i) {
		g.fail("H4: side %d forgets that it was committed against the decision", i)
	}
	s.V = markerDropped
	if aborted {
		s.V = lostPromise
	}
	s.D = s.V
}

func (g *stage) vote(i int, v GiveVote) {
	s := &g.w.S[i]
	if v.Vote.Promises() && s.D != promise && !s.ByHand {
		g.fail("P1: side %d votes %v, and its promise is not durable", i, v.Vote)
	}
	if v.Certain && (s.V == promise || s.Op == writingPromise) {
		g.fail("side %d says that nothing is prepared, for certain", i)
	}
	s.GaveYes, s.Sure = s.GaveYes || v.Vote.Promises(), s.Sure || v.Certain
	if p := g.w.C[0].Tx.Phase; p != Voting && p != Deciding {
		return // nobody waits for it
	}
	switch {
	case v.Vote == txc.Yes:
		g.send(i, voteYes)
	case v.Vote == txc.Held:
		g.send(i, voteHeld)
	case v.Vote == txc.ReadOnly:
		g.send(i, voteReadOnly)
	case v.Certain:
		g.send(i, voteNoCertain)
	default:
		g.send(i, voteNo)
	}
}

func (g *stage) fate(i int, f txc.Fate) {
	s := &g.w.S[i]
	applied := s.D == marker || s.D == settledCommitted || s.D == markerDropped
	if f.Applied() && !applied && !s.ByHand {
		g.fail("P11: side %d says %v, and it is not durable", i, f)
	}
	forgotten := f == txc.NeverPrepared && s.D == markerDropped // the coordinator knows better
	if !f.Applied() && f != txc.Hazard && (applied && !forgotten || s.D == promise) && !s.ByHand {
		g.fail("P7: side %d says %v, and it is not so", i, f)
	}
	for c := range g.w.C { // it is lost where nobody waits for it
		co := &g.w.C[c]
		if n := co.index(i); (co.Tx.Phase == Committing || co.Tx.Phase == Ending) && n >= 0 && !co.Tx.Acked.Has(n) && f != txc.AbortedNow {
			g.send(i, fateBit+int(f))
		}
	}
}
