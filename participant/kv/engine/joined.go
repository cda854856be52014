package engine

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// begin opens a branch whose operations come one by one, from calls of a service's own code.
func (c *Core) begin(e *Begin) {
	r := participant.Request{Branch: e.Branch, Deadline: e.Deadline}
	name := Name{e.Branch.ID, e.Branch.Mark}
	if err := c.foreign(e.Branch); err != nil {
		c.answer(e.N, participant.Reply{Err: err})
		return
	}
	switch {
	case c.o.Opaque:
		c.no(e.N, reason(txc.CodeBadWork, "the participant takes shipped work alone"))
		return
	case c.branches[name] != nil:
		c.no(e.N, reason(txc.CodeAbortOnly, "a branch of this name is here already"))
		return
	case c.opened >= MaxOpened:
		c.no(e.N, reason(txc.CodeBusy, "%d branches are open to calls: no more may be", c.opened))
		return
	}
	if no := c.admit(&r, name); !no.IsZero() {
		c.no(e.N, no)
		return
	}
	b := c.born(&r, name, c.fresh())
	b.joined = true
	c.opened++
	b.asked = e.N
	c.did(b)
}

// do executes operations on an open branch. It is working until they are done, for it may wait for locks.
func (c *Core) do(e *Do) {
	b := c.branches[e.Name]
	if b == nil || b.state != opened {
		c.no(e.N, reason(txc.CodeAbortOnly, "the branch is not open to calls"))
		return
	}
	b.asked = e.N
	if no := c.afford(b, e.Ops); !no.IsZero() {
		c.refuse(b, no)
		return
	}
	b.run.more(e.Ops)
	c.move(b, working)
	c.execute(b)
}

// afford takes room for operations: a branch has as much as shipped work may have, all together.
func (c *Core) afford(b *branch, ops []Op) txc.Reason {
	n := 0
	for i := range ops {
		if err := ops[i].Valid(); err != nil {
			return reason(txc.CodeBadWork, "%v", err)
		}
		n += len(ops[i].Key) + len(ops[i].Value)
	}
	b.ops += len(ops)
	switch {
	case c.late(b.deadline):
		return reason(txc.CodeDeadline, "its time has run out")
	case b.ops > MaxOps || b.kept+n > txc.MaxWork:
		return reason(txc.CodeBadWork, "the calls' work is more than %d operations, or %d bytes of keys and values", MaxOps, txc.MaxWork)
	case c.staged+n > MaxStaged || c.locks.Waiting() >= MaxWaiting:
		return reason(txc.CodeBusy, "too many branches at a time")
	}
	b.kept += n
	c.staged += n
	return txc.Reason{}
}

// did answers a call: its operations are done, and the branch is open for more.
func (c *Core) did(b *branch) {
	n := b.asked
	b.asked = 0
	c.move(b, opened)
	c.answer(n, participant.Reply{Promise: participant.Promise{Vote: txc.Yes, Results: b.run.rest()}})
}

// closing is Prepare of an open branch: no call is running, and none will. What the calls have read went to them.
func (c *Core) closing(a *Ask, b *branch) {
	r := &a.Request
	if !r.Joined {
		c.answer(a.N, participant.Reply{Err: errTwice})
		return
	}
	b.asked, b.deadline, b.members, b.mayRelease = a.N, r.Deadline, r.Branch.Members, r.Branch.MayRelease
	c.closed(b)
	var full bool
	if c.mem.Seen, full = c.see(r.Branch.Seen); full {
		c.refuse(b, witnesses())
		return
	}
	if c.late(b.deadline) {
		c.refuse(b, reason(txc.CodeDeadline, "its time had run out on arrival"))
		return
	}
	c.move(b, working)
	c.executed(b)
}

// closed ends that calls work on the branch.
func (c *Core) closed(b *branch) {
	if b.joined {
		b.joined = false
		c.opened--
	}
}
