package coordinator

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/txc-dev/txc"
)

// watchers are those who follow transactions as they change.
type watchers struct {
	mu   sync.Mutex
	all  map[*watcher]bool
	shut bool
}

type watcher struct {
	ch     chan Detail
	filter Filter
	slow   bool // guarded by watchers.mu: it was cut off
}

// watchBuffer is how far a watcher may lag before it is cut off: it is never waited for.
const watchBuffer = 1024

func (w *watchers) tell(changed []Detail) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for v := range w.all {
		for _, d := range changed {
			if !v.filter.Match(d) {
				continue
			}
			select {
			case v.ch <- d:
			default:
				v.slow = true
			}
			if v.slow {
				delete(w.all, v)
				close(v.ch)
				break
			}
		}
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = true
	for v := range w.all {
		close(v.ch)
	}
	w.all = nil
}

// Watch yields the detail of every transaction that matches, each time it changes its phase, until ctx ends or the
// coordinator has ended. One that cannot keep up is cut off with txc.ErrBusy.
func (c *Coordinator) Watch(ctx context.Context, f Filter) iter.Seq2[Detail, error] {
	return func(yield func(Detail, error) bool) {
		v := &watcher{ch: make(chan Detail, watchBuffer), filter: f}
		if !c.watch(v) {
			yield(Detail{}, c.inbox.refusal())
			return
		}
		defer c.unwatch(v)
		for {
			select {
			case <-ctx.Done():
				return
			case d, ok := <-v.ch:
				if !ok {
					if v.slow {
						yield(Detail{}, fmt.Errorf("%w: this watcher fell more than %d changes behind", txc.ErrBusy, watchBuffer))
					}
					return
				}
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

func (c *Coordinator) watch(v *watcher) bool {
	w := &c.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		return false
	}
	if w.all == nil {
		w.all = map[*watcher]bool{}
	}
	w.all[v] = true
	c.post(Watching{On: true})
	return true
}

func (c *Coordinator) unwatch(v *watcher) {
	w := &c.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, v)
	if len(w.all) == 0 && !w.shut {
		c.post(Watching{})
	}
}
