package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// coordinatorNode is a coordinator's process and disk.
type coordinatorNode struct {
	w      *World
	disk   *mem.Disk
	log    *mem.Log
	core   *coordinator.Core
	up     bool
	life   int // counts boots: what belongs to an earlier one is dropped
	inbox  []coordinator.Event
	poked  bool
	wakeAt time.Duration
	queue  []wal.Record
	busy   bool // an append is under way
	wires  map[string]*wire
	starts int
	rival  bool // the second of its number
	ended  bool // never to start again
}

const cluster, number = "sim", 1

func newCoordinator(w *World) *coordinatorNode {
	c := &coordinatorNode{w: w, disk: mem.NewDisk(), wires: map[string]*wire{}}
	for _, p := range w.participants {
		c.wires[p.name] = &wire{w: w, c: c, p: p}
	}
	return c
}

// boot opens the log and starts the core, as a process does.
func (c *coordinatorNode) boot() {
	if c.ended {
		return
	}
	c.starts++
	c.disk.Fail(mem.None) // what was to befall the last process's next write died with it
	log, rec, err := mem.Open(c.disk, mem.Options{Cluster: cluster, Number: number, Mark: c.w.rng.Uint64() | 1, Software: "sim", Now: c.w.clock})
	if err != nil {
		c.w.broken("open the coordinator's log: %v", err)
		return
	}
	core, err := coordinator.NewCore(rec, coordinator.Options{Seed: c.w.rng.Uint64() | 1, Timeout: 2 * time.Second, PresumeAfter: 20 * time.Second, OrphanEvery: 5 * time.Second}, c.w.clock())
	if err != nil {
		c.w.broken("start the coordinator: %v", err)
		return
	}
	c.log, c.core, c.up = log, core, true
	c.life++
	c.inbox, c.queue, c.poked, c.busy, c.wakeAt = nil, nil, false, false, 0
	c.w.log("coordinator up, epoch %d, %d unfinished", rec.Epoch, len(rec.Unfinished))
	for _, p := range core.Connect() {
		c.wires[p.Name].dial()
	}
	c.poke()
	c.flushLazy(c.life)
}

// flushLazy is the log's own timer for records that nothing forced.
func (c *coordinatorNode) flushLazy(life int) {
	c.w.after(wal.LazyDelay, func() {
		if c.life != life || !c.up {
			return
		}
		if !c.busy {
			if err := c.log.Flush(); err != nil {
				c.put(coordinator.LogFailed{Err: fmt.Errorf("%w: %w", txc.ErrStopped, err)})
			}
		}
		c.poke()
		c.flushLazy(life)
	})
}

// crash ends the process; power takes what was not synced with it.
func (c *coordinatorNode) crash(power bool) {
	if !c.up {
		return
	}
	c.up = false
	c.life++
	if power {
		c.disk.LoseUnsynced()
	}
	if !c.rival && !c.w.tailLost && c.w.fault(c.w.mix.loseTail) {
		c.w.loseTail()
	}
	c.w.log("coordinator dead, power %v", power)
	for _, p := range c.w.participants {
		c.wires[p.name].hangup()
	}
	for _, cl := range c.w.clients {
		cl.coordinatorDied(c)
	}
	if !c.ended {
		c.w.after(c.w.between(10*time.Millisecond, 2*time.Second), c.boot)
	}
}

func (c *coordinatorNode) put(ev coordinator.Event) {
	if c.up {
		c.inbox = append(c.inbox, ev)
		c.poke()
	}
}

func (c *coordinatorNode) poke() {
	if c.poked || !c.up {
		return
	}
	c.poked = true
	life := c.life
	c.w.after(c.w.between(0, 50*time.Microsecond), func() {
		if c.life == life && c.up {
			c.poked = false
			c.run()
		}
	})
}

