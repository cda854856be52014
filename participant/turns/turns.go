package turns

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
)

// Branch is what the calls of one joined branch have in common: the one session, or whatever it is, that all of them use, by
// turns, until the branch is over. Make one with New.
type Branch struct {
	turn chan struct{} // one place: who has it may use the session
	over chan struct{} // closed when the branch can only abort, or is closed

	mu     sync.Mutex
	doomed error // why it is over
}

// New makes the turns of a branch whose session nobody uses.
func New() *Branch {
	return &Branch{turn: make(chan struct{}, 1), over: make(chan struct{})}
}

// Doom ends what waits for a turn, and what will; the first reason stays.
func (b *Branch) Doom(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doomed == nil {
		b.doomed = why
		close(b.over)
	}
}

// Doomed is why the branch is over; nil: it is not.
func (b *Branch) Doomed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doomed
}

// Over is closed when the branch is over.
func (b *Branch) Over() <-chan struct{} { return b.over }

// Take takes the turn for good, for who ends the branch; false: a call has it, and may keep it for ever.
func (b *Branch) Take() bool {
	select {
	case b.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// Call is one call's hold on its branch. Its methods may be used concurrently.
type Call struct {
	*Branch
	mu    sync.Mutex
	holds int  // its reasons to keep the turn
	gone  bool // the call has returned
}

// NewCall is a call's, that has no turn yet.
func (b *Branch) NewCall() *Call { return &Call{Branch: b} }

var errGone = errors.New("the call has returned: its transaction is no longer its own")

// Enter waits for the turn, unless the call has it. After nil, Exit must be called once.
func (c *Call) Enter(ctx context.Context) error {
	c.mu.Lock()
	if c.holds > 0 && !c.gone {
		c.holds++
		c.mu.Unlock()
		return nil
	}
	gone := c.gone
	c.mu.Unlock()
	if gone {
		return errGone
	}
	select { // a branch that is over has no more turns, whoever comes first
	case <-c.over:
		return c.Doomed()
	default:
	}
	select {
	case c.turn <- struct{}{}:
	case <-c.over:
		return c.Doomed()
	case <-ctx.Done():
		return fmt.Errorf("wait for another call of the branch: %w", ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		<-c.turn
		return errGone
	}
	c.holds = 1
	return nil
}

// Exit gives the turn back if nothing else of the call needs it.
func (c *Call) Exit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds--; c.holds > 0 {
		return
	}
	if !c.gone { // else the turn stays taken: the session was given up
		<-c.turn
	}
}

// Leave tells that the call has returned. The error: it has not given its turn back, so nobody knows whether what it did
// had come to its end.
func (c *Call) Leave() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	if c.holds > 0 {
		return errors.New("the call has left rows, a batch or a savepoint open, or something running")
	}
	return nil
}

// Places are the sessions that joined branches may have. They keep theirs from call to call, for as long as their clients
// please, and shipped work must not wait for that: a quarter of the sessions, and one at the least, is not theirs.
type Places chan struct{}

// shipped is that part.
const shipped = 4

// NewPlaces is for a store with so many sessions for work, of at least two.
func NewPlaces(sessions int) Places { return make(Places, sessions-max(1, sessions/shipped)) }

// Take takes a place, which Give gives back. If there is none it refuses at once, as busy, rather than wait for clients that
// may wait for it.
func (p Places) Take() error {
	select {
	case p <- struct{}{}:
		return nil
	default:
		return txc.Refuse(txc.ErrAborted, txc.CodeBusy, fmt.Sprintf("%d branches have a session each: no more are given to calls", cap(p)))
	}
}

// Give gives a place back.
func (p Places) Give() { <-p }
