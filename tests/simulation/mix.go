package simulation

import (
	"fmt"
	"strings"
	"time"
)

// kind is a kind of fault. Each seed draws its own mix of them: which there are, and how often.
type kind int

// The kinds. Those that a seed has one of at most are at the end.
const (
	killCoordinator kind = iota // between any two effects, during a write, during a boot
	killParticipant
	cut     // a connection
	oneWay  // one direction of it
	lose    // a message, where they travel one by one
	repeat  // "
	reorder // "
	slowNet
	slowDisk
	stop         // SIGSTOP, for longer than timeouts
	jump         // of a wall clock, forwards or backwards
	logError     // EIO, once: lost, in the page cache alone, or durable all the same
	logDead      // EIO or ENOSPC, until somebody mends it
	logFlip      // of a bit
	logOld       // an old copy of the log, HEAD not: refused
	storeError   // as logError
	storeDead    // as logDead
	storeRefuses // ENOSPC before the first byte
	storeFlip
	lowDisk // nothing begins, nothing is promised
	settle  // by hand, at a participant or at the coordinator, at any time
	loseTail
	rival
	wipe // a participant comes back empty
	kinds
)

var kindNames = [kinds]string{
	"coordinator killed", "participant killed", "connection cut", "one-way cut", "message lost", "message repeated",
	"messages reordered", "slow message", "slow sync", "process stopped", "clock jumped", "log write failed", "log disk dead",
	"log bit flipped", "old log, HEAD kept", "store write failed", "store disk dead", "store full", "store bit flipped",
	"disk low", "settled by hand", "log tail lost", "two coordinators", "participant emptied",
}

func (k kind) String() string { return kindNames[k] }

// most are the highest probabilities: of one chance, which for some is an effect or a message, for others a look of
// mayhem.
var most = [kinds]float64{
	killCoordinator: 0.006, killParticipant: 0.004, cut: 0.01, oneWay: 0.1, lose: 0.05, repeat: 0.1, reorder: 0.2,
	slowNet: 0.05, slowDisk: 0.05, stop: 0.05, jump: 0.1, logError: 0.01, logDead: 0.004, logFlip: 0.2, logOld: 0.2,
	storeError: 0.01, storeDead: 0.004, storeRefuses: 0.02, storeFlip: 0.1, lowDisk: 0.05, settle: 0.1,
	loseTail: 0.5, rival: 0.1, wipe: 0.05,
}

type mix struct {
	of        [kinds]float64
	power     float64 // so many deaths are power cuts
	datagrams bool    // messages travel one by one: they overtake each other, get lost, come twice
}

func (w *World) drawMix() {
	m := &w.mix
	for k := range loseTail {
		if !w.chance(0.45) {
			m.of[k] = most[k] * w.rng.Float64()
		}
	}
	m.power = w.rng.Float64()
	m.datagrams = w.chance(0.5)
	// What the project does not promise to survive together with another of them (protocol.md, Faults).
	switch x := w.rng.Float64(); {
	case x < 0.1:
		m.of[loseTail] = most[loseTail]
	case x < 0.2:
		m.of[rival] = most[rival]
	case x < 0.3:
		m.of[wipe] = most[wipe]
	}
	if m.of[wipe] > 0 { // a store that forgot what it had seen of a log proves nothing of its loss (C6)
		m.of[logFlip], m.of[logOld] = 0, 0
	}
}

func (m *mix) String() string {
	var all []string
	for k, p := range m.of {
		if p > 0 {
			all = append(all, fmt.Sprintf("%s %.4f", kind(k), p))
		}
	}
	return fmt.Sprintf("power %.2f, datagrams %v, %s", m.power, m.datagrams, strings.Join(all, ", "))
}

func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

func (w *World) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(w.rng.Uint64N(uint64(hi-lo)+1))
}

// fault draws whether a fault happens now; never after the heal.
func (w *World) fault(k kind) bool { return w.mix.of[k] > 0 && w.faultAt(k, w.mix.of[k]) }

func (w *World) faultAt(k kind, p float64) bool {
	if w.healed || !w.chance(p) {
		return false
	}
	w.faults[k]++
	w.number(uint64(k) | 1<<40)
	return true
}

// faultCount is how many there were.
func (w *World) faultCount() (n int) {
	for _, m := range w.faults {
		n += m
	}
	return n
}

// power draws whether a death is a power cut.
func (w *World) power() bool { return w.chance(w.mix.power) }
