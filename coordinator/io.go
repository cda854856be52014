package coordinator

import (
	"context"
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// writer appends what the core wants appended, in order: whatever has gathered while the last group was written is the
// next group.
type writer struct {
	c     *Coordinator
	mu    sync.Mutex
	queue []wal.Record
	wake  chan struct{}
}

// maxGroup bounds a group, so that one append has an end.
const maxGroup = 8192

func (w *writer) init(c *Coordinator) { w.c, w.wake = c, make(chan struct{}, 1) }

func (w *writer) add(recs []wal.Record) {
	w.mu.Lock()
	w.queue = append(w.queue, recs...)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until the end, and at a clean end what is left: an end that is not recorded costs the next opening work.
func (w *writer) run(ctx context.Context) {
	var group []wal.Record
	for last := false; !last; {
		select {
		case <-ctx.Done():
			if w.c.inbox.failure() != nil {
				return
			}
			last = true
		case <-w.wake:
		case <-w.c.log.Failed(): // by what it writes itself, when nobody appends: the next Append, of nothing, says why
			_, err := w.c.log.Append(context.Background(), nil)
			w.failed(err)
			return
		}
		for {
			w.mu.Lock()
			if len(w.queue) == 0 {
				w.mu.Unlock()
				break
			}
			group, w.queue = w.queue, group[:0]
			w.mu.Unlock()
			if !w.write(group) {
				return
			}
			clear(group)
		}
	}
}

// write appends one backlog, in groups. Any error is the end: of an append that failed nobody knows what is on the disk
// (C3).
func (w *writer) write(recs []wal.Record) bool {
	for len(recs) > 0 {
		n := min(len(recs), maxGroup)
		lsn, err := w.c.log.Append(context.Background(), recs[:n])
		if err != nil {
			w.failed(err)
			return false
		}
		w.c.post(Appended{N: n, LSN: lsn})
		recs = recs[n:]
	}
	return true
}

func (w *writer) failed(err error) {
	w.c.post(LogFailed{Err: fmt.Errorf("%w: append to the log: %w", txc.ErrStopped, err)})
}

// post is put for the coordinator's own goroutines: after the end nobody listens, and that is fine.
func (c *Coordinator) post(ev Event) {
	if err := c.inbox.put(ev); err != nil {
		c.o.Logger.Debug("event after the end", "err", err)
	}
}

// reader looks things up in the log, away from the owner. There are two: a key that is searched in minutes of log must
// not delay a participant's question (C10).
type reader struct {
	c     *Coordinator
	mu    sync.Mutex
	queue []Lookup
	wake  chan struct{}
}

func (r *reader) init(c *Coordinator) { r.c, r.wake = c, make(chan struct{}, 1) }

func (r *reader) add(l Lookup) {
	r.mu.Lock()
	r.queue = append(r.queue, l)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reader) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		r.mu.Lock()
		batch := r.queue
		r.queue = nil
		r.mu.Unlock()
		for _, l := range batch {
			if ctx.Err() != nil {
				return
			}
			r.c.post(Find(r.c.log, l))
		}
	}
}

// Find carries a Lookup out.
func Find(log wal.Log, l Lookup) Found {
	f := Found{Lookup: l, ID: l.ID}
	if l.Key != "" {
		if f.ID, f.OK, f.Err = log.FindKey(l.Key); f.Err != nil || !f.OK {
			return f
		}
	}
	f.Record, f.Ended, f.OK, f.Err = log.Find(f.ID)
	return f
}
