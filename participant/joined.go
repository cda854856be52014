package participant

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc"
)

// Work is one call of the service on a branch, as the metadata of the call tells it.
type Work struct {
	ID         txc.ID
	Mark       uint64 // of the id's opening
	Age        uint64
	TimeLeft   time.Duration // of the transaction
	Enlistment Enlistment    // what the caller has of this branch; zero: nothing yet
}

// Join begins a call on a branch; the first call opens it. The returned context carries the store's own handle, and
// ends when the branch must. leave ends the call, exactly once: with failed != nil the transaction can only abort.
// It returns what the trailer tells the caller; if it errs, the caller must abort.
//
// The store must be a Joiner. An error wraps ErrAborted: the transaction can only abort.
func (a *Agent) Join(ctx context.Context, w Work) (work context.Context, leave func(failed error) (Enlistment, error), err error) {
	if a.joiner == nil {
		return nil, nil, fmt.Errorf("%w: join %s: the store of %s takes shipped work only", txc.ErrInvalid, w.ID, a.o.Name)
	}
	if err := a.pass(PointCall, w.ID, w.Mark); err != nil {
		return nil, nil, fmt.Errorf("join %s: %w: %w", w.ID, txc.ErrAborted, err)
	}
	var call uint64
	run, err := a.inbox.ask(ctx, func(token uint64) Event {
		call = token
		return CallAsked{Token: token, ID: w.ID, Mark: w.Mark, Age: w.Age, TimeLeft: w.TimeLeft, Enlistment: w.Enlistment}
	})
	if err != nil {
		if errors.Is(err, ctx.Err()) { // it may have been let in all the same: nobody will leave, so it must end
			a.inbox.put(CallOver{Call: call, Failed: true})
		}
		return nil, nil, fmt.Errorf("join %s: %w", w.ID, err)
	}
	k := key{w.ID, w.Mark}
	ctx, cancel := context.WithDeadline(ctx, a.started.Add(run.Deadline))
	seat := a.joins.sit(k, call, cancel)
	work, err = a.joins.turn(ctx, seat, func() (context.Context, error) { return a.joiner.Join(ctx, run.Branch) })
	if work == nil {
		work = ctx
	}
	leave = func(failed error) (Enlistment, error) { return a.leave(work, seat, run.Branch, failed) }
	if err != nil {
		_, left := leave(err)
		return nil, nil, fmt.Errorf("join %s: %w: %w", w.ID, txc.ErrAborted, errors.Join(err, left))
	}
	return work, leave, nil
}

// leaveLimit bounds what a store may take to hear that a call is over.
const leaveLimit = 10 * time.Second

// leave ends a call in the store, then at the core. It outlives the call's own context, work, whose values it has.
func (a *Agent) leave(work context.Context, s *seat, b Branch, failed error) (Enlistment, error) {
	defer a.joins.rise(s)
	ctx, end := a.cancels.within(work, leaveLimit)
	defer end()
	_, err := a.joins.turn(ctx, s, func() (context.Context, error) { return nil, a.joiner.Leave(ctx, b, failed) })
	failed = errors.Join(failed, err, a.pass(PointCallOver, b.ID, b.Mark))
	answer, err := a.inbox.ask(context.Background(), func(token uint64) Event { // the owner answers, or has ended
		return CallOver{Token: token, Call: s.call, Failed: failed != nil}
	})
	switch {
	case err != nil:
		return Enlistment{}, fmt.Errorf("leave %s: %w", b.ID, err)
	case answer.Doomed:
		return answer.Enlistment, fmt.Errorf("leave %s: %w", b.ID, errors.Join(txc.ErrAborted, failed))
	default:
		return answer.Enlistment, nil
	}
}

// joins knows the calls that run, so that they can be ended, and lets the store hear of one at a time of a branch.
type joins struct {
	mu       sync.Mutex
	branches map[key]*table
}

type table struct {
	turn  chan struct{} // one place: who has it talks to the store
	seats map[*seat]bool
}

type seat struct {
	key
	call   uint64 // the token that it asked with
	cancel context.CancelFunc
	table  *table
}

func (j *joins) sit(k key, call uint64, cancel context.CancelFunc) *seat {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.branches == nil {
		j.branches = map[key]*table{}
	}
	t := j.branches[k]
	if t == nil {
		t = &table{turn: make(chan struct{}, 1), seats: map[*seat]bool{}}
		j.branches[k] = t
	}
	s := &seat{key: k, call: call, cancel: cancel, table: t}
	t.seats[s] = true
	return s
}

func (j *joins) turn(ctx context.Context, s *seat, do func() (context.Context, error)) (context.Context, error) {
	select {
	case s.table.turn <- struct{}{}:
		defer func() { <-s.table.turn }()
		return do()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (j *joins) rise(s *seat) {
	s.cancel()
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(s.table.seats, s)
	if len(s.table.seats) == 0 {
		delete(j.branches, s.key)
	}
}

// doom ends the calls of a branch soon.
func (j *joins) doom(k key) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t := j.branches[k]; t != nil {
		for s := range t.seats {
			s.cancel()
		}
	}
}
