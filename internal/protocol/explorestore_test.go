package protocol_test

import (
	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// A store: what it holds, what it is busy with, and what can go wrong.

// after is what a store holds when it has done what it is busy with.
func after(op, v uint8) uint8 {
	switch {
	case op == writingPromise && v == nothing:
		return promise
	case op == applyingWork && v == promise:
		return marker
	case op == rollingBack && v == promise:
		return nothing
	case op == settlingCommitted && v == promise:
		return settledCommitted
	case op == settlingAborted && v == promise:
		return settledAborted
	default:
		return v
	}
}

// keepWitness writes the witness in the same durable step as a promise or an applied commit (C6).
func (g *stage) keepWitness(i int) {
	s := &g.w.S[i]
	if s.Op == writingPromise || s.Op == applyingWork && !g.forget(theWitnessOfACommit) {
		s.WitD = s.WitV
	}
}

// written ends what the store is busy with.
func (g *stage) written(i int) {
	s := &g.w.S[i]
	op, before := s.Op, s.V
	g.keepWitness(i)
	s.V, s.Op = after(op, s.V), idle
	if !g.forget(toWaitForTheDisk) {
		s.D = s.V
	}
	switch op {
	case writingPromise:
		g.branch(i, PromiseWritten{})
	case applyingWork:
		if s.V != marker {
			g.branch(i, ApplyGone{})
			return
		}
		g.branch(i, ApplyWritten{Before: before == marker})
	case rollingBack:
		g.branch(i, RolledBack{})
	case settlingCommitted, settlingAborted:
		if s.V == before {
			g.branch(i, SettlementRefused{})
			return
		}
		s.ByHand = true
		g.branch(i, SettlementWritten{})
	}
}

// troubles adds what can go wrong with a write.
func (g *stage) troubles(from *world, i int, do func(string, func())) {
	s := &from.S[i]
	if from.Troubles == 0 || g.cfg.meddled {
		return
	}
	trouble := func(what string, done bool, ev BranchEvent) {
		do(what, func() {
			t := &g.w.S[i]
			g.w.Troubles--
			if done {
				g.keepWitness(i)
				t.V = after(t.Op, t.V)
				t.D = t.V
			}
			t.Op = idle
			g.branch(i, ev)
		})
	}
	switch s.Op {
	case writingPromise:
		trouble("cannot write the promise", false, PromiseNotWritten{})
		trouble("does not know whether the promise was written; it was", true, PromiseUnknown{})
		trouble("does not know whether the promise was written; it was not", false, PromiseUnknown{})
		trouble("does not know whether the promise was written, and stops; it was", true, PromiseUnknown{OwnStore: true})
		trouble("does not know whether the promise was written, and stops; it was not", false, PromiseUnknown{OwnStore: true})
	case applyingWork:
		trouble("cannot apply", false, ApplyNotWritten{})
		trouble("does not know whether it was applied; it was", true, ApplyUnknown{})
		trouble("does not know whether it was applied; it was not", false, ApplyUnknown{})
		trouble("does not know whether it was applied, and stops; it was", true, ApplyUnknown{OwnStore: true})
		trouble("does not know whether it was applied, and stops; it was not", false, ApplyUnknown{OwnStore: true})
	case rollingBack:
		trouble("cannot roll back", false, RollbackFailed{})
		trouble("does not know whether it was rolled back; it was", true, RollbackFailed{})
	}
}

func (g *stage) look(i int) {
	if g.w.S[i].V == promise {
		g.branch(i, PromiseWritten{})
	} else {
		g.branch(i, PromiseNotWritten{})
	}
}

// meddle lets somebody end a promise behind the participant's back.
func (g *stage) meddle(from *world, i int, do func(string, func())) {
	lose := func(what string, v uint8, ev BranchEvent) {
		do(what, func() {
			s := &g.w.S[i]
			g.w.Troubles--
			s.V, s.D, s.ByHand = v, v, true
			if ev != nil {
				g.branch(i, ev)
			}
		})
	}
	lose("somebody commits it in the store, which tells", markerDropped, PromiseLost{txc.Committed})
	lose("somebody rolls it back in the store, which tells", lostPromise, PromiseLost{txc.Aborted})
	lose("the store loses it, and says so", lostPromise, PromiseLost{})
	lose("the store loses it", lostPromise, nil)
}

func (g *stage) openSide(i int) {
	s := &g.w.S[i]
	if !g.forget(theStoresSync) {
		s.D = s.V
	}
	s.Up, s.Inc, s.WitV, s.B = true, s.Inc+1, s.WitD, Branch{}
	if !g.cfg.joined && !g.cfg.late {
		s.Inc = 2 // another one than Prepare bears: which one makes no difference
	}
	switch s.V {
	case promise:
		g.branch(i, PromiseListed{})
	case marker:
		g.branch(i, CommittedListed{})
	case settledCommitted:
		g.branch(i, PromiseListed{txc.Committed})
	case settledAborted:
		g.branch(i, PromiseListed{txc.Aborted})
	}
}

// crashSide ends side i: what its store was busy with happened or not, and is durable or not.
func (g *stage) crashSide(i, variant int) bool {
	s := &g.w.S[i]
	then := after(s.Op, s.V)
	type ending struct {
		v, d uint8
		how  string
	}
	all := [...]ending{
		{s.V, s.D, "killed"}, {s.D, s.D, "the power fails"}, {s.V, s.V, "killed; what it wrote is durable"},
		{then, s.D, "killed in the midst of a write; the system has it"}, {then, then, "killed in the midst of a write; it is durable"},
	}
	n := 0
	for a, e := range all {
		fresh := true
		for _, b := range all[:a] {
			fresh = fresh && (b.v != e.v || b.d != e.d)
		}
		if !fresh {
			continue
		}
		if n++; n <= variant {
			continue
		}
		g.say("; side %d: %s", i, e.how)
		if s.Op != idle && e.v == then {
			g.keepWitness(i)
		}
		s.V, s.D = e.v, e.d
		s.ByHand = s.ByHand || s.V == settledCommitted || s.V == settledAborted
		s.Up, s.Locks, s.Passed, s.Op, s.B, s.CalledInc = false, false, false, idle, Branch{}, 0
		s.WitV = [maxOpenings]seenAt{}
		g.w.Crashes--
		return true
	}
	return false
}
