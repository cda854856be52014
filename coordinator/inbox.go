package coordinator

import (
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
)

// inbox collects events for the owner: a mutex and a swap of whole buffers, for a channel per event costs more than the
// event.
type inbox struct {
	mu     sync.Mutex
	events []Event
	firsts int // of the events: requests that have not been sent before
	reason error
	shut   bool
	wake   chan struct{} // holds one wake-up
	done   chan struct{} // closed when nothing is taken any more
}

func (b *inbox) init() {
	b.wake = make(chan struct{}, 1)
	b.done = make(chan struct{})
}

// put adds events. After the end it says why: nothing was begun.
func (b *inbox) put(events ...Event) error {
	b.mu.Lock()
	if b.shut {
		b.mu.Unlock()
		return b.refusal()
	}
	first := len(b.events) == 0
	b.events = append(b.events, events...)
	b.mu.Unlock()
	if first {
		b.ring()
	}
	return nil
}

// maxFirsts bounds the requests that wait for the owner. Past its capacity a coordinator must not spend its time on those
// that it refuses in the end, nor let them wait for that.
const maxFirsts = 32768

// errCrowded is refused at the door, to whom nothing can have happened before.
var errCrowded = txc.Refuse(txc.ErrBusy, txc.CodeBusy, fmt.Sprintf("%d requests wait here, the most there may be: the coordinator has more to do than it can", maxFirsts))

// first says that a request cannot have run before: it is not sent again, and no key of the caller's names an earlier one.
func (r *Request) first() bool { return r.FirstSentAgo == 0 && (r.Key == "" || r.OwnKey) }

func isFirst(ev Event) bool {
	switch ev := ev.(type) {
	case AskRun:
		return ev.Request.first()
	case AskBegin:
		return ev.Request.first()
	default:
		return false
	}
}

// ask is put for one event that a client caused: there may be no place for a first request.
func (b *inbox) ask(ev Event) error {
	if isFirst(ev) && b.enter(1) == 0 {
		return errCrowded
	}
	return b.put(ev)
}

// enter takes places for first requests that are to be put, and tells how many of them there are. After the end there are
// enough: put says what has happened.
func (b *inbox) enter(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return n
	}
	n = min(n, maxFirsts-b.firsts)
	b.firsts += n
	return n
}

func (b *inbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take hands all events over and keeps the spare buffer for what comes next. A swap that would return nothing installs
// no buffer.
func (b *inbox) take(spare []Event) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		return spare[:0]
	}
	events := b.events
	b.events, b.firsts = spare[:0], 0
	return events
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events) == 0
}

func (b *inbox) close(reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.shut {
		b.shut, b.reason, b.events = true, reason, nil
		close(b.done)
	}
}

// failure is why the coordinator stopped itself; nil: it runs, or was closed.
func (b *inbox) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason
}

// refusal is what one hears who comes after the end: nothing was begun.
func (b *inbox) refusal() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reason != nil {
		return fmt.Errorf("%w: the coordinator has stopped: %w", txc.ErrUnavailable, b.reason)
	}
	return fmt.Errorf("%w: the coordinator is closed", txc.ErrClosed)
}

// unheard is what one hears whose request was taken in and never answered: only the log tells.
func (b *inbox) unheard() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reason != nil {
		return fmt.Errorf("%w: the coordinator has stopped: %w", txc.ErrUnknown, b.reason)
	}
	return fmt.Errorf("%w: the coordinator was closed before it answered", txc.ErrUnknown)
}