func (c *coordinatorNode) run() {
	events := c.inbox
	c.inbox = nil
	var eff coordinator.Effects
	_, low := c.log.Room()
	next := c.core.Step(coordinator.World{Now: c.w.clock(), Synced: c.log.Synced(), Low: low, Floor: c.log.Floor()}, events, &eff)
	c.arm(next)
	c.carryOut(&eff)
}

func (c *coordinatorNode) arm(next time.Time) {
	at := c.w.now + 200*time.Millisecond
	if !next.IsZero() {
		at = min(at, next.Sub(start))
	}
	if c.wakeAt > c.w.now && c.wakeAt <= at {
		return
	}
	c.wakeAt = at
	life := c.life
	c.w.after(at-c.w.now, func() {
		if c.life == life && c.wakeAt == at {
			c.wakeAt = 0
			c.poke()
		}
	})
}

// carryOut does the effects one by one; the process may die between any two.
func (c *coordinatorNode) carryOut(eff *coordinator.Effects) {
	var steps []func()
	if len(eff.Append) > 0 {
		recs := eff.Append
		steps = append(steps, func() { c.append(recs) })
	}
	for _, out := range eff.Send {
		for _, m := range out.Messages {
			steps = append(steps, func() { c.send(out.Participant, m) })
		}
	}
	for _, a := range eff.Answers {
		steps = append(steps, func() {
			if t, ok := a.Token.(func(coordinator.Answered)); ok {
				t(a)
			}
		})
	}
	for _, p := range eff.Hangup {
		steps = append(steps, func() { c.wires[p].hangup() })
	}
	for _, p := range eff.Dial {
		steps = append(steps, func() { c.wires[p.Name].dial() })
	}
	for _, l := range eff.Lookups {
		life := c.life
		c.w.after(c.w.between(0, 200*time.Microsecond), func() {
			if c.life == life && c.up {
				c.put(coordinator.Find(c.log, l))
			}
		})
	}
	life := c.life
	for _, f := range steps {
		if c.w.fault(c.w.mix.coordinatorKill) {
			c.crash(c.w.chance(c.w.mix.power))
		}
		if c.life != life || !c.up {
			return
		}
		f()
	}
	if eff.Stop != nil && c.life == life {
		c.w.log("coordinator stops itself: %v", eff.Stop)
		c.crash(false)
	}
}

func (c *coordinatorNode) send(name string, m protocol.Message) {
	n := c.wires[name]
	if n.up {
		c.w.log("coordinator -> %s %s %T", name, m.ID, m.Body)
		n.toParticipant(m)
	}
}

// append writes what has gathered, as one group, and tells the core some time after it is durable: a crash in between
// leaves a decision that nobody has heard of.
func (c *coordinatorNode) append(recs []wal.Record) {
	c.queue = append(c.queue, recs...)
	if c.busy {
		return
	}
	c.busy = true
	life := c.life
	c.w.after(c.w.between(50*time.Microsecond, 400*time.Microsecond), func() {
		if c.life == life && c.up {
			c.write()
		}
	})
}

func (c *coordinatorNode) write() {
	group := c.queue
	c.queue = nil
	if c.w.fault(c.w.mix.logFail) {
		c.disk.Fail([]mem.Failure{mem.FailedLost, mem.FailedWritten, mem.FailedKept}[c.w.rng.IntN(3)])
	}
	lsn, err := c.log.Append(context.Background(), group)
	for _, r := range group {
		c.w.log("log %s %s %v", r.Kind, r.ID, err)
	}
	life := c.life
	c.w.after(c.w.between(10*time.Microsecond, 300*time.Microsecond), func() {
		if c.life != life || !c.up {
			return
		}
		c.busy = false
		if err != nil {
			c.put(coordinator.LogFailed{Err: fmt.Errorf("%w: %w", txc.ErrStopped, err)})
			return
		}
		c.put(coordinator.Appended{N: len(group), LSN: lsn})
		if len(c.queue) > 0 {
			c.append(nil)
		}
	})
}
