package protocol_test

import (
	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// sweepSteps looks for orphans (C9): at one side at a time, each look a step of its own.
func (g *stage) sweepSteps(from *world, c int, do func(string, func())) {
	co := &from.C[c]
	if co.Sweep.At == 0 {
		for i := range g.cfg.sides {
			if has(co.Linked, i) && from.S[i].Up {
				do("lists what is prepared at side "+string(rune('0'+i)), func() {
					g.w.C[c].Sweep = sweep{At: 1, Side: uint8(i), InP: g.w.S[i].V == promise}
				})
			}
		}
		return
	}
	if from.Issuer == 0 {
		return
	}
	i := int(co.Sweep.Side)
	do("goes on with its search", func() { g.sweepOn(c, i) })
}

func (g *stage) sweepOn(c, i int) {
	co, k := &g.w.C[c], g.known(c, i)
	sw := &co.Sweep
	look := sw.At
	if g.forget(theSearchsOrder) && look < 3 {
		look = 3 - look
	}
	switch look {
	case 1:
		sw.Running = k.Running
	case 2:
		sw.Commit = co.D.Commit > 0
		sw.Over = AnswerParticipant(k, g.asker(c, i)) == txc.Finished
		sw.Heard = k.ThisOpening || k.Heard
	default:
		p := Prepared{
			Ours: k.Ours, InP: sw.InP, Running: sw.Running, Looked: true, Commit: sw.Commit, Over: sw.Over,
			InQ: g.w.S[i].V == promise, Heard: sw.Heard,
		}
		*sw = sweep{}
		g.judgeOrphan(c, i, p)
		return
	}
	sw.At++
}

func (g *stage) judgeOrphan(c, i int, p Prepared) {
	switch JudgeOrphan(p) {
	case CommitOrphan:
		g.tellCommitted(c, "an orphan")
		g.send(i, bit(commitBit, g.w.C[c].Opening))
	case AbortOrphan:
		g.say(", and aborts it")
		g.toldAborted(c)
		g.send(i, bit(abortBit, g.w.C[c].Opening))
	case NextRound:
	}
}
