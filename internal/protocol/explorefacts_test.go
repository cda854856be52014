package protocol_test

import (
	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// What coordinators hear, know and say.

// heard adds what coordinator c can do about messages of side i.
func (g *stage) heard(from *world, c, i int, do func(string, func())) {
	co, s := &from.C[c], &from.S[i]
	if co.Tx.Phase != 0 {
		g.votes(from, c, i, do)
	}
	if from.Issuer != 0 && s.Up && s.B.Asks() && !s.B.Writing && !g.cfg.quiet {
		do("a question of side "+string(rune('0'+i)), func() { g.inquiry(c, i, asked(s.B)) })
	}
	if s.Wel[c].Sent && !has(co.Linked, i) {
		do("the Welcome of side "+string(rune('0'+i)), func() { g.welcome(c, i) })
	}
	if g.cfg.refusals && from.sent(i, bit(fencedBit, co.Opening)) {
		do("a refusal of side "+string(rune('0'+i)), func() {
			seen := g.witnesses(&s.WitD).Highest()
			g.say(" shows %v", seen)
			g.judge(c, seen)
		})
	}
	if g.cfg.marks && has(co.Linked, i) && from.Issuer != 0 {
		g.mark(from, c, i, do)
	}
}

func (g *stage) votes(from *world, c, i int, do func(string, func())) {
	co := &from.C[c]
	if co.Opening == from.Issuer {
		for n, v := range [...]Voted{{i, txc.Yes, false}, {i, txc.Held, false}, {i, txc.ReadOnly, false}, {i, txc.No, false}, {i, txc.No, true}} {
			if from.sent(i, voteYes+n) {
				do("hears "+g.name(v), func() { g.tx(c, v) })
			}
		}
		do("the link is lost to side "+string(rune('0'+i)), func() { g.tx(c, PeerLost{i}) })
	}
	n := co.index(i)
	for f := txc.CommittedNow; f <= txc.Hazard && n >= 0; f++ {
		if from.sent(i, fateBit+int(f)) && f != txc.AbortedNow {
			do("hears "+g.name(Answered{n, f}), func() { g.tx(c, Answered{n, f}) })
		}
	}
}

func (g *stage) name(v any) string {
	if !g.trace {
		return ""
	}
	return Transcript(v)
}

func (g *stage) openings(c int) (table Openings) {
	for k, first := range g.w.C[c].W.First {
		if first > 0 {
			table.All = append(table.All, Opening{uint32(g.w.Epoch[k]), uint64(k + 1), uint64(first)})
		}
	}
	return table
}

// known is what coordinator c knows of the transaction when side i asks; i negative: a client.
func (g *stage) known(c, i int) Known {
	co := &g.w.C[c]
	k := Known{
		Ours:        co.W.First[g.w.Issuer-1] > 0,
		Running:     co.Tx.Phase >= Open && co.Tx.Phase <= Deciding,
		Recorded:    co.W.Commit > 0, // as a reader of the log would see it, durable or not
		ThisOpening: co.Opening == g.w.Issuer,
		Disowned:    co.W.Loss,
		Heard:       co.Heard == g.all(),
	}
	if g.forget(thatAllMustBeHeard) && i >= 0 {
		k.Heard = has(co.Heard, i)
	}
	if g.forget(theReplay) && co.Recovered {
		k.Recorded = false
	}
	return k
}

func (g *stage) asker(c, i int) Asker {
	co := &g.w.C[c]
	n := co.index(i)
	acked := n >= 0 && co.Tx.Acked.Has(n) || co.D.End || co.W.Commit > 0 && !has(co.W.Members, i)
	return Asker{Acknowledged: acked, Stamped: true}
}

// inquiry answers a question (C4), which says how the branch was settled, if it was (H4).
func (g *stage) inquiry(c, i, settled int) {
	co := &g.w.C[c]
	answer := AnswerParticipant(g.known(c, i), g.asker(c, i))
	g.say(" is answered %v", answer)
	if n := co.index(i); co.Tx.Phase != 0 && n >= 0 {
		switch settled {
		case 0:
			g.tx(c, Asked{n})
		case 1:
			g.tx(c, Answered{n, txc.CommittedBefore})
		case 2:
			g.tx(c, Answered{n, txc.AbortedBefore})
		}
	}
	switch answer {
	case txc.Committed:
		g.tellCommitted(c, "a question")
		g.send(i, bit(commitBit, co.Opening))
		if settled == 2 && has(co.D.Excused, i) {
			g.send(i, bit(answerExcused, co.Opening))
		}
	case txc.Aborted:
		g.toldAborted(c)
		g.send(i, bit(abortBit, co.Opening))
		if settled == 1 && has(co.D.ExcusedAborted, i) {
			g.send(i, bit(answerExcused, co.Opening))
		} else if settled == 1 { // H4: aborted, mixed
			co.W.OddAborted |= 1 << i
		}
	case txc.Finished:
		g.send(i, bit(answerFinished, co.Opening))
		if settled == 1 || settled == 2 && has(co.D.Excused, i) { // one that was settled has nothing left to ask
			g.send(i, bit(answerExcused, co.Opening))
		}
	}
}

func (g *stage) clientAsks(c int) {
	answer := AnswerClient(g.known(c, -1))
	g.say(", and is told %d", answer)
	switch answer {
	case ClientCommitted:
		g.tellCommitted(c, "a client")
	case ClientAborted, ClientNoSuch:
		g.toldAborted(c)
	}
}

// tellCommitted is C1's gate.
func (g *stage) tellCommitted(c int, whom string) {
	if g.w.C[c].D.Commit == 0 {
		g.fail("C1: %s is told to commit before the record is durable", whom)
	}
}

// toldAborted notes that somebody takes it for aborted; where nothing was written that is as true as committed.
func (g *stage) toldAborted(c int) {
	nothingWritten := g.w.C[c].Tx.Decided == txc.Committed && g.w.C[c].W.Commit == 0
	if !nothingWritten && !g.cfg.copies {
		g.w.ToldA = true
	}
}

func (g *stage) reply(c int, r ReplyKind) {
	switch r {
	case ReplyAborted:
		g.toldAborted(c)
	case ReplyNothingWritten:
		if g.w.C[c].W.Commit > 0 {
			g.fail("nothing was written, it says, and there is a record")
		}
	default:
		g.tellCommitted(c, "the client")
	}
	for i := range g.cfg.sides {
		if s := &g.w.S[i]; r == ReplyApplied && s.GaveYes && !s.ByHand && s.D != marker && s.D != settledCommitted && s.D != markerDropped {
			g.fail("applied, it says, and side %d is not", i)
		}
	}
}

// welcome takes what a side shows. Who shows what is not contained proves a loss, or another owner.
func (g *stage) welcome(c, i int) {
	co, s := &g.w.C[c], &g.w.S[i]
	co.Linked |= 1 << i
	if g.w.Issuer == 0 {
		s.PrepInc = s.Wel[c].Inc
	}
	shown := s.Wel[c].Wit
	s.Wel[c] = welcome{}
	good := true
	for k, seen := range shown {
		if seen > 0 {
			good = g.judge(c, g.seen(k, seen)) && good
		}
	}
	if co.Mode != up {
		return
	}
	if good {
		co.Heard |= 1 << i
		if g.cfg.copies && g.w.Issuer != 0 {
			g.send(i, bit(heardBit, co.Opening))
		}
	}
	if n := co.index(i); co.Tx.Phase != 0 && n >= 0 {
		g.tx(c, PeerBack{n})
	}
}

func (g *stage) judge(c int, seen Seen) bool {
	co := &g.w.C[c]
	synced := uint64(co.D.Len)
	if !g.cfg.copies {
		synced = 1 << 60 // LSNs are not counted
	}
	verdict := g.openings(c).Judge(seen, synced)
	if verdict.Good() {
		return true
	}
	g.say(": %v", verdict)
	if verdict == NotContained {
		co.W.Loss, co.D.Loss = true, true
	} else {
		*co = coord{Mode: stoppedForGood, W: co.W, D: co.D}
	}
	return false
}

// mark tells a side what can no longer come to it (P5).
func (g *stage) mark(from *world, c, i int, do func(string, func())) {
	co := &from.C[c]
	if co.Opening != from.Issuer && !has(co.Heard, i) {
		return // ids of an older opening pass once the participant is heard
	}
	g.w = *from
	var alive []txc.ID
	n := co.index(i)
	over := co.Tx.Phase == Ended && co.W.Commit == 0 || co.D.End || has(co.D.Acked, i) ||
		co.Tx.Phase == 0 && co.W.Commit == 0 || co.W.Commit > 0 && !has(co.W.Members, i)
	over = over || g.forget(thatTheEndIsLazy) && co.W.End || g.forget(thatAcknowledgementsAreInMemory) && n >= 0 && co.Tx.Acked.Has(n)
	if !over {
		alive = append(alive, g.id())
	}
	next := txc.ID{Coordinator: 1, Epoch: g.epoch(co.Opening), Sequence: 7}
	mark, open := Watermark(next, alive)
	if (Passed{Below: mark, Open: open}).Has(g.id()) {
		do("lets side "+string(rune('0'+i))+" forget", func() { g.send(i, bit(markBit, co.Opening)) })
	}
}
