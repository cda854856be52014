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
	b.events = spare[:0]
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
