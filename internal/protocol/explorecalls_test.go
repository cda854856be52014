package protocol_test

import (
	. "github.com/txc-dev/txc/internal/protocol"
)

// clientSteps adds what the client of a joined transaction asks of coordinator c.
func (g *stage) clientSteps(from *world, c int, do func(string, func())) {
	cl := from.Client
	if from.C[c].Tx.Phase != Open || cl.Asked {
		return
	}
	if cl.Doomed {
		do("is told that a call failed", func() { g.w.Client.Asked = true; g.tx(c, Doom{}) })
		return
	}
	for i := range g.cfg.sides {
		if s := &from.S[i]; s.CallsSeen == 0 || s.CallsSent != s.CallsSeen {
			return
		}
	}
	do("is asked to commit", func() {
		g.w.Client.Asked = true
		for i := range g.cfg.sides {
			s := &g.w.S[i]
			s.PrepInc, s.PrepCalls = s.ClientInc, s.CallsSeen
		}
		g.tx(c, AskCommit{})
	})
}

// callSteps adds what client and participant do about calls. A call that was given up may still arrive.
func (g *stage) callSteps(from *world, i int, do func(string, func())) {
	s, cl := &from.S[i], from.Client
	idle := !cl.Asked && !cl.Doomed
	if idle && s.CallsSent == s.CallsSeen && s.CallsSent < 2 {
		do("is called", func() {
			g.send(i, callBit+int(s.CallsSeen))
			g.w.S[i].CallsSent++
		})
	}
	if idle && s.CallsSent > s.CallsSeen {
		do("its client gives a call up", func() { g.w.Client.Doomed = true })
		if n := s.CallsSent; from.sent(i, trailerBit+int(n)) {
			do("its client has a trailer", func() {
				t := &g.w.S[i]
				if t.CallsSeen = n; n == 1 {
					t.ClientInc = t.TrailerInc
				}
			})
		}
	}
	for n := range uint8(2) {
		if from.sent(i, callBit+int(n)) && s.B.Running < 2 {
			do("a call arrives", func() { g.called(i, n) })
		}
	}
	if s.B.Running > 0 {
		do("a call has ended", func() { g.branch(i, CallEnded{}) })
		do("a call has failed", func() { g.branch(i, CallEnded{Failed: true}) })
	}
}

func (g *stage) called(i int, n uint8) {
	s := &g.w.S[i]
	e := Enlistment{}
	if n > 0 {
		e = Enlistment{Incarnation: uint64(s.ClientInc), Calls: uint32(n)}
	}
	if g.forget(theIncarnation) {
		e.Incarnation = uint64(s.Inc)
	}
	if verdict := (Self{Cluster: cluster, Incarnation: uint64(s.Inc)}).GuardCall(e, s.Passed, s.B.Phase != 0); verdict != Admitted {
		g.say(": %v", verdict)
		g.w.Client.Doomed = true
		return
	}
	g.branch(i, CallBegan{Calls: e.Calls})
}

func (g *stage) call(i int, a BranchAction) {
	s := &g.w.S[i]
	switch a := a.(type) {
	case RunCall:
		s.Locks, s.CalledInc = true, s.Inc
	case RefuseCall:
		g.w.Client.Doomed = true
	case GiveTrailer:
		switch {
		case a.Doomed:
			g.w.Client.Doomed = true
		case a.Calls <= 2:
			g.send(i, trailerBit+int(a.Calls))
			if a.Calls == 1 {
				s.TrailerInc = s.Inc
			}
		}
	}
}

// operatorSteps adds what a person does at coordinator c.
func (g *stage) operatorSteps(from *world, c int, do func(string, func())) {
	co := &from.C[c]
	for i := range g.cfg.sides {
		n := co.index(i)
		if from.Words > 0 && (co.Tx.Phase == Committing || co.Tx.Phase == Ending) && n >= 0 {
			do("an operator settles side "+string(rune('0'+i)), func() { g.w.Words--; g.tx(c, SettleBranch{n}) })
		}
	}
	if co.D.Odd&^co.D.Excused != 0 {
		do("an operator acknowledges what is mixed", func() {
			t := &g.w.C[c]
			t.D.Excused |= t.D.Odd
			t.W.Excused |= t.D.Odd
			g.tx(c, Excuse{})
		})
	}
	if co.D.OddAborted&^co.D.ExcusedAborted != 0 {
		do("an operator acknowledges what is mixed", func() {
			t := &g.w.C[c]
			t.D.ExcusedAborted |= t.D.OddAborted
			t.W.ExcusedAborted |= t.D.OddAborted
		})
	}
}
