package protocol_test

import (
	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// sideSteps adds what side i can do.
func (g *stage) sideSteps(from *world, i int) {
	s := &from.S[i]
	crash := func(v int) bool { return g.crashSide(i, v) }
	do := func(what string, f func()) {
		g.do(from, func() { g.say("side %d: %s", i, what); f() }, crash)
	}
	if !s.Up {
		do("opens its store", func() { g.openSide(i) })
		if s.V != s.D {
			g.crashes(from, crash)
		}
		return
	}
	if from.Issuer == 0 && !g.cfg.late {
		return
	}
	g.crashes(from, crash)
	for k := uint8(1); k <= from.Born; k++ {
		g.deliveries(from, i, k, do)
	}
	if s.B.Executing {
		for _, v := range g.cfg.votes {
			do("has executed: "+v.String(), func() { g.branch(i, Executed{v}) })
		}
	}
	if s.Op != idle {
		do("its store has written", func() { g.written(i) })
		g.troubles(from, i, do)
	} else if s.B.Phase == Promising && s.B.Unknown {
		do("looks for the promise", func() { g.look(i) })
	}
	switch p := s.B.Phase; {
	case p == Working || p == Preparing || s.B.Unknown:
		do("time is up", func() { g.branch(i, TimeUp{}) })
	}
	if from.Words > 0 && (s.B.Phase == Promised || s.B.Phase == InHazard) {
		for _, o := range [...]txc.Outcome{txc.Committed, txc.Aborted} {
			do("an operator settles it as "+o.String(), func() { g.w.Words--; g.branch(i, OperatorSettles{o}) })
		}
	}
	if g.cfg.meddled && from.Troubles > 0 && s.B.Phase == Promised {
		g.meddle(from, i, do)
	}
	if g.cfg.joined {
		g.callSteps(from, i, do)
	}
}

func asked(b Branch) int {
	if b.Phase == Settled {
		return int(b.How)
	}
	return 0
}

// deliveries adds the arrival of everything that opening k ever sent to side i.
func (g *stage) deliveries(from *world, i int, k uint8, do func(string, func())) {
	s := &from.S[i]
	hear := func(kind int, what string, body Body, then func()) {
		if !from.sent(i, bit(kind, k)) {
			return
		}
		do(what, func() {
			if g.hear(i, k, kind, body) {
				then()
			}
		})
	}
	feed := func(ev BranchEvent) func() { return func() { g.branch(i, ev) } }
	hear(helloBit, "hello", Hello{}, func() { g.hello(i, k) })
	prepare := Prepare{Incarnation: uint64(s.PrepInc), Joined: g.cfg.joined, Calls: uint32(s.PrepCalls), MayRelease: true}
	if g.forget(theIncarnation) {
		prepare.Incarnation = uint64(s.Inc)
	}
	hear(prepareBit, "Prepare", prepare, feed(PrepareAsked{Joined: prepare.Joined, Calls: prepare.Calls, MayRelease: true}))
	hear(commitBit, "Commit", Commit{}, feed(CommitTold{}))
	hear(abortBit, "Abort", Abort{}, feed(AbortTold{}))
	if s.B.Asks() && !g.cfg.quiet {
		hear(commitBit, "is answered committed", Answer{Outcome: txc.Committed}, feed(DecisionHeard{Outcome: txc.Committed}))
		hear(abortBit, "is answered aborted", Answer{Outcome: txc.Aborted}, feed(DecisionHeard{Outcome: txc.Aborted}))
	}
	hear(answerFinished, "is answered finished", Answer{Outcome: txc.Finished}, feed(DecisionHeard{Outcome: txc.Finished}))
	decided := txc.Aborted
	if from.CommitEver {
		decided = txc.Committed
	}
	hear(answerExcused, "is answered: acknowledged", Answer{Outcome: decided}, feed(DecisionHeard{Outcome: decided, Acknowledged: true}))
	hear(heardBit, "the watermark passes older openings", List{}, func() {})
	hear(markBit, "the watermark passes", List{}, func() { g.passed(i) })
}

// sender is what every message of opening k says of its sender (C5, C6, P5, P6).
func (g *stage) sender(k uint8, kind int) *Sender {
	from := &Sender{Cluster: cluster, Coordinator: 1, Epoch: g.epoch(k), Mark: uint64(k), LSN: 1}
	for c := range g.w.C {
		l := &g.w.C[c].W
		if !g.cfg.copies || l.First[k-1] == 0 {
			continue
		}
		from.LSN = max(from.LSN, uint64(l.First[k-1]))
		if kind == commitBit {
			from.LSN = max(from.LSN, uint64(l.Commit))
		}
	}
	switch kind {
	case heardBit:
		from.Watermark, from.Open = txc.ID{Coordinator: 1, Epoch: g.epoch(k), Sequence: 2}, []txc.ID{g.id()}
	case markBit:
		from.Watermark = txc.ID{Coordinator: 1, Epoch: g.epoch(k), Sequence: 7}
	}
	return from
}

func (g *stage) seen(k int, at seenAt) Seen {
	return Seen{Coordinator: 1, Epoch: uint32(g.w.Epoch[k]), Mark: uint64(k + 1), LSN: uint64(at) - 1}
}

func (g *stage) witnesses(wit *[maxOpenings]seenAt) (all Witnesses) {
	for epoch := uint8(1); epoch <= maxOpenings; epoch++ {
		for k, at := range wit {
			if at > 0 && g.w.Epoch[k] == epoch {
				all = append(all, g.seen(k, at))
			}
		}
	}
	return all
}

func (g *stage) hearFrom(wit *[maxOpenings]seenAt, from *Sender, hello bool) {
	all := g.witnesses(wit).Hear(from, hello)
	if g.forget(olderOpenings) {
		all = all[len(all)-1:]
	}
	*wit = [maxOpenings]seenAt{}
	for _, s := range all {
		wit[s.Mark-1] = seenAt(s.LSN) + 1
	}
	if !g.cfg.copies { // which ones came before makes no difference, and LSNs are not counted
		top := all.Highest()
		*wit = [maxOpenings]seenAt{}
		wit[top.Mark-1] = 1
	}
}

// hear is the agent's gate: whether the message may be acted on.
func (g *stage) hear(i int, k uint8, kind int, body Body) bool {
	s := &g.w.S[i]
	from := g.sender(k, kind)
	m := Message{From: from, Body: body}
	if kind != helloBit && kind != heardBit && kind != markBit {
		m.ID, m.Mark = g.id(), uint64(g.w.Issuer)
	}
	var passed Passed
	if s.Passed {
		passed.Below = txc.ID{Coordinator: 1, Epoch: maxOpenings + 1}
	}
	verdict := Self{Cluster: cluster, Incarnation: uint64(s.Inc)}.Guard(&m, g.witnesses(&s.WitV).Highest(), passed, s.B.Phase != 0)
	if verdict != Admitted {
		g.say(": %v", verdict)
	}
	switch verdict {
	case FencedOff:
		if g.cfg.refusals {
			g.send(i, bit(fencedBit, k))
		}
	case FirstSeen:
		if g.raise(i, from) && kind == helloBit && g.cfg.swift {
			g.hello(i, k)
		}
	case OtherIncarnation:
		g.send(i, voteNo)
	case BelowWatermark:
		g.tooOld(i, kind)
	case Admitted:
		g.hearFrom(&s.WitV, from, kind == helloBit)
		return true
	default:
		g.fail("a message of ours is not taken for ours: %v", verdict)
	}
	return false
}

// raise lets a newer opening in: it is durable, and what was begun for an earlier one has ended, before anything of it
// is answered (P6).
func (g *stage) raise(i int, from *Sender) bool {
	s := &g.w.S[i]
	if s.Op != idle && !g.forget(writesOfOlderOpenings) {
		return false // it waits
	}
	if s.B.Phase == Working || s.B.Phase == Preparing {
		g.branch(i, TimeUp{})
	}
	g.hearFrom(&s.WitV, from, true)
	if !g.forget(theDurableFence) {
		g.hearFrom(&s.WitD, from, true)
		g.fenceOff(i)
	}
	return true
}

func (g *stage) tooOld(i, kind int) {
	switch kind {
	case prepareBit:
		g.w.S[i].Sure = true
		g.send(i, voteNoCertain)
	case commitBit:
		g.send(i, fateBit+int(txc.NeverPrepared))
	case abortBit:
		g.send(i, fateBit+int(txc.AbortedNow))
	}
}

// fenceOff forgets what is refused from now on, to have fewer states.
func (g *stage) fenceOff(i int) {
	top := g.witnesses(&g.w.S[i].WitD).Highest()
	for k := uint8(1); k <= g.w.Born && !g.cfg.refusals; k++ {
		if top.Stand(g.epoch(k), uint64(k)) != Refused {
			continue
		}
		for kind := range perOpening {
			g.w.S[i].Net &^= 1 << bit(kind, k)
		}
	}
}

// hello answers the opening that is there to hear it. What it shows is what is durable.
func (g *stage) hello(i int, k uint8) {
	s := &g.w.S[i]
	for c := range g.w.C {
		if g.w.C[c].Mode == up && g.w.C[c].Opening == k && !has(g.w.C[c].Linked, i) {
			s.Wel[c] = welcome{Sent: true, Inc: s.Inc, Wit: s.WitD}
			if g.cfg.swift {
				g.welcome(c, i)
			}
		}
	}
}

// passed forgets what the watermark has passed (P5).
func (g *stage) passed(i int) {
	s := &g.w.S[i]
	s.Passed = true
	g.branch(i, WatermarkPassed{})
	if s.B.Phase == 0 && s.V == marker {
		s.V, s.D = markerDropped, markerDropped
	}
}
