package simulation

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal/mem"
)

// World is one seed's run: the scheduler, and everybody in it.
type World struct {
	schedule
	trace
	Seed     uint64
	rng      *rand.Rand
	mix      mix
	faults   [kinds]int // so many of each kind were done
	healed   bool       // no fault from here on
	compares bool       // what the codec read with what was written: slow, so not every seed

	coordinator  *coordinatorNode
	rival        *coordinatorNode // mostly nil
	participants []*participantNode
	clients      []*client
	ledger       ledger
	violation    string

	known      map[string]bool // participants that are registered in the log
	registered uint64          // the record that made the last of them so
	evidence   []*mem.Disk     // logs that were lost, as an operator may find them again
	lossAt     time.Duration   // the last loss was accepted then; 0: none
	excuses    excuses
	doubts     map[doubt]time.Duration // since when an operator has seen it
	status     string                  // of the coordinator, as last polled; "": at rest, as far as it knows
	restSince  time.Duration
}

// Phases of a run, in virtual time.
const (
	faultsFor    = 12 * time.Second  // at most: it heals when the clients have had enough
	restWithin   = 120 * time.Second // after the heal
	restFor      = 2500 * time.Millisecond
	presumeAfter = 5 * time.Second
)

// What every seed has to do, at least.
const (
	minTransactions = 20
	minFaults       = 5
)

// newWorld makes the system of a seed, with everybody up.
func newWorld(seed uint64, out io.Writer) *World {
	w := &World{Seed: seed, rng: rand.New(rand.NewPCG(seed, 0x7478632d73696d)), compares: seed%8 == 0, known: map[string]bool{}, doubts: map[doubt]time.Duration{}}
	w.trace.clock, w.trace.out = &w.now, out
	w.excuses.init(w)
	w.drawMix()
	w.say("seed %d: %s", seed, &w.mix)
	for i := range 2 + w.rng.IntN(3) {
		w.participants = append(w.participants, newParticipant(w, i))
	}
	w.ledger.total = accounts * funds * len(w.participants)
	w.ledger.quota = minTransactions + w.rng.IntN(6)
	w.coordinator = newCoordinator(w, "coordinator", mem.NewDisk())
	w.coordinator.boot()
	for _, p := range w.participants {
		p.boot()
	}
	for i := range 2 + w.rng.IntN(4) {
		w.clients = append(w.clients, &client{w: w, number: i})
	}
	return w
}

// Run runs one seed: faults for a while, then a heal, after which everything must come to rest; then the audit.
func Run(seed uint64, out io.Writer) Report {
	w := newWorld(seed, out)
	for _, c := range w.clients {
		w.after(w.between(0, 300*time.Millisecond), c.next)
	}
	w.after(0, w.mayhem)
	w.after(time.Second, w.operator)
	w.runUntil(faultsFor, func() bool { return w.ledger.done(w) })
	w.heal()
	w.poll()
	w.runUntil(w.now+restWithin, w.rested)
	w.audit()
	return w.report()
}

// runUntil lets time pass, until enough or a rule was broken.
func (w *World) runUntil(at time.Duration, enough func() bool) {
	for len(w.heap) > 0 && w.heap[0].at <= at && w.violation == "" && !enough() {
		w.next()()
	}
}

// broken notes the first rule that was broken.
func (w *World) broken(format string, a ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, a...)
		w.say("VIOLATION %s", w.violation)
	}
}

// coordinators are those of the number.
func (w *World) coordinators() []*coordinatorNode {
	if w.rival == nil {
		return []*coordinatorNode{w.coordinator}
	}
	return []*coordinatorNode{w.coordinator, w.rival}
}

// anyCoordinator is the one that a client or a participant's question reaches.
func (w *World) anyCoordinator() *coordinatorNode {
	if w.rival != nil && w.rival.up && w.chance(0.5) {
		return w.rival
	}
	return w.coordinator
}

// doubt is one branch in doubt.
type doubt struct {
	participant string
	protocol.Proof
}

// Report is what a seed's run came to.
type Report struct {
	Seed                                   uint64
	Violation                              string
	Hash                                   uint64
	Transactions                           int
	Committed, Aborted, Unknown            int
	Faults                                 [kinds]int
	CoordinatorStarts, Steps               int
	LossFound, TwoOwners, Mixed, Forgotten bool
	Took                                   time.Duration // virtual
}

func (w *World) report() Report {
	if w.trace.err != nil {
		w.broken("cannot write the trace: %v", w.trace.err)
	}
	r := Report{Seed: w.Seed, Violation: w.violation, Hash: w.hash, Transactions: len(w.ledger.order), Faults: w.faults,
		CoordinatorStarts: w.coordinator.starts, Steps: int(w.count), LossFound: w.lossAt > 0, TwoOwners: w.rival != nil,
		Mixed: len(w.excuses.reported) > 0, Forgotten: w.faults[wipe] > 0, Took: w.now}
	for _, t := range w.ledger.order {
		switch t.told {
		case txc.Committed:
			r.Committed++
		case txc.Aborted:
			r.Aborted++
		default:
			r.Unknown++
		}
	}
	return r
}
