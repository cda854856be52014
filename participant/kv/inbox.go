package kv

import (
	"sync"
	"time"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// entry is one thing for the owner: an event, or a look at the core between two steps.
type entry struct {
	event engine.Event
	look  func(c *engine.Core)
	call  waiter
}

// waiter is who waits for an answer. It is told by one of two ways: batched requests by their index, others alone.
type waiter struct {
	batch func(i int, r participant.Reply)
	i     int
	alone func(a engine.Answer)
}

// inbox hands entries to the owner, whole buffers at a time: no channel and no goroutine per request.
type inbox struct {
	mu      sync.Mutex
	in      []entry
	spare   []entry // the buffer that the owner gave back
	closing bool
	ended   error // why nothing is taken any more
	wake    chan struct{}
}

// put adds entries; when it returns an error, none was taken.
func (b *inbox) put(more ...entry) error {
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return b.ended
	}
	b.in = append(b.in, more...)
	b.mu.Unlock()
	b.poke()
	return nil
}

// length is how many entries wait.
func (b *inbox) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.in)
}

func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake already
	}
}

// take swaps the buffers. The slice is the owner's until the next call.
func (b *inbox) take() (in []entry, shut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in = b.in
	clear(b.spare)
	b.in, b.spare = b.spare[:0], in
	return in, b.closing
}

func (b *inbox) shut() {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	b.poke()
}

// end refuses what comes from now on, and tells so those that came too late for the owner.
func (b *inbox) end(err error) {
	b.mu.Lock()
	late := b.in
	b.in, b.ended = nil, err
	b.mu.Unlock()
	for _, e := range late {
		e.refuse(err)
	}
}

func (e entry) refuse(err error) { e.call.tell(engine.Answer{Reply: participant.Reply{Err: err}}) }

func (c waiter) tell(a engine.Answer) {
	switch {
	case c.batch != nil:
		c.batch(c.i, a.Reply)
	case c.alone != nil:
		c.alone(a)
	}
}

// wait returns when there is something in the inbox, or at the core's next time.
func (b *inbox) wait(timer *time.Timer, core *engine.Core) {
	at, ok := core.Next()
	if !ok {
		<-b.wake
		return
	}
	timer.Reset(time.Until(at))
	select {
	case <-b.wake:
	case <-timer.C:
	}
}

// calls are those who wait for answers, by the number of their request.
type calls struct {
	open []waiter // number n stands at n-1
	free []uint64 // numbers that can be given out again
}

// register numbers what came, and adds its events.
func (c *calls) register(in []entry, core *engine.Core, events []engine.Event) []engine.Event {
	for i := range in {
		e := &in[i]
		if e.look != nil {
			e.look(core)
			e.call.tell(engine.Answer{})
			continue
		}
		number(e.event, c.add(e.call))
		events = append(events, e.event)
	}
	return events
}

func (c *calls) add(who waiter) uint64 {
	if who.batch == nil && who.alone == nil {
		return 0
	}
	if n := len(c.free); n > 0 {
		id := c.free[n-1]
		c.free = c.free[:n-1]
		c.open[id-1] = who
		return id
	}
	c.open = append(c.open, who)
	return uint64(len(c.open))
}

// answer tells those whose request was answered.
func (c *calls) answer(all []engine.Answer) {
	for _, a := range all {
		who := c.open[a.N-1]
		c.open[a.N-1] = waiter{}
		c.free = append(c.free, a.N)
		who.tell(a)
	}
}

// number gives a request its number; an event that has no answer has none.
func number(e engine.Event, n uint64) {
	switch e := e.(type) {
	case *engine.Ask:
		e.N = n
	case *engine.Begin:
		e.N = n
	case *engine.Do:
		e.N = n
	case *engine.Settle:
		e.N = n
	case *engine.Reconcile:
		e.N = n
	case *engine.Shed:
		e.N = n
	case *engine.Remember:
		e.N = n
	case *engine.Cancel, *engine.Forget, *engine.Shut, *engine.Room, *engine.Written, *engine.NotWritten, *engine.Lost:
	}
}
