package simulation

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/wal"
)

// operator is a person who looks after the system: accepts a loss that was found and a participant that forgot, takes
// note of what is mixed, and settles by hand what stays in doubt after a loss (C12, C13, H1, H2).
func (w *World) operator() {
	c := w.coordinator
	if c.up {
		c.ask(func(t coordinator.Token) coordinator.Event { return coordinator.AskStatus{Token: t} }, w.looksAtStatus)
		c.ask(func(t coordinator.Token) coordinator.Event {
			return coordinator.AskList{Token: t, Filter: coordinator.Filter{States: []string{"mixed"}}}
		}, w.looksAtList)
	}
	if w.healed {
		w.settleByHand()
	}
	w.after(time.Second, w.operator)
}

func (w *World) looksAtStatus(a coordinator.Answered) {
	c := w.coordinator
	if a.Err != nil || len(a.Status.WaitingFor) == 0 {
		return
	}
	accept := func(what, participant, why string, then func()) {
		c.ask(func(t coordinator.Token) coordinator.Event {
			return coordinator.AskAccept{Token: t, What: what, Participant: participant, Who: "operator", Why: why}
		}, func(a coordinator.Answered) {
			w.say("operator accepts %s %s: %v", what, participant, a.Err)
			if a.Err == nil {
				then()
			}
		})
	}
	if a.Status.State == "refusing" && (w.healed || w.rival == nil) { // not before there is one owner of the number
		if !w.lossy() {
			w.broken("C6: the coordinator refuses to work, though nothing was lost: %v", a.Status.WaitingFor)
		}
		w.acceptedLoss() // whether or not he hears that it was recorded
		accept(wal.ResolveLoss, "", "the disk lost it", func() {})
	}
	c.ask(func(t coordinator.Token) coordinator.Event { return coordinator.AskParticipants{Token: t} }, func(a coordinator.Answered) {
		for _, p := range a.Participants {
			if p.State == "quarantined" {
				if w.faults[wipe] == 0 {
					w.broken("C13: %s is quarantined, though its store is its own", p.Name)
				}
				accept(wal.ResolveParticipant, p.Name, "its disk was replaced", func() {})
			}
		}
	})
}

// looksAtList takes note of heuristic branches. There is none that nobody has a reason for.
func (w *World) looksAtList(a coordinator.Answered) {
	for _, d := range a.List {
		if !w.excuses.mayBeMixed(d.ID, d.Mark) {
			w.broken("V15: %s has a heuristic branch, though nobody settled it by hand, and no store lost it: %+v", d.ID, d.Branches)
		}
		w.excuses.reported[d.ID] = true
		if len(d.WaitsFor) == 0 {
			continue
		}
		w.coordinator.ask(func(t coordinator.Token) coordinator.Event {
			return coordinator.AskAcknowledge{Token: t, ID: d.ID, Who: "operator", Why: "seen"}
		}, func(a coordinator.Answered) { w.say("operator acknowledges %s: %v", d.ID, a.Err) })
	}
}

// settleOnWhim is an operator who cannot wait: he settles a branch by hand, at its participant (H2) or at the coordinator
// (H3), whatever the decision is or will be. The first of the two wins.
func (w *World) settleOnWhim() {
	outcome := txc.Aborted
	if w.chance(0.5) {
		outcome = txc.Committed
	}
	if w.chance(0.3) && w.coordinator.up {
		w.coordinator.ask(func(t coordinator.Token) coordinator.Event {
			return coordinator.AskList{Token: t, Filter: coordinator.Filter{States: []string{"committing"}}}
		}, func(a coordinator.Answered) { w.resolve(a.List, outcome) })
		return
	}
	p := w.participants[w.rng.IntN(len(w.participants))]
	if !p.up {
		return
	}
	for _, d := range p.engine.InDoubt() {
		if d.Settled == 0 {
			w.excuses.torn[protocol.Proof{ID: d.ID, Mark: d.Mark}] = true
			p.settle(d, outcome, "cannot wait")
			return
		}
	}
}

func (w *World) resolve(list []coordinator.Detail, outcome txc.Outcome) {
	for _, d := range list {
		for _, b := range d.Branches {
			if b.State != "unreachable" && b.State != "in-doubt" {
				continue
			}
			proof := protocol.Proof{ID: d.ID, Mark: d.Mark}
			w.excuses.torn[proof], w.excuses.resolved[proof] = true, true
			w.coordinator.ask(func(t coordinator.Token) coordinator.Event {
				return coordinator.AskResolve{Token: t, ID: d.ID, Participant: b.Participant, Outcome: outcome, Who: "operator", Why: "cannot wait"}
			}, func(a coordinator.Answered) {
				w.say("operator resolves %s at %s as %s: %v", d.ID, b.Participant, outcome, a.Err)
			})
			return
		}
	}
}

func (p *participantNode) settle(d participant.InDoubt, o txc.Outcome, why string) {
	p.w.say("operator settles %s at %s as %s: %s", d.ID, p.name, o, why)
	p.token++
	p.waiting[p.token] = func(a participant.Answer) {
		p.w.say("%s: settled as %s: %v", d.ID, a.Fate, a.Err)
		if a.Err == nil {
			p.w.excuses.settled[doubt{p.name, protocol.Proof{ID: d.ID, Mark: d.Mark}}] = o
		}
	}
	p.put(participant.SettleAsked{Token: p.token, ID: d.ID, Mark: d.Mark, Settlement: participant.Settlement{Outcome: o, Who: "operator", Why: why, When: p.clock()}})
}

// settleByHand ends promises that nobody answers for any more: as committed if any member proves that it committed, or if
// a log that was lost, or the rival's, says so. A member that has acknowledged may have dropped its proof (P5), so the
// members alone cannot always tell: the runbook tells the operator to look for what is left of the log.
func (w *World) settleByHand() {
	if !w.lossy() && len(w.excuses.torn) == 0 {
		return
	}
	proved := map[protocol.Proof]bool{}
	for _, p := range w.participants {
		if !p.up {
			return // not before everybody can be asked
		}
		for _, proof := range p.engine.Committed(txc.ID{}) {
			proved[proof] = true
		}
	}
	for _, p := range w.participants {
		for _, d := range p.engine.InDoubt() {
			w.settleOld(p, d, proved)
		}
	}
}

// settleOld settles one branch that has been in doubt for longer than the protocol itself takes.
func (w *World) settleOld(p *participantNode, d participant.InDoubt, proved map[protocol.Proof]bool) {
	proof := protocol.Proof{ID: d.ID, Mark: d.Mark}
	if d.Settled != 0 || !w.lossy() && !w.excuses.torn[proof] {
		return
	}
	seen, ok := w.doubts[doubt{p.name, proof}]
	if !ok {
		w.doubts[doubt{p.name, proof}] = w.now
	}
	if !ok || w.now-seen < presumeAfter+5*time.Second {
		return
	}
	o := txc.Aborted
	if proved[proof] || w.recorded(proof) {
		o = txc.Committed
	}
	w.excuses.byHand[proof] = true
	if w.rival != nil || w.excuses.outlived(proof) { // another owner, or a log that went on without the record, may have told other branches otherwise, and no record of an abort says so
		w.excuses.torn[proof] = true
	}
	p.settle(d, o, "its record was lost")
}

// recorded looks into all that is left of logs.
func (w *World) recorded(p protocol.Proof) bool {
	for _, disk := range append(w.excuses.all(), w.coordinator.intact()) {
		if c, ok := commits(w, disk)[p.ID]; ok && c.mark == p.Mark {
			return true
		}
	}
	return false
}
