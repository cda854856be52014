package engine

import (
	"container/heap"
	"time"

	"github.com/txc-dev/txc"
)

// timers are the ends of lock waits, soonest first.
type timers struct{ list alarms }

// alarm looks after one lock wait of one branch.
type alarm struct {
	at   time.Time
	b    *branch
	turn uint64 // of the branch, when it was set: another means that the wait is over
}

type alarms []alarm

func (a alarms) Len() int { return len(a) }
func (a alarms) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].b.name.Compare(a[j].b.name) < 0
}
func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)   { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = alarm{}
	*a = old[:len(old)-1]
	return x
}

func (t *timers) set(at time.Time, b *branch) { heap.Push(&t.list, alarm{at, b, b.turn}) }

// next is the soonest end of a wait that still goes on.
func (t *timers) next() (time.Time, bool) {
	for len(t.list) > 0 && t.list[0].void() {
		heap.Pop(&t.list)
	}
	if len(t.list) == 0 {
		return time.Time{}, false
	}
	return t.list[0].at, true
}

func (t *timers) pop() *branch { return heap.Pop(&t.list).(alarm).b }

func (a alarm) void() bool {
	return a.b.state != working || a.b.turn != a.turn || !a.b.owner.Waiting()
}

// await bounds the wait for a lock that was just asked for.
func (c *Core) await(b *branch, v Verdict) {
	b.turn++
	b.lockBy = c.now.Add(c.o.LockWait)
	at := b.lockBy
	if v == Pauses {
		at = sooner(c.now.Add(Grace), b.lockBy)
	}
	c.timers.set(sooner(at, b.deadline), b)
}

func sooner(at, deadline time.Time) time.Time {
	if !deadline.IsZero() && deadline.Before(at) {
		return deadline
	}
	return at
}

// expire ends the waits whose time is over. A short wait of a younger one that has no elder before it any more goes on
// as any other.
func (c *Core) expire() {
	for c.dead == nil {
		at, ok := c.timers.next()
		if !ok || c.now.Before(at) {
			return
		}
		b := c.timers.pop()
		switch {
		case c.late(b.deadline):
			c.refuse(b, reason(txc.CodeDeadline, "its time ran out while it waited for a lock"))
		case !c.now.Before(b.lockBy):
			c.refuse(b, reason(txc.CodeLockTimeout, "waited %v for a lock", c.o.LockWait))
		case c.locks.Judge(&b.owner) == Waits:
			c.timers.set(sooner(b.lockBy, b.deadline), b)
		default:
			c.refuse(b, reason(txc.CodeConflict, "waited %v for a lock of an older transaction that has promised", Grace))
		}
		c.goOn()
	}
}
