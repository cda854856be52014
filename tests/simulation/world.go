package simulation

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	"github.com/txc-dev/txc/wal/mem"
)

// World is one seed's run: the scheduler, and everybody in it.
type World struct {
	Seed   uint64
	rng    *rand.Rand
	now    time.Duration
	queue  events
	number uint64 // of the last event: ties are settled by it
	trace  io.Writer
	hash   interface {
		io.Writer
		Sum64() uint64
	}
	healed bool // no fault from here on
	faults int  // so many were done
	mix    mix

	coordinator  *coordinatorNode
	rival        *coordinatorNode // mostly nil
	participants []*participantNode
	clients      []*client
	ledger       ledger
	violation    string
	evidence     []*mem.Disk // what was lost, as an operator may find it again
	tailLost     bool        // the log lost records that it had called durable
	lossFound    bool        // and says so
}

// start is what virtual time 0 is called by those who want a date.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type scheduled struct {
	at     time.Duration
	number uint64
	run    func()
}

type events []scheduled

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(scheduled)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = scheduled{}
	*e = old[:len(old)-1]
	return last
}

// clock is virtual time as a date.
func (w *World) clock() time.Time { return start.Add(w.now) }

// after schedules f. Whoever may be dead by then checks that himself.
func (w *World) after(d time.Duration, f func()) {
	w.number++
	heap.Push(&w.queue, scheduled{w.now + max(d, 0), w.number, f})
}

// step runs the next event; false if there is none, or a rule was broken.
func (w *World) step() bool {
	if len(w.queue) == 0 || w.violation != "" {
		return false
	}
	ev := heap.Pop(&w.queue).(scheduled)
	w.now = ev.at
	ev.run()
	return true
}

// runUntil lets time pass.
func (w *World) runUntil(at time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= at && w.violation == "" {
		w.step()
	}
	w.now = max(w.now, at)
}

// log writes a line of the trace: it is hashed always, and printed where somebody wants it.
func (w *World) log(format string, a ...any) {
	line := fmt.Sprintf("%12s  %s\n", w.now, fmt.Sprintf(format, a...))
	_, _ = io.WriteString(w.hash, line) // a hash takes everything
	if w.trace != nil {
		if _, err := io.WriteString(w.trace, line); err != nil {
			w.broken("cannot write the trace: %v", err)
		}
	}
}

// broken notes the first rule that was broken.
func (w *World) broken(format string, a ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, a...)
		w.log("VIOLATION %s", w.violation)
	}
}

// Hash is the trace's: two runs of a seed must have the same.
func (w *World) Hash() uint64 { return w.hash.Sum64() }

func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// fault draws whether a fault with this probability happens now; never after the heal.
func (w *World) fault(p float64) bool {
	if w.healed || !w.chance(p) {
		return false
	}
	w.faults++
	return true
}

func (w *World) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)+1))
}

// mix is the faults that a seed draws: their probabilities.
type mix struct {
	kill, power, cut, lose, repeat, reorder, slow, logFail, loseTail, rival float64
	coordinatorKill                                                         float64
	datagrams                                                               bool // messages overtake each other
}

func (w *World) drawMix() mix {
	draw := func(most float64) float64 {
		if w.chance(0.4) {
			return 0
		}
		return most * w.rng.Float64()
	}
	m := mix{
		kill: draw(0.004), coordinatorKill: draw(0.004), power: draw(1), cut: draw(0.01), lose: draw(0.05),
		repeat: draw(0.1), reorder: draw(0.2), slow: draw(0.05), logFail: draw(0.004),
	}
	m.datagrams = w.chance(0.5)
	switch {
	case w.chance(0.1):
		m.loseTail = 0.5
	case w.chance(0.1):
		m.rival = 0.1
	}
	return m
}

// newWorld makes the system of a seed, with everybody up.
func newWorld(seed uint64, trace io.Writer) *World {
	w := &World{Seed: seed, rng: rand.New(rand.NewPCG(seed, 0x7478632d73696d)), trace: trace, hash: fnv.New64a()}
	w.mix = w.drawMix()
	w.log("seed %d mix %+v", seed, w.mix)
	for i := range 2 + w.rng.IntN(3) {
		w.participants = append(w.participants, newParticipant(w, i))
	}
	w.coordinator = newCoordinator(w)
	w.coordinator.boot()
	for _, p := range w.participants {
		p.boot()
	}
	w.ledger.transactions = map[int]*transfer{}
	for i := range 2 + w.rng.IntN(4) {
		w.clients = append(w.clients, &client{w: w, number: i})
	}
	return w
}
