package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Bounds and delays.
const (
	LockWait   = time.Second            // a lock is waited for no longer (S3)
	Grace      = 20 * time.Millisecond  // a younger one waits so long for promised holders: they are about to go
	ApplyDelay = 2 * time.Millisecond   // a commit waits so long for a promise's write to ride with
	DropDelay  = time.Second            // dropped proofs wait so long for a batch to ride with
	RetryDelay = 100 * time.Millisecond // after a batch that was certainly not written

	MaxPromised   = 100_000   // branches at a time, in any state
	MaxOpened     = 10_000    // of them, those that are open to calls
	MaxWaiting    = 16_384    // branches that wait for locks
	MaxStaged     = 256 << 20 // bytes of promised work, and of calls', kept in memory
	MaxBatchBytes = 1 << 20   // keys and values of one batch; one branch within its limits always fits
	MaxBatchPairs = 8_192     // one branch needs at most MaxOps and a few
	MaxDrops      = 1_024     // proofs, and rows of the journal, dropped with one batch
)

// Options of a core. The zero value of a duration means its default.
type Options struct {
	Cluster, Participant string
	Instance             [16]byte      // of a store that has none yet (P12)
	ApplyDelay           time.Duration // default ApplyDelay; negative: none
	LockWait             time.Duration // default LockWait
	Journal              int           // bytes of the journal past which its oldest rows make room; default MaxJournal
	Opaque               bool          // work is bytes that are kept with the promise, and nothing else
	Look                 bool          // the core is only looked at: a store of either kind is taken
}

// Core is the whole of the key-value store but its disk and its clock. It is not safe for concurrent use: one owner
// steps it.
type Core struct {
	o    Options
	read Reader
	now  time.Time // of the running Step
	fx   *Effects  // of the running Step
	dead error
	shut bool
	low  bool

	mem      participant.Memory // the stamp is the last one given out
	sealed   uint64             // the stamp that the last batch holds
	stamp    uint64             // the last durable one
	branches map[Name]*branch
	lively   int // branches that have not begun to end, and are not open to calls
	opened   int // branches that calls work on
	staged   int // bytes of work kept for promises, and for calls
	locks    *Locks
	proofs   proofs
	journal  journal
	timers   timers

	granted []*Owner // their lock was granted: they run on
	again   []Event  // requests whose turn has come
	idle    []*run   // for reuse

	todo   []task // to be written, in order
	out    []task // being written
	flight bool
	batch  Batch
	arena  []byte
	last   []byte    // the row of the batch's keys
	memory []byte    // the row of the memory
	by     time.Time // when todo must be written at the latest; zero: nothing waits
	hurry  bool      // somebody waits for what todo has
	dropBy time.Time
	hold   time.Time // nothing is written before
}

type state uint8

const (
	gone     state = iota // no longer in the table
	opened                // calls work on it, and none of them is doing so
	working               // executes, or waits for a lock
	staged                // executed; the write of its promise was not issued
	issued                // the write of its promise was issued
	promised              // in doubt
	ending                // an apply, undo or settlement was staged or issued
	settled               // ended by an operator
)

// branch is one branch that is neither finished nor forgotten.
//
// Invariants: locks are held in every state but gone and settled; intent is set from staged on; asked is set in
// working, staged and issued, and in ending only if an Abort met the issued promise.
type branch struct {
	name       Name
	owner      Owner
	state      state
	joined     bool   // calls work on it
	ops, kept  int    // of the calls: operations, and bytes in c.staged
	asked      uint64 // the Prepare's number, or a call's; 0 while it is opened
	deadline   time.Time
	members    []string
	mayRelease bool
	run        *run
	lockBy     time.Time // the end of the running lock wait
	turn       uint64    // counts lock waits: a timer of an older one is void
	intent     *Intent
	row        []byte // the intent as it stands in the store, but its evidence
	home       uint64 // once it is in the store: the journal's row that holds it; 0: it has a row of its own
	leaves     uint64 // the batch that ends what stands there, once one was issued
	results    []byte
	undo       []uint64 // Aborts that wait for the end of the branch
	later      []Event  // requests that came while it ends
}

// Step takes what happened until now and tells what is to be done. now never goes back.
func (c *Core) Step(now time.Time, events []Event, fx *Effects) {
	fx.Answers, fx.Write, fx.Stop = fx.Answers[:0], nil, nil
	c.now, c.fx = now, fx
	for _, e := range events {
		c.take(e)
		c.goOn()
	}
	c.expire()
	c.flush()
	c.fx = nil
}

