package simulation

import (
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// loseTail cuts records off the end of the log, and what HEAD said of them: the loss that only witnesses can show (C6).
// It is done to a dead coordinator.
func (w *World) loseTail() {
	head := w.coordinator.disk.Head()
	back := uint64(1 + w.rng.IntN(12))
	if head <= back+10 {
		return // the registrations stay: without them nobody would be asked
	}
	w.tailLost = true
	w.evidence = append(w.evidence, w.coordinator.disk.Copy())
	w.coordinator.disk.Cut(head - back)
	w.log("the log lost its tail: %d of %d records left", w.coordinator.disk.Head(), head)
}

// operator is a person who looks after the system: accepts a loss that was found, and afterwards settles by hand what
// stays in doubt, by what the fellow members know (C12, H2).
func (w *World) operator() {
	c := w.coordinator
	c.put(coordinator.AskStatus{Token: func(a coordinator.Answered) {
		// Not before there is one owner of the number.
		if a.Status.State == "refusing" && (w.healed || !w.twoOwners()) {
			w.lossFound = true
			c.put(coordinator.AskAccept{What: wal.ResolveLoss, Who: "operator", Why: "the disk lost it", Token: func(coordinator.Answered) {}})
		}
	}})
	c.put(coordinator.AskList{Filter: coordinator.Filter{States: []string{"mixed"}}, Token: func(a coordinator.Answered) { c.acknowledge(a.List) }})
	if w.healed && (w.tailLost || w.twoOwners()) {
		w.settleByHand()
	}
	w.after(2*time.Second, w.operator)
}

// acknowledge takes note of heuristic branches. There is none without a loss: a branch that promised is told, or tells.
func (c *coordinatorNode) acknowledge(mixed []coordinator.Detail) {
	for _, d := range mixed {
		if !c.w.tailLost && !c.w.twoOwners() {
			c.w.broken("V15: %s has a heuristic branch, though nobody settled anything by hand: %+v", d.ID, d.Branches)
		}
		if len(d.WaitsFor) > 0 {
			c.put(coordinator.AskAcknowledge{ID: d.ID, Who: "operator", Why: "its record outlived its end", Token: func(coordinator.Answered) {}})
		}
	}
}

// settleByHand ends promises that nobody answers for any more: as committed if any member proves that it committed, or if
// the log that was lost, or the rival's, says so. A member that has acknowledged may have dropped its proof (P5), so the
// members alone cannot always tell: the runbook tells the operator to look for what is left of the log.
func (w *World) settleByHand() {
	if w.now < faultsFor+30*time.Second {
		return
	}
	committed := map[protocol.Proof]bool{}
	for _, p := range w.participants {
		if !p.up {
			return // not before everybody can be asked
		}
		for _, proof := range p.engine.Committed(txc.ID{}) {
			committed[proof] = true
		}
	}
	for _, p := range w.participants {
		for _, d := range p.engine.InDoubt() {
			if d.Settled != 0 || w.clock().Sub(d.Since) < 25*time.Second {
				continue
			}
			o := txc.Aborted
			if committed[protocol.Proof{ID: d.ID, Mark: d.Mark}] || w.recorded(d) {
				o = txc.Committed
			}
			w.log("operator settles %s at %s as %s", d.ID, p.name, o)
			p.put(participant.SettleAsked{ID: d.ID, Mark: d.Mark, Settlement: participant.Settlement{Outcome: o, Who: "operator", Why: "lost", When: w.clock()}})
		}
	}
}

// recorded looks into what is left of lost logs.
func (w *World) recorded(d participant.InDoubt) bool {
	disks := w.evidence
	if w.rival != nil {
		disks = append(slices.Clip(disks), w.rival.disk)
	}
	for _, disk := range disks {
		log, rec, err := mem.Open(disk.Copy(), mem.Options{Cluster: cluster, Number: number, Mark: 1, Now: w.clock})
		if err != nil {
			w.broken("read what is left of a log: %v", err)
			return false
		}
		marked := slices.ContainsFunc(rec.Openings, func(r wal.Record) bool {
			b := r.Body.(wal.OpenedBody)
			return b.Epoch == d.ID.Epoch && b.Mark == d.Mark
		})
		if _, _, ok, err := log.Find(d.ID); marked && ok && err == nil {
			return true
		}
	}
	return false
}
