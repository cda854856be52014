package engine

import (
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// task is one thing to be written; the tasks of a batch become durable together.
type task struct {
	kind    taskKind
	b       *branch // nil: taskRemember
	n       uint64  // the request to be answered then; 0: the branch knows
	settled *participant.Settlement
}

type taskKind uint8

const (
	taskPromise   taskKind = iota + 1 // the intent
	taskApply                         // the writes, the proof; the intent goes
	taskUndo                          // the intent goes
	taskSettle                        // as taskApply or taskUndo, but the intent stays, settled
	taskReconcile                     // the settled intent goes
	taskShed                          // the settled intent's work goes
	taskRemember                      // only what goes with every batch: the memory
)

// perPair is what a pair costs beside key and value: its place in the row of the batch's keys, and its key's space.
const perPair = 8

// nameCost is what a pair under a branch's name costs without its value.
const nameCost = 2*(1+nameLen) + perPair

// cost bounds the bytes and pairs that a task adds to a batch. Keys count twice: once in the row of the batch's keys.
func (t task) cost() (bytes, pairs int) {
	switch t.kind {
	case taskPromise:
		return nameCost + len(t.b.row) + evidenceLen, 1
	case taskApply, taskSettle, taskShed:
		bytes, pairs = 2*nameCost+maxWho+maxWhy, 2
		for i := range t.b.intent.Writes {
			w := &t.b.intent.Writes[i]
			bytes += 2*len(w.Key) + len(w.Value) + perPair
		}
		for _, m := range t.b.intent.Members {
			bytes += len(m) + perPair
		}
		return bytes + len(t.b.intent.Work), pairs + len(t.b.intent.Writes)
	case taskUndo, taskReconcile:
		return 2 * nameCost, 2
	case taskRemember:
	}
	return 0, 0
}

// fits reports whether a batch of its own would take the task.
func (t task) fits() bool {
	bytes, pairs := t.cost()
	return bytes <= MaxBatchBytes && pairs <= MaxBatchPairs
}

// enqueue has a task written by then, or sooner.
func (c *Core) enqueue(t task, by time.Time) {
	c.todo = append(c.todo, t)
	if c.by.IsZero() || by.Before(c.by) {
		c.by = by
	}
}

// due tells whether a batch is to be issued now. It does not wait for company with nobody left who could give it, nor
// while somebody waits for locks that it may free.
func (c *Core) due() bool {
	if c.flight || c.dead != nil || c.now.Before(c.hold) {
		return false
	}
	if len(c.todo) > 0 && (!c.now.Before(c.by) || c.lively == 0 || c.locks.Waiting() > 0 || c.shut) {
		return true
	}
	return c.proofs.dropping() && !c.now.Before(c.dropBy)
}

// writeTimes are the times at which due may turn true by itself.
func (c *Core) writeTimes() []time.Time {
	var at []time.Time
	if c.flight {
		return at
	}
	if len(c.todo) > 0 {
		at = append(at, latest(c.by, c.hold))
	}
	if c.proofs.dropping() {
		at = append(at, latest(c.dropBy, c.hold))
	}
	return at
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// flush issues a batch if one is due.
func (c *Core) flush() {
	for c.due() {
		issued := c.issue()
		c.goOn() // who was refused at the last moment has made room for others
		if issued && c.dead == nil {
			c.fx.Write = &c.batch
			return
		}
	}
}

// issue makes a batch of what fits; false if nothing is left to be written.
func (c *Core) issue() bool {
	c.out, c.batch.Pairs, c.arena = c.out[:0], c.batch.Pairs[:0], c.arena[:0]
	bytes, pairs, taken := 0, 0, 0
	for _, t := range c.todo {
		b, p := t.cost()
		if len(c.out) > 0 && (bytes+b > MaxBatchBytes || pairs+p > MaxBatchPairs) {
			break
		}
		taken++
		if t.kind == taskPromise && !c.mayIssue(t.b) {
			continue
		}
		bytes, pairs = bytes+b, pairs+p
		c.emit(t)
		c.out = append(c.out, t)
	}
	c.todo = slices.Delete(c.todo, 0, taken)
	if len(c.todo) == 0 {
		c.by = time.Time{}
	}
	for _, name := range c.proofs.drop(max(0, min(MaxDrops, MaxBatchPairs-pairs, (MaxBatchBytes-bytes)/nameCost))) {
		c.put(spaceProof, name, nil)
	}
	if len(c.out) == 0 && len(c.batch.Pairs) == 0 {
		return false
	}
	c.dropBy = c.now.Add(DropDelay)
	c.seal()
	return true
}

// seal adds what goes with every batch: the names of its keys, and the memory.
func (c *Core) seal() {
	last := appendLast(nil, c.batch.Pairs)
	c.batch.Pairs = append(c.batch.Pairs, Pair{Key: keyLast, Value: last}, Pair{Key: keyMemory, Value: appendMemory(nil, &c.mem)})
	c.batch.Ticket++
	c.flight, c.sealed = true, c.mem.Stamp
}

// mayIssue is the last look at a branch before its promise is written (P3).
func (c *Core) mayIssue(b *branch) bool {
	if b.state != staged {
		return false // cancelled since
	}
	if c.late(b.deadline) {
		c.refuse(b, reason(txc.CodeDeadline, "its time ran out before it was promised"))
		return false
	}
	c.move(b, issued)
	return true
}

// emit adds a task's pairs to the batch.
func (c *Core) emit(t task) {
	b := t.b
	switch t.kind {
	case taskPromise:
		c.mem.Stamp++
		b.intent.Evidence = evidenceOf(c.mem.Stamp)
		c.put(spaceIntent, b.name, appendEvidence(b.row, b.intent.Evidence))
	case taskApply:
		c.apply(b)
		c.put(spaceIntent, b.name, nil)
		c.put(spaceProof, b.name, appendProof(nil, txc.CommittedBefore))
	case taskUndo:
		c.put(spaceIntent, b.name, nil)
	case taskSettle:
		if t.settled.Outcome == txc.Committed {
			c.apply(b)
			c.put(spaceProof, b.name, append(appendProof(nil, txc.CommittedBefore), byHand))
		}
		n := b.settledAs(t.settled)
		c.put(spaceIntent, b.name, appendEvidence(appendIntent(nil, n), n.Evidence))
	case taskShed:
		n := b.handedOver()
		c.put(spaceIntent, b.name, appendEvidence(appendIntent(nil, n), n.Evidence))
	case taskReconcile:
		c.put(spaceIntent, b.name, nil)
		if f := settledFate(b.intent.Settled); f == txc.AbortedBefore {
			c.put(spaceProof, b.name, append(appendProof(nil, f), byHand))
		}
	case taskRemember:
	}
}

func (c *Core) apply(b *branch) {
	c.mem.Stamp++
	for _, w := range b.intent.Writes {
		start := len(c.arena)
		c.arena = append(append(c.arena, spaceData), w.Key...)
		c.batch.Pairs = append(c.batch.Pairs, Pair{Key: c.arena[start:len(c.arena):len(c.arena)], Value: w.Value, Gone: w.Gone})
	}
}

// put adds one pair about a branch; a nil value removes it.
func (c *Core) put(space byte, name Name, value []byte) {
	start := len(c.arena)
	c.arena = name.appendTo(append(c.arena, space))
	c.batch.Pairs = append(c.batch.Pairs, Pair{Key: c.arena[start:len(c.arena):len(c.arena)], Value: value, Gone: value == nil})
}
