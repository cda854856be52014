package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// append writes what has gathered, as one group, and tells the core some time after it is durable: a crash in between
// leaves a decision that nobody has heard of.
func (c *coordinatorNode) append(recs []wal.Record) {
	c.queue = append(c.queue, recs...)
	if c.busy {
		return
	}
	c.busy = true
	d := c.w.between(50*time.Microsecond, 400*time.Microsecond)
	if c.w.fault(slowDisk) {
		d = c.w.between(10*time.Millisecond, 2*time.Second)
	}
	c.later(d, c.write)
}

// failNext draws what befalls the next write.
func (c *coordinatorNode) failNext() {
	c.disk.Fail(mem.None) // what was to befall an earlier one died with its process
	fates := [...]mem.Failure{mem.FailedLost, mem.FailedWritten, mem.FailedKept}
	if c.w.fault(logError) {
		c.disk.Fail(fates[c.w.rng.IntN(len(fates))])
	}
	if !c.disk.Broken() && c.w.fault(logDead) { // EIO, or ENOSPC: then nothing of it is there
		c.disk.Break(fates[c.w.rng.IntN(2)])
		c.w.after(c.w.between(100*time.Millisecond, 3*time.Second), c.disk.Mend)
	}
}

func (c *coordinatorNode) write() {
	group := c.queue
	c.queue = nil
	c.failNext()
	killed := c.w.fault(killCoordinator)
	if killed { // between write and sync, or before both
		c.disk.Fail([]mem.Failure{mem.FailedLost, mem.FailedWritten}[c.w.rng.IntN(2)])
	}
	lsn, err := c.log.Append(context.Background(), group)
	c.tell(group, lsn, err)
	if killed {
		c.crash(c.w.power())
		return
	}
	c.later(c.w.between(10*time.Microsecond, 300*time.Microsecond), func() {
		c.busy = false
		c.flushLazy()
		if err != nil {
			c.failed(err)
			return
		}
		c.put(coordinator.Appended{N: len(group), LSN: lsn})
		if len(c.queue) > 0 {
			c.append(nil)
		}
	})
}

func (c *coordinatorNode) tell(group []wal.Record, lsn uint64, err error) {
	c.w.number(uint64(c.w.now))
	c.w.number(lsn)
	for _, r := range group {
		c.w.number(uint64(r.Kind)<<56 | r.ID.Sequence)
		if b, ok := r.Body.(wal.RegistrationBody); ok && err == nil && c == c.w.coordinator && !c.w.known[b.Name] {
			c.w.known[b.Name], c.w.registered = true, lsn
		}
		if c.w.read() {
			c.w.print("%s log %s %s %v", c.name, r.Kind, r.ID, err)
		}
	}
}

func (c *coordinatorNode) failed(err error) {
	if !errors.Is(err, txc.ErrStopped) {
		c.w.broken("C3: an append failed and the log goes on: %v", err)
	}
	c.put(coordinator.LogFailed{Err: fmt.Errorf("%w: %w", txc.ErrStopped, err)})
}

// cannotStart tries again later. Of a log that is refused an operator decides: the right one is put back, or its loss is
// accepted.
func (c *coordinatorNode) cannotStart(err error) {
	c.w.say("%s cannot start: %v", c.name, err)
	again := c.w.between(100*time.Millisecond, time.Second)
	switch refused := errors.Is(err, txc.ErrRefused); {
	case refused && c.damage == nil:
		c.w.broken("V9: the log of %s is refused, though nothing befell it: %v", c.name, err)
	case refused:
		c.w.after(again/2, func() { c.repair() })
	}
	c.w.after(again, c.boot)
}

// held holds what was found against what was there before a damage: a log that opens is never shorter than what was
// called durable (V9).
func (c *coordinatorNode) held(rec wal.Recovery) {
	if c.damage != nil && rec.Head < c.damage.Head() {
		c.w.broken("V9: the log of %s was damaged, and opened with %d records of %d", c.name, rec.Head, c.damage.Head())
	}
	c.damage = nil
	c.opened = c.w.now
}

func (c *coordinatorNode) repair() {
	before := c.damage
	if before == nil || c.up {
		return
	}
	if c.w.chance(0.5) {
		c.w.say("an operator finds the right log of %s", c.name)
		c.disk.Restore(before)
		return
	}
	lost, err := mem.AcceptLoss(c.disk, c.options(), "operator", "the disk lost it")
	if err != nil {
		if !errors.Is(err, txc.ErrStopped) { // else: the disk is dead, and he tries again
			c.w.broken("accept the loss of the log of %s: %v", c.name, err)
		}
		return
	}
	c.damage = nil
	c.w.say("an operator accepts that the log of %s ends at %d: %v", c.name, c.disk.Head(), lost)
	c.w.lost(before)
	c.w.acceptedLoss()
}

// damageLog is what a dead coordinator's disk may suffer.
func (w *World) damageLog() {
	c := w.coordinator
	head := c.disk.Head()
	if c.damage != nil || head < 2 {
		return
	}
	switch before := c.disk.Copy(); {
	case w.fault(logFlip):
		c.damage = before
		c.disk.Flip(1+w.rng.Uint64N(head), w.rng.IntN(1<<16))
		w.say("a bit of the log flipped")
	case w.fault(logOld):
		c.damage = before
		c.disk.Truncate(w.rng.Uint64N(head))
		w.say("an old copy of the log is in its place")
	case len(w.evidence) == 0 && w.fault(loseTail):
		w.loseTail(before)
	}
}

// loseTail takes records off the end of the log, and what HEAD said of them: the loss that only witnesses show (C6). The
// registrations stay: without them nobody would be asked.
func (w *World) loseTail(before *mem.Disk) {
	c := w.coordinator
	head := before.Head()
	back := uint64(1 + w.rng.IntN(12))
	if w.chance(0.3) {
		back = 1 + w.rng.Uint64N(head)
	}
	if head < back+w.registered {
		return
	}
	c.disk.Cut(head - back)
	w.lost(before)
	w.say("the log lost its tail: %d of %d records left", c.disk.Head(), head)
}
