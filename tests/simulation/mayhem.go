package simulation

import (
	"time"

	"github.com/txc-dev/txc/participant/kv/engine"
)

// mayhem does from outside what does not happen between two effects: it kills, stops, cuts, fills disks and moves clocks.
func (w *World) mayhem() {
	if w.healed {
		return
	}
	if w.rival == nil && len(w.known) == len(w.participants) && w.fault(rival) {
		w.startRival()
	}
	w.mayhemCoordinator(w.coordinator)
	for _, p := range w.participants {
		w.mayhemParticipant(p)
	}
	if w.fault(settle) {
		w.settleOnWhim()
	}
	if late := w.ledger.issued() >= w.ledger.quota || w.now > faultsFor/2; late && w.faultCount() < minFaults {
		w.force()
	}
	w.after(w.between(5*time.Millisecond, 150*time.Millisecond), w.mayhem)
}

func (w *World) mayhemCoordinator(c *coordinatorNode) {
	if c.up && w.faultAt(killCoordinator, 5*w.mix.of[killCoordinator]) {
		c.crash(w.power())
	}
	w.mayhemProcess(&c.process)
	if w.fault(lowDisk) {
		w.say("the log's disk is nearly full")
		c.disk.SetRoom(1, true)
		w.after(w.between(10*time.Millisecond, time.Second), func() { c.disk.SetRoom(1<<40, false) })
	}
}

func (w *World) mayhemParticipant(p *participantNode) {
	if p.up && w.faultAt(killParticipant, 5*w.mix.of[killParticipant]) {
		p.crash(w.power())
	}
	w.mayhemProcess(&p.process)
	n := w.coordinator.wires[p.name]
	if n.up && w.faultAt(cut, 5*w.mix.of[cut]) {
		n.cut("cut")
	}
	if n.up && w.fault(oneWay) {
		last := &n.toC
		if w.chance(0.5) {
			last = &n.toP
		}
		n.hold(last, w.between(10*time.Millisecond, 4*time.Second))
	}
	if p.up && w.fault(lowDisk) {
		w.say("the disk of %s is nearly full", p.name)
		p.toStore(&engine.Room{Low: true})
		p.later(w.between(10*time.Millisecond, time.Second), func() { p.toStore(&engine.Room{}) })
	}
}

func (w *World) mayhemProcess(p *process) {
	if p.up && w.fault(stop) {
		d := w.between(10*time.Millisecond, 4*time.Second)
		w.say("%s is stopped for %v", p.name, d)
		p.frozen = w.now + d
	}
	if w.fault(jump) {
		d := w.between(0, 2*furthest) - furthest
		if w.chance(0.5) {
			d = w.between(0, 4*time.Second) - 2*time.Second
		}
		p.skew = d
		w.say("the clock of %s is off by %v", p.name, d)
	}
}

// furthest is how far a wall clock may be off.
const furthest = 48 * time.Hour

// force does a fault because the seed's own draws have brought too few.
func (w *World) force() {
	switch w.rng.IntN(3) {
	case 0:
		w.faults[killCoordinator]++
		w.coordinator.crash(w.power())
	case 1:
		w.faults[killParticipant]++
		w.participants[w.rng.IntN(len(w.participants))].crash(w.power())
	case 2:
		w.faults[cut]++
		w.coordinator.wires[w.participants[w.rng.IntN(len(w.participants))].name].cut("cut")
	}
}

// startRival starts a second process of the coordinator's number, on a copy of its log: a restored machine, a volume
// mounted twice. Neither knows of the other; participants do (C5, P6).
func (w *World) startRival() {
	w.rival = newCoordinator(w, "rival", w.coordinator.intact().Copy())
	w.say("a rival starts on a copy of the log")
	w.rival.boot()
}

// heal is the end of all faults: disks are mended, processes go on, and there is one coordinator. Clocks stay as they are.
func (w *World) heal() {
	w.healed = true
	w.say("healed after %d faults", w.faultCount())
	if w.rival != nil {
		w.rival.ended = true
		w.rival.crash(false)
	}
	w.coordinator.disk.Mend()
	w.coordinator.disk.SetRoom(1<<40, false)
	w.coordinator.thaw()
	for _, p := range w.participants {
		p.store.dead = nil
		p.thaw()
	}
}

func (p *process) thaw() {
	if p.frozen > p.w.now {
		p.frozen = 0
		p.poked = false
		p.poke()
	}
}
