package protocol_test

import (
	. "github.com/txc-dev/txc/internal/protocol"
)

var coordinators = [...]string{"coordinator", "second coordinator"}

// coordinatorSteps adds what coordinator c can do.
func (g *stage) coordinatorSteps(from *world, c int) {
	co := &from.C[c]
	crash := func(v int) bool { return g.crashCoordinator(c, v) }
	if g.cfg.copies && c == 0 {
		crash = func(int) bool { return false } // a dead one is like one that is very slow
	}
	do := func(what string, f func()) {
		g.do(from, func() { g.say("%s: %s", coordinators[c], what); f() }, crash)
	}
	switch {
	case co.Mode == down:
		if c == 0 || from.Copied {
			do("opens its log", func() { g.open(c) })
		} else if g.cfg.copies {
			g.copyLog(from)
		}
		if co.W != co.D {
			g.crashes(from, crash)
		}
		return
	case co.Mode == stoppedForGood:
		return
	case from.Issuer == 0:
		if co.Opening == 1 || g.cfg.late {
			do("begins", func() { g.issue(c) })
		}
		if !g.cfg.late {
			return
		}
	}
	g.crashes(from, crash)
	for i := range g.cfg.sides {
		g.heard(from, c, i, do)
	}
	if g.cfg.sweeps {
		g.sweepSteps(from, c, do)
	}
	if from.Issuer == 0 {
		return
	}
	live := func(what string, ev TxEvent) {
		if co.Tx.Phase != 0 {
			do(what, func() { g.tx(c, ev) })
		}
	}
	live("deadline", Deadline{})
	live("time to retry", Retry{})
	if g.cfg.acks {
		live("time to note acknowledgements", SaveAcks{})
	}
	if g.cfg.joined {
		g.clientSteps(from, c, do)
	} else if !g.cfg.copies {
		do("a client asks", func() { g.clientAsks(c) })
	}
	if g.cfg.words > 0 {
		live("the client's limit", AnswerLimit{})
		g.operatorSteps(from, c, do)
	}
	if co.W != co.D {
		do("its log is durable", func() { g.sync(c) })
		for v := 0; from.Crashes > 0; v++ {
			g.begin(from, -1)
			g.say("%s: an append of unknown fate", coordinators[c])
			g.appendFailed(c)
			if !crash(v) {
				break
			}
			g.emit(true, from)
		}
	}
}

// issue begins the transaction.
func (g *stage) issue(c int) {
	co := &g.w.C[c]
	g.w.Issuer = co.Opening
	if g.cfg.joined {
		g.tx(c, Begin{})
		for range g.cfg.sides {
			g.tx(c, Enlist{})
		}
		return
	}
	g.tx(c, BeginWhole{g.cfg.sides})
}

// tx feeds the machine, and carries out what it wants.
func (g *stage) tx(c int, ev TxEvent) {
	co := &g.w.C[c]
	var acts []TxAction
	co.Tx, acts = co.Tx.Step(ev, g.txActs[:0])
	g.txActs = acts
	if !co.Tx.Valid() {
		g.fail("an invariant of Tx does not hold: %+v", co.Tx)
	}
	for _, a := range acts {
		if !g.carry() {
			return
		}
		g.say(", %s", g.nameTx(a))
		g.act(c, a)
	}
	g.tidy(co)
}

// tidy forgets what nobody looks at any more, to have fewer states.
func (g *stage) tidy(co *coord) {
	if co.Tx.Phase == Ended {
		co.Tx = Tx{Phase: Ended, Decided: co.Tx.Decided}
	}
	for i := range g.cfg.sides {
		s := &g.w.S[i]
		if co.Tx.Phase > Deciding {
			s.Net &^= 1<<fateBit - 1<<voteYes
		}
		if n := co.index(i); co.Tx.Phase == Ended || n >= 0 && co.Tx.Acked.Has(n) {
			s.Net &^= 1<<callBit - 1<<fateBit
		}
	}
}

func (g *stage) nameTx(a TxAction) string {
	if !g.trace {
		return ""
	}
	return Transcript(a)
}

func (g *stage) side(c, index int) int {
	for i := range g.cfg.sides {
		if g.w.C[c].index(i) == index {
			return i
		}
	}
	panic("no such side")
}

func (g *stage) act(c int, a TxAction) {
	co := &g.w.C[c]
	link := func(i, kind int) {
		if has(co.Linked, i) {
			g.send(i, bit(kind, co.Opening))
		}
	}
	switch a := a.(type) {
	case SendPrepare:
		s := &g.w.S[a.Branch]
		if s.Prepared {
			g.fail("Prepare is sent twice")
		}
		s.Prepared = true
		link(a.Branch, prepareBit)
	case SendCommit:
		i := g.side(c, a.Branch)
		g.tellCommitted(c, "a branch")
		link(i, commitBit)
	case SendAbort:
		g.toldAborted(c)
		link(g.side(c, a.Branch), abortBit)
	case AppendCommit:
		g.decide(c, a)
	case AppendHeuristic:
		co.W.Odd |= 1 << g.side(c, a.Branch)
	case AppendResolution:
		co.W.Settled |= 1 << g.side(c, a.Branch)
	case AppendAcknowledged:
		co.W.Acked |= co.sides(a.Acked)
	case AppendEnd:
		co.W.End = true
	case Reply:
		g.reply(c, a.Reply)
	case Stop:
		g.fail("it stopped, though no append failed")
	case ArmDeadline, RefuseEvent:
	}
}

func (g *stage) decide(c int, a AppendCommit) {
	co := &g.w.C[c]
	if co.W.Commit > 0 {
		g.fail("C2: decided twice")
	}
	for i := range g.cfg.sides {
		if s := &g.w.S[i]; !s.GaveYes && !g.w.sent(i, voteReadOnly) {
			g.fail("validity: decides to commit, and side %d never voted for it", i)
		} else if s.GaveYes && !a.Members.Has(i) {
			g.fail("decides without side %d, which promised", i)
		}
	}
	co.W.Len++
	co.W.Commit, co.W.Members = co.W.Len, uint8(a.Members)
}
