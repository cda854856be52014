package kv

import (
	"context"

	"github.com/txc-dev/txc/participant/kv/engine"
)

// Poison has every later write fail, as a disk's first error does.
func (s *Store) Poison(err error) error { return s.db.Poison(err) }

// Waiting is how many branches wait for a lock.
func (s *Store) Waiting(ctx context.Context) (n int, err error) {
	err = s.look(ctx, func(c *engine.Core) { n = c.Stats().Waiting })
	return n, err
}

// ShortJournal has promises and proofs move out of the journal soon.
func (o Options) ShortJournal(bytes int) Options {
	o.journal = bytes
	return o
}
