package coordinator

import (
	"container/heap"
	"time"
)

// timer is embedded in what can be woken. One per transaction and per participant: what is due is found out when it
// fires.
type timer struct {
	at    time.Time
	index int   // in the heap, +1; 0: not armed
	of    *live // exactly one of the two
	list  *peer // time to list its branches
}

// timers is a heap by time. Ties fire in the order of the heap, which depends on nothing but the calls.
type timers []*timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i+1, j+1
}
func (t *timers) Push(x any) {
	e := x.(*timer)
	e.index = len(*t) + 1
	*t = append(*t, e)
}
func (t *timers) Pop() any {
	old := *t
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	e.index = 0
	return e
}

// arm sets, or moves, a timer.
func (t *timers) arm(e *timer, at time.Time) {
	e.at = at
	if e.index == 0 {
		heap.Push(t, e)
		return
	}
	heap.Fix(t, e.index-1)
}

func (t *timers) disarm(e *timer) {
	if e.index != 0 {
		heap.Remove(t, e.index-1)
	}
}

// due takes the earliest timer whose time has come.
func (t *timers) due(now time.Time) *timer {
	if len(*t) == 0 || (*t)[0].at.After(now) {
		return nil
	}
	return heap.Pop(t).(*timer)
}

func (t timers) next() time.Time {
	if len(t) == 0 {
		return time.Time{}
	}
	return t[0].at
}
