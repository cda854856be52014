package engine

import (
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// prepare opens a branch and executes its work, or answers for one that is there already.
func (c *Core) prepare(a *Ask, name Name) {
	r := &a.Request
	if b := c.branches[name]; b != nil {
		c.prepareAgain(a, b)
		return
	}
	if r.Joined {
		c.no(a.N, reason(txc.CodeAbortOnly, "no call has opened the branch here"))
		return
	}
	if no := c.admit(r, name); !no.IsZero() {
		c.no(a.N, no)
		return
	}
	run := c.fresh()
	if err := c.load(run, r.Work); err != nil {
		c.no(a.N, reason(txc.CodeBadWork, "%v", err))
		return
	}
	b := c.born(r, name, run)
	b.asked = a.N
	c.move(b, working)
	c.execute(b)
}

// fresh gives a run that looks at no work.
func (c *Core) fresh() *run {
	n := len(c.idle)
	if n == 0 {
		return &run{}
	}
	r := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return r
}

// born puts a new branch into the table.
func (c *Core) born(r *participant.Request, name Name, run *run) *branch {
	b := &branch{
		name: name, deadline: r.Deadline, members: r.Branch.Members, mayRelease: r.Branch.MayRelease, run: run,
		owner: Owner{Age: Age{At: r.Branch.Age, Name: name}},
	}
	b.owner.branch = b
	c.branches[name] = b
	return b
}

// load gives a run its operations; an opaque store's work has none.
func (c *Core) load(r *run, work []byte) (err error) {
	if c.o.Opaque {
		r.work = work
		if len(work) == 0 || len(work) > txc.MaxWork {
			err = fmt.Errorf("%w: work of %d bytes: use 1 to %d", txc.ErrInvalid, len(work), txc.MaxWork)
		}
	} else {
		r.ops, err = DecodeWork(work, r.ops)
	}
	r.plan()
	return err
}

// admit tells why a branch is not even begun.
func (c *Core) admit(r *participant.Request, name Name) txc.Reason {
	var full bool
	if _, ended := c.proofs.find(name); ended {
		return reason(txc.CodeStore, "the branch has ended here before")
	}
	if c.mem.Seen, full = c.see(r.Branch.Seen); full {
		return witnesses()
	}
	switch {
	case c.shut:
		return reason(txc.CodeUnreachable, "the store is closing")
	case c.late(r.Deadline):
		return reason(txc.CodeDeadline, "its time had run out on arrival")
	case len(c.branches) >= MaxPromised, c.staged >= MaxStaged, c.locks.Waiting() >= MaxWaiting:
		return reason(txc.CodeBusy, "too many branches at a time")
	}
	return txc.Reason{}
}

func witnesses() txc.Reason {
	return reason(txc.CodeStore, "more than %d openings of coordinators", MaxWitnesses)
}

func (c *Core) see(s participant.Seen) (_ []participant.Seen, full bool) {
	list, ok := witness(c.mem.Seen, s)
	return list, !ok
}

func (c *Core) late(deadline time.Time) bool { return !deadline.IsZero() && !c.now.Before(deadline) }

// prepareAgain answers a Prepare of a branch that is known: the same vote, without executing anything (P4).
func (c *Core) prepareAgain(a *Ask, b *branch) {
	switch b.state {
	case promised:
		c.answer(a.N, participant.Reply{Promise: b.promise()})
	case settled:
		c.no(a.N, reason(txc.CodeOperator, "an operator has ended the branch"))
	case ending:
		c.wait(b, a)
	case opened:
		c.closing(a, b)
	case gone, working, staged, issued:
		c.answer(a.N, participant.Reply{Err: errTwice})
	}
}

// execute runs a branch's operations as far as its locks go.
func (c *Core) execute(b *branch) {
	r := b.run
	for ; r.next < len(r.ops); r.next++ {
		s := &r.slots[r.slot[r.next]]
		if !s.locked {
			switch v := c.locks.Acquire(&b.owner, s.key, s.mode); v {
			case Granted:
			case Waits, Pauses:
				s.locked = true // by the time it runs on
				c.await(b, v)
				return
			case Dies:
				c.refuse(b, reason(txc.CodeConflict, "%q is locked by an older transaction", shown(s.key)))
				return
			}
			s.locked = true
		}
		no, err := r.do(r.next, c.read)
		if err != nil {
			c.fail(err)
			return
		}
		if !no.IsZero() {
			c.refuse(b, no)
			return
		}
	}
	if b.joined {
		c.did(b)
		return
	}
	c.executed(b)
}

// executed is the end of the operations: what was only read may be released, everything else is promised.
func (c *Core) executed(b *branch) {
	b.results = b.run.out
	if b.mayRelease && !b.run.wrote() {
		c.answer(b.asked, participant.Reply{Promise: participant.Promise{Vote: txc.ReadOnly, Results: b.results}})
		c.end(b)
		return
	}
	if c.low {
		c.refuse(b, reason(txc.CodeNotDurable, "the participant's disk is nearly full"))
		return
	}
	n := &Intent{Members: b.members, Age: b.owner.Age.At, Since: c.now}
	b.run.stage(n)
	b.row = appendIntent(nil, n)
	kept, err := parseIntent(b.row)
	if err != nil {
		c.fail(err)
		return
	}
	b.intent = kept // views of the row: the work belongs to the caller
	c.staged += len(b.row) - b.kept
	b.kept = 0
	t := task{kind: taskPromise, b: b}
	if end := (task{kind: taskSettle, b: b}); !t.cost().fits() || !end.cost().fits() {
		c.refuse(b, reason(txc.CodeBadWork, "what it writes is more than one step of the store takes"))
		return
	}
	c.retire(b)
	b.members = nil
	b.owner.Promised = true
	c.move(b, staged)
	c.enqueue(t, c.now)
}

// refuse votes No, which is certain: nothing of the branch is or will be in the store.
func (c *Core) refuse(b *branch, why txc.Reason) {
	if b.asked != 0 {
		c.no(b.asked, why)
	}
	for _, n := range b.undo {
		c.fate(n, txc.AbortedNow)
	}
	c.end(b)
}

func (c *Core) no(n uint64, why txc.Reason) {
	c.answer(n, participant.Reply{Promise: participant.Promise{Vote: txc.No, Reason: why}})
}

// promise is the vote that a promised branch has given; the values that it read are not kept.
func (b *branch) promise() participant.Promise {
	p := participant.Promise{Vote: txc.Yes, Evidence: b.intent.Evidence, Results: b.results}
	if len(b.intent.Writes) == 0 && len(b.intent.Work) == 0 {
		p.Vote = txc.Held
	}
	return p
}

// wait keeps a request until its branch has ended.
func (c *Core) wait(b *branch, a *Ask) {
	kept := *a
	b.later = append(b.later, &kept)
}

// cancel ends what runs for a caller that has given up (P3).
func (c *Core) cancel(e *Cancel) {
	b := c.branches[e.Name]
	switch {
	case b == nil || b.state != working && b.state != staged:
	case c.late(b.deadline):
		c.refuse(b, reason(txc.CodeDeadline, "its time ran out"))
	default:
		c.refuse(b, reason(txc.CodeCancelled, "the caller has given up"))
	}
}

// close refuses what waits for locks, and ends what calls work on; what was executed is promised still.
func (c *Core) close() {
	c.shut = true
	for _, b := range c.sorted() {
		if b.state == working || b.state == opened {
			c.refuse(b, reason(txc.CodeUnreachable, "the store is closing"))
		}
	}
}
