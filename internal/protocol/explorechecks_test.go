package protocol_test

import . "github.com/txc-dev/txc/internal/protocol"

// broken names a rule that a state breaks.
func (g *stage) broken(w world) string {
	g.w = w
	var applied, undone, odd bool
	for i := range g.cfg.sides {
		s := &w.S[i]
		held := s.V == promise && s.Up
		switch {
		case held && !s.B.Promise() && s.B.Phase != Undoing:
			return "P2: side has forgotten its promise"
		case held && !s.Locks:
			return "P1, S1: a promise without its locks"
		case s.Sure && s.V == promise:
			return "a promise, after a No that was certain"
		}
		if s.ByHand {
			odd = true
			continue
		}
		done := s.V == marker || s.V == markerDropped
		applied = applied || done
		undone = undone || s.GaveYes && s.V == nothing
		if !g.cfg.copies && w.CommitEver && s.GaveYes && s.V == nothing {
			return "agreement: decided to commit, and a branch that promised is rolled back"
		}
		if done && !w.CommitEver {
			return "agreement: a branch is applied, and nothing was decided"
		}
	}
	if applied && undone {
		return "agreement: one branch is applied, another one is rolled back"
	}
	if g.cfg.copies {
		return ""
	}
	return g.ledger(&w.C[0], odd)
}

// ledger compares what the log holds with what was told.
func (g *stage) ledger(co *coord, odd bool) string {
	w := &g.w
	switch {
	case w.ToldA && co.W.Commit > 0:
		return "C2, C3, C4: told to abort, and there is a commit record"
	case co.W.Odd|co.W.OddAborted != 0 && !odd:
		return "H1: a branch is called heuristic that nobody touched"
	}
	if !co.D.End {
		return ""
	}
	for i := range g.cfg.sides {
		if s := &w.S[i]; has(co.D.Members, i) && s.V == promise {
			return "P5: ended, and a member has still to be told"
		}
	}
	return ""
}

// outdated reports whether coordinator c is refused by a side: it stops as soon as it hears that (C5).
func (g *stage) outdated(c int) bool {
	for i := range g.cfg.sides {
		if co := &g.w.C[c]; co.Mode == up && g.cfg.copies && g.witnesses(&g.w.S[i].WitV).Highest().Stand(g.epoch(co.Opening), uint64(co.Opening)) == Refused {
			return true
		}
	}
	return false
}

// finished reports whether nothing is left to be done: what waits for a person waits.
func (g *stage) finished(w world) bool {
	g.w = w
	for c := range w.C {
		co := &w.C[c]
		if co.Mode == stoppedForGood || co.W.Loss || g.outdated(c) {
			return true
		}
		if co.W != co.D || (c == 0 || w.Copied) && co.Mode != up {
			return false
		}
		if p := co.Tx.Phase; p != 0 && p != Ended || p == 0 && co.D.Commit > 0 && !co.D.End {
			return false
		}
	}
	for i := range g.cfg.sides {
		s := &w.S[i]
		if s.B.Phase == InHazard && s.B.Lost {
			continue
		}
		if !s.Up || s.Op != idle || s.Locks || s.B.Phase != 0 && s.B.Phase != Gone {
			return false
		}
	}
	return w.Issuer != 0
}
