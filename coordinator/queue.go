package coordinator

import "github.com/txc-dev/txc"

// fifo is a queue in a slice that is reused.
type fifo[T any] struct {
	items []T
	from  int
}

func (f *fifo[T]) push(v T) { f.items = append(f.items, v) }

func (f *fifo[T]) empty() bool { return f.from == len(f.items) }

func (f *fifo[T]) len() int { return len(f.items) - f.from }

func (f *fifo[T]) peek() *T { return &f.items[f.from] }

func (f *fifo[T]) pop() T {
	var zero T
	v := f.items[f.from]
	f.items[f.from] = zero
	f.from++
	switch {
	case f.from == len(f.items):
		f.items, f.from = f.items[:0], 0
	case f.from > 1024 && f.from > len(f.items)/2:
		f.items = append(f.items[:0], f.items[f.from:]...)
		f.from = 0
	}
	return v
}

// list is a doubly linked list of transactions in the order of their ids: they are issued in that order.
type list struct{ first, last *live }

func (o *list) push(l *live) {
	l.prev, l.next = o.last, nil
	if o.last == nil {
		o.first = l
	} else {
		o.last.next = l
	}
	o.last = l
}

func (o *list) remove(l *live) {
	if l.prev == nil {
		o.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		o.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
}

// ring remembers the last transactions that ended, for people: they outlive their end for a while.
type ring struct {
	items    map[txc.ID]*live
	order    fifo[txc.ID]
	branches int
}

// Bounds of a ring.
const (
	ringSize     = 4096
	ringBranches = 4 * ringSize
)

func (r *ring) add(l *live) {
	if r.items == nil {
		r.items = make(map[txc.ID]*live, ringSize+1)
	}
	for i := range l.branches {
		l.branches[i].results, l.branches[i].work.Work, l.branches[i].evidence = nil, nil, nil
	}
	l.members = nil
	r.items[l.id] = l
	r.order.push(l.id)
	r.branches += len(l.branches)
	for len(r.items) > ringSize || r.branches > ringBranches {
		old := r.order.pop()
		r.branches -= len(r.items[old].branches)
		delete(r.items, old)
	}
}
