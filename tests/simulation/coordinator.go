package simulation

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// coordinatorNode is a coordinator's process and disk.
type coordinatorNode struct {
	process
	disk    *mem.Disk
	log     *mem.Log
	core    *coordinator.Core
	inbox   []coordinator.Event
	queue   []wal.Record
	busy    bool // an append is under way
	lazy    bool // a flush is
	wires   map[string]*wire
	waiting []*call
	starts  int
	opened  time.Duration // when it last had its log
	ended   bool          // never to start again
	damage  *mem.Disk     // what the disk was before it was damaged; nil: it is not, as far as an operator can see

	eff     coordinator.Effects // reused from step to step
	spareIn []coordinator.Event
}

const cluster, number = "sim", 1

// call is what somebody asked, until it is answered.
type call struct {
	then func(coordinator.Answered)
	over bool
}

func newCoordinator(w *World, name string, disk *mem.Disk) *coordinatorNode {
	c := &coordinatorNode{process: process{w: w, name: name}, disk: disk, wires: map[string]*wire{}}
	c.process.run = c.step
	for _, p := range w.participants {
		c.wires[p.name] = &wire{w: w, c: c, p: p}
	}
	return c
}

func (c *coordinatorNode) options() mem.Options {
	return mem.Options{Cluster: cluster, Number: number, Mark: c.w.rng.Uint64() | 1, Software: "sim", Now: c.clock}
}

// boot opens the log and starts the core, as a process does. It may fail, or be killed, anywhere in between.
func (c *coordinatorNode) boot() {
	if c.ended || c.up {
		return
	}
	c.starts++
	c.born()
	c.failNext()
	log, rec, err := mem.Open(c.disk, c.options())
	if err != nil {
		c.dies()
		c.cannotStart(err)
		return
	}
	c.held(rec)
	core, err := coordinator.NewCore(rec, coordinator.Options{Seed: c.w.rng.Uint64() | 1, Timeout: 2 * time.Second, PresumeAfter: presumeAfter, OrphanEvery: 2 * time.Second}, c.clock())
	if err != nil {
		c.w.broken("start the coordinator: %v", err)
		return
	}
	c.log, c.core = log, core
	c.inbox, c.queue, c.busy, c.lazy, c.waiting = c.inbox[:0], nil, false, false, c.waiting[:0]
	c.w.say("%s up, epoch %d, %d unfinished", c.name, rec.Epoch, len(rec.Unfinished))
	if c.w.fault(killCoordinator) { // after it opened, before anybody could have noticed
		c.crash(c.w.power())
		return
	}
	for _, p := range core.Connect() {
		c.wires[p.Name].dial()
	}
	c.poke()
}

// flushLazy is the log's own timer for records that nothing forced. The core sees what became durable when it next runs.
func (c *coordinatorNode) flushLazy() {
	if c.lazy {
		return
	}
	c.lazy = true
	c.later(wal.LazyDelay, func() {
		c.lazy = false
		if c.busy {
			return // they ride with what is being written
		}
		c.failNext()
		if err := c.log.Flush(); err != nil {
			c.failed(err)
		}
	})
}

// crash ends the process; power takes what was not synced with it, or tears it.
func (c *coordinatorNode) crash(power bool) {
	if !c.up {
		return
	}
	c.dies()
	switch {
	case power && c.disk.Unsynced() && c.w.chance(0.5):
		c.disk.Tear(c.w.rng.IntN(3))
	case power:
		c.disk.LoseUnsynced()
	}
	if c == c.w.coordinator {
		c.w.damageLog()
	}
	c.w.say("%s dead, power %v", c.name, power)
	for _, p := range c.w.participants {
		c.wires[p.name].hangup()
	}
	for _, a := range c.waiting {
		if !a.over { // its connection broke
			a.over = true
			c.w.after(c.w.between(0, 10*time.Millisecond), func() { a.then(coordinator.Answered{Err: txc.ErrUnavailable}) })
		}
	}
	c.waiting = c.waiting[:0]
	if !c.ended {
		c.later(c.w.between(10*time.Millisecond, time.Second), c.boot)
	}
}

// ask asks the core; then is called once, with txc.ErrUnavailable if the process dies before it has answered.
func (c *coordinatorNode) ask(event func(coordinator.Token) coordinator.Event, then func(coordinator.Answered)) {
	a := &call{then: then}
	if len(c.waiting) > 64 {
		c.waiting = c.pending()
	}
	c.waiting = append(c.waiting, a)
	c.put(event(a))
}

func (c *coordinatorNode) pending() []*call {
	left := c.waiting[:0]
	for _, a := range c.waiting {
		if !a.over {
			left = append(left, a)
		}
	}
	return left
}

func (c *coordinatorNode) put(ev coordinator.Event) {
	if c.up {
		c.inbox = append(c.inbox, ev)
		c.poke()
	}
}

func (c *coordinatorNode) step() {
	events := c.inbox
	c.inbox = c.spareIn[:0]
	_, low := c.log.Room()
	next := c.core.Step(coordinator.World{Now: c.clock(), Synced: c.log.Synced(), Low: low, Floor: c.log.Floor()}, events, &c.eff)
	clear(events)
	c.spareIn = events
	at := c.w.now + 200*time.Millisecond
	if !next.IsZero() {
		at = min(at, c.w.now+next.Sub(c.clock()))
	}
	c.wake(at)
	c.carryOut(&c.eff)
	reuse(&c.eff)
}

// reuse empties the effects and keeps their memory, as the shell does.
func reuse(e *coordinator.Effects) {
	clear(e.Append)
	clear(e.Send)
	clear(e.Answers)
	clear(e.Lookups)
	*e = coordinator.Effects{Append: e.Append[:0], Send: e.Send[:0], Answers: e.Answers[:0], Lookups: e.Lookups[:0], Dial: e.Dial[:0], Hangup: e.Hangup[:0]}
}

// dead draws, before an effect, whether the process dies instead.
func (c *coordinatorNode) dead() bool {
	if c.w.fault(killCoordinator) {
		c.crash(c.w.power())
		return true
	}
	return false
}

// carryOut does the effects one by one; the process may die between any two. It stops itself last: what was durable may
// be told.
func (c *coordinatorNode) carryOut(eff *coordinator.Effects) {
	if len(eff.Append) > 0 {
		if c.dead() {
			return
		}
		c.append(eff.Append)
	}
	for _, out := range eff.Send {
		if !c.send(c.wires[out.Participant], out.Messages) {
			return
		}
	}
	for _, a := range eff.Answers {
		if c.dead() {
			return
		}
		if t, ok := a.Token.(*call); ok && !t.over {
			t.over = true
			t.then(a)
		}
		if !c.up {
			return
		}
	}
	for _, p := range eff.Hangup {
		c.wires[p].hangup()
	}
	for _, p := range eff.Dial {
		c.wires[p.Name].dial()
	}
	for _, l := range eff.Lookups {
		c.later(c.w.between(0, 200*time.Microsecond), func() { c.put(coordinator.Find(c.log, l)) })
	}
	if eff.Stop != nil {
		c.w.say("%s stops itself: %v", c.name, eff.Stop)
		c.crash(c.w.power())
	}
}

// send sends a batch, or as much of it as the process lives to send.
func (c *coordinatorNode) send(n *wire, batch []protocol.Message) bool {
	for i := range batch {
		if c.w.fault(killCoordinator) {
			n.toParticipant(batch[:i])
			c.crash(c.w.power())
			return false
		}
	}
	n.toParticipant(batch)
	return true
}
