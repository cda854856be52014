package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
	"github.com/txc-dev/txc/participant/turns"
)

// open is a branch that the service's own code works on. What it has done is in the engine.
type open struct {
	*turns.Branch
	store *Store
	name  engine.Name
	busy  chan struct{} // one place: a call that has the turn has it for all of its goroutines
}

// Join is participant.Joiner's: the call's context gives the branch's keys to View.
func (s *Store) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	o := s.joined.Find(name(b))
	if o == nil {
		at, _ := ctx.Deadline()
		a, err := s.ask(ctx, &engine.Begin{Branch: b, Deadline: at})
		if err != nil {
			return nil, err
		}
		if p := a.Reply.Promise; p.Vote != txc.Yes {
			return nil, refusal(p.Reason)
		}
		o = &open{Branch: turns.New(), store: s, name: name(b), busy: make(chan struct{}, 1)}
		s.joined.Add(o.name, o)
	}
	return context.WithValue(ctx, callKey{}, &call{open: o, Call: o.NewCall()}), nil
}

func refusal(r txc.Reason) error { return &txc.Refusal{Of: txc.ErrAborted, Reason: r} }

// Leave is participant.Joiner's. A call dooms its branch if it failed, or if an operation has, whatever its code made of it.
func (s *Store) Leave(ctx context.Context, b participant.Branch, failed error) error {
	c := callOf(ctx)
	if c == nil || c.store != s || c.name != name(b) { // it could not join
		return nil
	}
	err := c.Leave()
	if err == nil {
		err = c.open.Doomed()
	}
	if err != nil || failed != nil {
		c.open.Doom(errors.Join(err, failed))
	}
	return err
}

// closing takes a joined branch out when its Prepare or Abort comes. The error: it is not to be promised.
func (s *Store) closing(n engine.Name) error {
	o := s.joined.Take(n)
	if o == nil {
		return nil // the engine knows what to say
	}
	why := o.Doomed()
	o.Doom(errors.New("the branch is closed"))
	return why
}

// do has the engine execute operations for a call, which has the turn: one goroutine's at a time.
func (o *open) do(ctx context.Context, ops []engine.Op) ([]byte, error) {
	select {
	case o.busy <- struct{}{}:
		defer func() { <-o.busy }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another operation of the call: %w", ctx.Err())
	case <-o.Over():
		return nil, o.Doomed()
	}
	reply := make(chan engine.Answer, 1)
	put := func(e engine.Event, tell func(engine.Answer)) error {
		return o.store.inbox.put(entry{event: e, call: waiter{alone: tell}})
	}
	if err := put(&engine.Do{Name: o.name, Ops: ops}, func(a engine.Answer) { reply <- a }); err != nil {
		return nil, fmt.Errorf("key-value store: %w", err)
	}
	select {
	case a := <-reply:
		return outcome(a)
	case <-ctx.Done():
	case <-o.Over():
	}
	if err := put(&engine.Cancel{Name: o.name}, nil); err != nil { // a lock that it waits for is of no use any more
		return nil, fmt.Errorf("key-value store: %w", err)
	}
	return outcome(<-reply)
}

// outcome is what became of operations: what they have read, or why the branch is doomed.
func outcome(a engine.Answer) ([]byte, error) {
	switch p := a.Reply.Promise; {
	case a.Reply.Err != nil:
		return nil, fmt.Errorf("key-value store: %w", a.Reply.Err)
	case p.Vote != txc.Yes:
		return nil, refusal(p.Reason)
	default:
		return p.Results, nil
	}
}
