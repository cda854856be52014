package participant

import (
	"container/heap"
	"time"
)

// timer is one wait of a branch or of a coordinator; it lives inside what it belongs to. Zero: not armed.
type timer struct {
	at    time.Duration
	seq   uint64 // timers of one instant go off in the order in which they were armed
	place int    // in the heap, from 1; 0: not armed
	live  *live  // whose it is: one of both
	peer  *peer
}

// timers is a heap of armed ones.
type timers struct {
	heap []*timer
	seq  uint64
}

func (t *timers) arm(x *timer, at time.Duration) {
	t.seq++
	x.at, x.seq = at, t.seq
	if x.place > 0 {
		heap.Fix(t, x.place-1)
		return
	}
	heap.Push(t, x)
}

func (t *timers) disarm(x *timer) {
	if x.place > 0 {
		heap.Remove(t, x.place-1)
	}
}

// expired takes the first timer that is due, if any.
func (t *timers) expired(now time.Duration) *timer {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return nil
	}
	return heap.Pop(t).(*timer)
}

func (t *timers) next() (time.Duration, bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].at, true
}

// Len, Less, Swap, Push and Pop are the heap's own.
func (t *timers) Len() int { return len(t.heap) }

func (t *timers) Less(i, j int) bool {
	a, b := t.heap[i], t.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].place, t.heap[j].place = i+1, j+1
}

func (t *timers) Push(x any) {
	t.heap = append(t.heap, x.(*timer))
	t.heap[len(t.heap)-1].place = len(t.heap)
}

func (t *timers) Pop() any {
	x := t.heap[len(t.heap)-1]
	t.heap[len(t.heap)-1] = nil
	t.heap = t.heap[:len(t.heap)-1]
	x.place = 0
	return x
}
