package participant

import (
	"context"
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
)

// inbox is where everything reaches the owner: a slice under a lock, swapped for an empty one each turn. It also knows
// who waits for an answer, and where a session's messages go.
type inbox struct {
	mu       sync.Mutex
	events   []Event
	messages int  // in events
	ended    bool // nobody reads any more
	why      error
	wake     chan struct{} // one place
	token    uint64
	asks     map[uint64]chan Answer
	session  uint64
	sessions map[uint64]func(up bool, batch []Message)
}

// maxInbox bounds the messages that wait for the owner: above it a link must be given up (C10).
const maxInbox = 1 << 18

func (in *inbox) init() {
	in.wake = make(chan struct{}, 1)
	in.asks = map[uint64]chan Answer{}
	in.sessions = map[uint64]func(bool, []Message){}
}

// put gives the owner an event; false: it has ended.
func (in *inbox) put(ev Event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.add(ev)
}

func (in *inbox) add(ev Event) bool {
	if in.ended {
		return false
	}
	in.events = append(in.events, ev)
	select {
	case in.wake <- struct{}{}:
	default: // it has been woken already
	}
	return true
}

// receive gives it messages; false: too many wait, or it has ended.
func (in *inbox) receive(ev Received) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.messages+len(ev.Messages) > maxInbox || !in.add(ev) {
		return false
	}
	in.messages += len(ev.Messages)
	return true
}

// take swaps the full slice for an empty one.
func (in *inbox) take(empty []Event) []Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	full := in.events
	in.events, in.messages = empty[:0], 0
	return full
}

// ask puts an event that bears a token, and waits for its answer. ctx bounds the wait alone.
func (in *inbox) ask(ctx context.Context, event func(token uint64) Event) (Answer, error) {
	reply := make(chan Answer, 1)
	in.mu.Lock()
	in.token++
	token := in.token
	if !in.add(event(token)) {
		err := in.why
		in.mu.Unlock()
		return Answer{}, err
	}
	in.asks[token] = reply
	in.mu.Unlock()
	select {
	case a := <-reply:
		return a, a.Err
	case <-ctx.Done():
		in.mu.Lock()
		delete(in.asks, token)
		in.mu.Unlock()
		return Answer{}, ctx.Err()
	}
}

func (in *inbox) answer(a Answer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if reply, ok := in.asks[a.Token]; ok {
		delete(in.asks, a.Token)
		reply <- a
	}
}

// end answers whoever still waits, and tells every link that it is lost.
func (in *inbox) end(failed error) {
	in.mu.Lock()
	in.ended = true
	in.why = fmt.Errorf("participant: %w", txc.ErrClosed)
	if failed != nil {
		in.why = failed
	}
	for token, reply := range in.asks {
		reply <- Answer{Token: token, Err: in.why}
	}
	clear(in.asks)
	lost := in.sessions
	in.sessions = nil
	in.mu.Unlock()
	for _, receive := range lost {
		receive(false, nil)
	}
}