// Next tells when the core must be stepped again even if nothing happens; ok is false if never.
func (c *Core) Next() (at time.Time, ok bool) {
	if c.dead != nil {
		return at, false
	}
	at, ok = c.timers.next()
	for _, t := range c.writeTimes() {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// Quiet reports whether nothing is to be written, or being written.
func (c *Core) Quiet() bool { return c.dead != nil || !c.flight && len(c.todo) == 0 }

func (c *Core) take(e Event) {
	if c.dead != nil {
		c.unknown(e)
		return
	}
	switch e := e.(type) {
	case *Ask:
		c.ask(e)
	case *Begin:
		c.begin(e)
	case *Do:
		c.do(e)
	case *Cancel:
		c.cancel(e)
	case *Settle:
		c.settle(e)
	case *Reconcile:
		c.reconcile(e)
	case *Shed:
		c.shed(e)
	case *Remember:
		c.remember(e)
	case *Forget:
		c.forget(e)
	case *Shut:
		c.close()
	case *Room:
		c.low = e.Low
	case *Written:
		c.complete(e.Ticket)
	case *NotWritten:
		c.uncomplete(e.Ticket, e.Err)
	case *Lost:
		c.fail(e.Err)
	}
}

// goOn runs branches whose lock was granted and requests whose turn has come, until there are none.
func (c *Core) goOn() {
	for len(c.granted) > 0 || len(c.again) > 0 {
		if len(c.granted) > 0 {
			o := c.granted[0]
			c.granted = slices.Delete(c.granted, 0, 1)
			if o.branch.state == working {
				c.execute(o.branch)
			}
			continue
		}
		e := c.again[0]
		c.again = slices.Delete(c.again, 0, 1)
		c.take(e)
	}
}

func (c *Core) ask(a *Ask) {
	name := Name{a.Request.Branch.ID, a.Request.Branch.Mark}
	if err := c.foreign(a.Request.Branch); err != nil {
		c.answer(a.N, participant.Reply{Err: err})
		return
	}
	switch a.Request.Verb {
	case participant.VerbPrepare:
		c.prepare(a, name)
	case participant.VerbCommit:
		c.commit(a, name)
	case participant.VerbAbort:
		c.abort(a, name)
	default:
		c.answer(a.N, participant.Reply{Err: fmt.Errorf("%w: request without a verb", txc.ErrInvalid)})
	}
}

// foreign is what is wrong with a branch that is not of this participant; nil: it is.
func (c *Core) foreign(b participant.Branch) error {
	if b.Cluster == c.o.Cluster && b.Participant == c.o.Participant {
		return nil
	}
	return fmt.Errorf("%w: branch %s is not of participant %s in cluster %s", txc.ErrInvalid, b.Name(), c.o.Participant, c.o.Cluster)
}

func (c *Core) answer(n uint64, r participant.Reply) {
	c.fx.Answers = append(c.fx.Answers, Answer{N: n, Reply: r})
}

func (c *Core) fate(n uint64, f txc.Fate) { c.answer(n, participant.Reply{Fate: f}) }

// move changes a branch's state; lively counts those whose end is still to come.
func (c *Core) move(b *branch, to state) {
	if lively(b.state) {
		c.lively--
	}
	if lively(to) {
		c.lively++
	}
	b.state = to
}

func lively(s state) bool { return s >= working && s <= promised }

// end forgets a branch: its locks are free, and requests that waited for its end have their turn.
func (c *Core) end(b *branch) {
	c.release(b)
	c.move(b, gone)
	delete(c.branches, b.name)
	c.again = append(c.again, b.later...)
	b.later = nil
}

// release gives back locks and memory.
func (c *Core) release(b *branch) {
	c.granted = c.locks.Release(&b.owner, c.granted)
	c.staged -= len(b.row) + b.kept
	b.row, b.kept = nil, 0
	c.closed(b)
	c.retire(b)
}

func (c *Core) retire(b *branch) {
	if b.run == nil {
		return
	}
	b.run.reset()
	if len(c.idle) < maxIdle {
		c.idle = append(c.idle, b.run)
	}
	b.run = nil
}

// maxIdle bounds the runs kept for reuse.
const maxIdle = 1024

// sorted lists the branches by name: the order of a map must not show.
func (c *Core) sorted() []*branch {
	all := make([]*branch, 0, len(c.branches))
	for _, b := range c.branches {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *branch) int { return a.name.Compare(b.name) })
	return all
}
