package once

import (
	"context"
	"sync"
)

// Window is a memory of the last ids, in this process alone. It is safe for concurrent use.
type Window struct {
	mu    sync.Mutex
	known map[string]bool
	ring  []string // in the order of their coming; "": dropped, or not used yet
	next  int
}

// NewWindow makes a memory of the last size ids, at least one.
func NewWindow(size int) *Window {
	size = max(size, 1)
	return &Window{known: make(map[string]bool, size), ring: make([]string, size)}
}

// Add notes an id, and forgets the oldest where there is no room.
func (w *Window) Add(_ context.Context, id string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[id] {
		return false, nil
	}
	delete(w.known, w.ring[w.next])
	w.ring[w.next] = id
	w.next = (w.next + 1) % len(w.ring)
	w.known[id] = true
	return true, nil
}

// Drop forgets an id.
func (w *Window) Drop(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known[id] {
		return
	}
	delete(w.known, id)
	for i, one := range w.ring {
		if one == id {
			w.ring[i] = ""
		}
	}
}
