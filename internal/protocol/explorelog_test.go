package protocol_test

import (
	"math/bits"

	. "github.com/txc-dev/txc/internal/protocol"
)

// open replays what was written, and serves (C7).
func (g *stage) open(c int) {
	co := &g.w.C[c]
	if !g.forget(theReplaysSync) {
		g.durable(co, co.W)
	}
	var last uint8
	for k, first := range co.W.First {
		if first > 0 {
			last = max(last, g.w.Epoch[k])
		}
	}
	k := g.w.Born
	g.w.Born++
	g.w.Epoch[k] = last + 1
	co.Mode, co.Opening = up, g.w.Born
	for _, l := range [...]*logbook{&co.W, &co.D} {
		l.Len++
		l.First[k] = l.Len
	}
	for i := range g.cfg.sides {
		g.send(i, bit(helloBit, co.Opening))
	}
	if co.W.Commit == 0 || co.W.End {
		return
	}
	co.Recovered = true
	if g.forget(theReplay) {
		return
	}
	g.tx(c, Recovered{
		N: bits.OnesCount8(co.W.Members), Acked: co.indexes(co.W.Acked), Settled: co.indexes(co.W.Settled &^ co.W.Acked),
		Odd: co.indexes(co.W.Odd &^ co.W.Excused), Excused: co.indexes(co.W.Excused),
	})
}

func (g *stage) durable(co *coord, l logbook) {
	co.D = l
	g.w.CommitEver = g.w.CommitEver || l.Commit > 0
}

// copyLog starts the second coordinator on the first part of the first one's log: on a log that lost its tail, if the
// first one is dead, else beside it.
func (g *stage) copyLog(from *world) {
	for n := range from.C[0].W.Len + 1 {
		if g.cfg.lost && n != 1 {
			continue
		}
		g.begin(from, -1)
		old := from.C[0].W
		l := logbook{Len: n}
		for k, first := range old.First {
			if first <= n {
				l.First[k] = first
			}
		}
		if old.Commit > 0 && old.Commit <= n {
			l.Commit, l.Members = old.Commit, old.Members
		}
		if n == old.Len {
			l = old
		}
		g.say("%s: starts on the first %d records of the log, ", coordinators[1], n)
		g.w.C[1].W, g.w.C[1].D, g.w.Copied = l, l, true
		g.open(1)
		g.emit(true, from)
	}
}

// crashCoordinator ends coordinator c: what its log was given is lost, is in the operating system's hands, or is durable.
func (g *stage) crashCoordinator(c, variant int) bool {
	co := &g.w.C[c]
	how := [...]string{"killed, or the power fails", "killed; the system has what it wrote", "killed; what it wrote is durable"}
	if variant >= len(how) || variant > 0 && co.W == co.D {
		return false
	}
	g.say("; %s: %s", coordinators[c], how[variant])
	switch variant {
	case 0:
		co.W = co.D
	case 2:
		g.durable(co, co.W)
	}
	*co = coord{W: co.W, D: co.D}
	for i := range g.w.S {
		s := &g.w.S[i]
		s.Wel[c] = welcome{}
		if !g.cfg.copies { // what was on its way to the dead is lost; so is its hello
			s.Net &^= 1<<callBit - 1<<voteYes
			s.Net &^= 1 << bit(helloBit, g.w.Born)
		}
	}
	g.w.Crashes--
	return true
}

// appendFailed: nobody is answered, only the log tells (C3).
func (g *stage) appendFailed(c int) {
	co := &g.w.C[c]
	if p := co.Tx.Phase; p != Deciding && p != Committing && p != Ending {
		return // it waits for nothing
	}
	var acts []TxAction
	co.Tx, acts = co.Tx.Step(LogFailed{}, g.txActs[:0])
	for _, a := range acts {
		if a != (Stop{}) {
			g.fail("C3: an append failed, and then: %s", Transcript(a))
		}
	}
	if co.Tx.Phase != Stopped {
		g.fail("C3: an append failed, and it went on as %v", co.Tx.Phase)
	}
}

// sync makes durable all that the log was given, and says so.
func (g *stage) sync(c int) {
	co := &g.w.C[c]
	old := co.D
	g.durable(co, co.W)
	if old.Commit == 0 && co.D.Commit > 0 {
		g.tx(c, Logged{})
	}
	for i := range g.cfg.sides {
		if has(co.D.Odd&^old.Odd, i) {
			g.tx(c, HeuristicLogged{co.index(i)})
		}
		if has(co.D.Settled&^old.Settled, i) {
			g.tx(c, ResolutionLogged{co.index(i)})
		}
	}
	if co.D.End && !old.End {
		g.tx(c, EndLogged{})
	}
}
