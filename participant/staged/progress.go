package staged

import (
	"context"
	"fmt"
	"sync"

	"github.com/txc-dev/txc/participant"
)

// progress is how many of a branch's first messages the broker has already, in the memory of this process: what was
// acknowledged is not published again with what was not, nor by two at a time. The zero value is ready.
type progress struct {
	mu  sync.Mutex
	all map[string]*handing // by the branch's name
}

// handing is of one branch.
type handing struct {
	turn  chan struct{} // one place: who has it publishes
	users int           // who has it, or waits for it
	taken int           // of the first messages
}

// enter waits for the branch's turn, and tells how many messages the broker has. After nil, leave must be called once.
func (p *progress) enter(ctx context.Context, b participant.Branch) (taken int, err error) {
	p.mu.Lock()
	h := p.all[b.Name()]
	if h == nil {
		h = &handing{turn: make(chan struct{}, 1)}
		if p.all == nil {
			p.all = map[string]*handing{}
		}
		p.all[b.Name()] = h
	}
	h.users++
	p.mu.Unlock()
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		err = fmt.Errorf("it is being published: %w", context.Cause(ctx))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		h.users--
		p.drop(b)
	}
	return h.taken, err
}

// leave gives the turn back, and notes how many messages the broker has now.
func (p *progress) leave(b participant.Branch, taken int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.all[b.Name()]
	h.users--
	h.taken = taken
	<-h.turn
	p.drop(b)
}

// forget is for a branch whose messages the store does not have any more.
func (p *progress) forget(b participant.Branch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.all[b.Name()]; h != nil {
		h.taken = 0
		p.drop(b)
	}
}

func (p *progress) drop(b participant.Branch) {
	if h := p.all[b.Name()]; h.users == 0 && h.taken == 0 {
		delete(p.all, b.Name())
	}
}
