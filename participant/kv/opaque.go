package kv

import (
	"context"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// What a store that is built on an opaque one needs: the promise holds its work, and it does with it what a commit means.

// Work gives the work of a branch that has promised, or that an operator has settled as committed and whose work was not
// handed over (Shed); nil if there is none: the branch is unknown, has ended, or was settled otherwise. The bytes must not
// be changed.
func (s *Store) Work(ctx context.Context, b participant.Branch) (work []byte, err error) {
	if err := s.mine(b); err != nil {
		return nil, err
	}
	found := make(chan []byte, 1)
	if err := s.look(ctx, func(c *engine.Core) { found <- c.Work(name(b)) }); err != nil {
		return nil, err
	}
	return <-found, nil
}

// Shed says that the work which a settlement as committed has left was handed over: it is dropped, durably. Of any other
// branch it does nothing.
func (s *Store) Shed(ctx context.Context, b participant.Branch) error {
	if err := s.mine(b); err != nil {
		return err
	}
	_, err := s.ask(ctx, &engine.Shed{Name: name(b)})
	return err
}
