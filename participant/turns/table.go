package turns

import (
	"maps"
	"slices"
	"sync"
)

// Table knows what a store has of the branches that calls work on, by whatever names them. The zero value is empty and ready.
type Table[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K]*V
}

// Find is what there is of a branch; nil: nothing.
func (t *Table[K, V]) Find(k K) *V {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[k]
}

// Add puts a branch in.
func (t *Table[K, V]) Add(k K, v *V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[K]*V{}
	}
	t.all[k] = v
}

// Take takes a branch out, for good; nil: there was none.
func (t *Table[K, V]) Take(k K) *V {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.all[k]
	delete(t.all, k)
	return v
}

// TakeAll takes all of them out.
func (t *Table[K, V]) TakeAll() []*V {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Collect(maps.Values(t.all))
	t.all = nil
	return all
}
