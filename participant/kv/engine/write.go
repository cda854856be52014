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
	taskPromise   taskKind = iota + 1 // the intent, in the journal or in a row of its own
	taskApply                         // the writes, the proof; the intent goes
	taskUndo                          // the intent goes
	taskSettle                        // as taskApply or taskUndo, but the intent stays, settled, in a row of its own
	taskReconcile                     // the settled intent goes
	taskShed                          // the settled intent's work goes
	taskRemember                      // only what goes with every batch: the memory
)

// perPair is what a pair costs beside key and value: its place in the row of the batch's keys, and its key's space.
const perPair = 8

// nameCost is what a pair under a branch's name costs without its value.
const nameCost = 2*(1+nameLen) + perPair

// load is what is in a batch, at most. Keys count twice: once in the row of the batch's keys.
type load struct {
	bytes, pairs int
	row, items   int // of the journal's row, whose bytes count among the others
}

func (l load) plus(o load) load {
	return load{l.bytes + o.bytes, l.pairs + o.pairs, l.row + o.row, l.items + o.items}
}

// fits reports whether a batch takes it, with the journal's row.
func (l load) fits() bool {
	return l.bytes+journalCost+1 <= MaxBatchBytes && l.pairs+1 <= MaxBatchPairs && l.row+1 <= maxRow && l.items <= maxItems
}

// cost bounds what a task adds to a batch. No end of a branch costs more than a settlement.
func (t task) cost() load {
	end := load{bytes: nameCost + endLen, pairs: 1, row: endLen, items: 1}
	switch t.kind {
	case taskPromise:
		if n := packedLen(t.b.row); n > 0 {
			return load{bytes: n, row: n, items: 1}
		}
		return load{bytes: nameCost + len(t.b.row) + stampLen, pairs: 1}
	case taskApply:
		return end.plus(t.b.intent.writes())
	case taskSettle, taskShed:
		end.bytes += nameCost + maxWho + maxWhy + len(t.b.intent.Work)
		end.pairs++
		for _, m := range t.b.intent.Members {
			end.bytes += len(m) + perPair
		}
		return end.plus(t.b.intent.writes())
	case taskUndo:
		return end
	case taskReconcile:
		return load{bytes: 2 * nameCost, pairs: 2}
	case taskRemember:
	}
	return load{}
}

// writes is what applying it costs.
func (n *Intent) writes() load {
	l := load{pairs: len(n.Writes)}
	for i := range n.Writes {
		w := &n.Writes[i]
		l.bytes += 2*len(w.Key) + len(w.Value) + perPair
	}
	return l
}

// enqueue has a task written by then, or sooner; somebody waits for it.
func (c *Core) enqueue(t task, by time.Time) {
	c.hurry = true
	c.add(t, by)
}

// add is the same for a task that nobody may be waiting for.
func (c *Core) add(t task, by time.Time) {
	c.todo = append(c.todo, t)
	if c.by.IsZero() || by.Before(c.by) {
		c.by = by
	}
}

// due tells whether a batch is to be issued now. It does not wait for company while somebody waits for locks that it may free,
// nor, if somebody waits for it, with nobody left who could give company.
func (c *Core) due() bool {
	if c.flight || c.dead != nil || c.now.Before(c.hold) {
		return false
	}
	if len(c.todo) > 0 && (!c.now.Before(c.by) || c.hurry && c.lively == 0 || c.locks.Waiting() > 0 || c.shut) {
		return true
	}
	return c.dropping() && !c.now.Before(c.dropBy)
}

// dropping reports whether something in the store is of no use any more.
func (c *Core) dropping() bool { return c.proofs.dropping() || c.journal.hollow() }

// writeTimes are the times at which due may turn true by itself.
func (c *Core) writeTimes() []time.Time {
	var at []time.Time
	if c.flight {
		return at
	}
	if len(c.todo) > 0 {
		at = append(at, latest(c.by, c.hold))
	}
	if c.dropping() {
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
	j := &c.journal
	j.begin()
	sum, taken := j.plan(), 0
	for _, t := range c.todo {
		more := sum.plus(t.cost())
		if len(c.out)+j.drop > 0 && !more.fits() {
			break
		}
		taken++
		if t.kind == taskPromise && !c.mayIssue(t.b) {
			continue
		}
		sum = more
		c.emit(t)
		c.out = append(c.out, t)
	}
	c.todo = slices.Delete(c.todo, 0, taken)
	if len(c.todo) == 0 {
		c.by, c.hurry = time.Time{}, false
	}
	if j.drop == 0 {
		j.trim(sum.drops())
		sum = sum.plus(load{bytes: j.drop * journalCost, pairs: j.drop})
	}
	if err := c.dropRows(); err != nil {
		c.fail(err)
		return false
	}
	for _, name := range c.proofs.drop(sum.drops()) {
		c.put(spaceProof, name, nil)
	}
	if len(c.out) == 0 && len(c.batch.Pairs) == 0 {
		return false
	}
	c.dropBy = c.now.Add(DropDelay)
	c.seal()
	return true
}

// drops is how many rows may still be removed.
func (l load) drops() int {
	return max(0, min(MaxDrops, MaxBatchPairs-1-l.pairs, (MaxBatchBytes-journalCost-1-l.bytes)/nameCost))
}

// seal adds the journal's row, and what goes with every batch: the names of its keys, and the memory.
func (c *Core) seal() {
	j := &c.journal
	m := memory{Memory: c.mem, first: j.first + uint64(j.drop), rows: uint64(len(j.rows) - j.drop)}
	if j.items > 0 {
		start := len(c.arena)
		c.arena = appendJournalKey(c.arena, j.next())
		c.batch.Pairs = append(c.batch.Pairs, Pair{Key: c.arena[start:len(c.arena):len(c.arena)], Value: j.row})
		m.rows++
	}
	c.last = appendLast(c.last[:0], c.batch.Pairs)
	c.memory = appendMemory(c.memory[:0], &m)
	c.batch.Pairs = append(c.batch.Pairs, Pair{Key: keyLast, Value: c.last}, Pair{Key: keyMemory, Value: c.memory})
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
		if packedLen(b.row) > 0 {
			c.journal.promise(b.name, b.row, b.intent.Evidence)
		} else {
			c.put(spaceIntent, b.name, appendEvidence(b.row, b.intent.Evidence))
		}
	case taskApply:
		c.apply(b)
		c.leave(b, itemCommitted)
	case taskUndo:
		c.leave(b, itemGone)
	case taskSettle:
		c.leave(b, itemGone)
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

// leave ends a promise where it stands, and says in the journal what there is to be said of it.
func (c *Core) leave(b *branch, kind itemKind) {
	b.leaves = c.batch.Ticket + 1
	if b.home == 0 {
		c.put(spaceIntent, b.name, nil)
	}
	if b.home != 0 || kind == itemCommitted {
		c.journal.item(kind, b.name)
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
