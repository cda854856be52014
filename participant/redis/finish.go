package redis

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// attempts bounds how often a branch can come into being between two looks at it.
const attempts = 3

// finish runs a verb that ends a branch, with the keys that it has kept for that.
func (s *Store) finish(ctx context.Context, b participant.Branch, verb string, args ...any) (reply, error) {
	for range attempts {
		data, err := s.db.HGet(ctx, b.Name(), "keys").Result()
		if err != nil && !errors.Is(err, driver.Nil) {
			return reply{}, err
		}
		keys, err := kept(data)
		if err != nil {
			return reply{}, err
		}
		r, err := s.run(ctx, finishing, b, keys, append([]any{verb}, args...)...)
		switch {
		case err != nil:
			return r, err
		case r.word == "fenced":
			return r, fmt.Errorf("another opening of its coordinator is known here")
		case r.word != "keys":
			return r, nil
		}
	}
	return reply{}, fmt.Errorf("its promise changed while it was looked at")
}

// Commit is participant.Resource's.
func (s *Store) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	fates := map[string]txc.Fate{"now": txc.CommittedNow, "committed": txc.CommittedBefore, "aborted": txc.AbortedBefore, "none": txc.NeverPrepared}
	if len(evidence) > 0 { // it was promised, and nobody can tell (P7)
		fates["none"] = txc.Hazard
	}
	return s.fate(ctx, b, "commit", fates)
}

// Abort is participant.Resource's. Of a branch that it never heard of it keeps that it may not promise any more.
func (s *Store) Abort(ctx context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	return s.fate(ctx, b, "abort", map[string]txc.Fate{"now": txc.AbortedNow, "committed": txc.CommittedBefore})
}

func (s *Store) fate(ctx context.Context, b participant.Branch, verb string, fates map[string]txc.Fate) (txc.Fate, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	var r reply
	if err == nil {
		r, err = s.finish(ctx, b, verb)
	}
	f := fates[r.word]
	if err == nil && f == 0 {
		err = fmt.Errorf("an answer %q", r.word)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", verb, b.Name(), err)
	}
	return f, nil
}

// Settle is participant.Resource's.
func (s *Store) Settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	verb := "settle-aborted"
	if by.Outcome == txc.Committed {
		verb = "settle-committed"
	}
	var r reply
	if err == nil {
		r, err = s.finish(ctx, b, verb, by.Who, by.Why, by.When.UnixMicro())
	}
	if err != nil {
		return false, fmt.Errorf("settle %s: %w", b.Name(), err)
	}
	return r.word == "now", nil
}

// Reconciled is participant.Resource's. A proof stays, as one that proves no decision (C6).
func (s *Store) Reconciled(ctx context.Context, b participant.Branch) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		_, err = s.finish(ctx, b, "reconcile")
	}
	if err != nil {
		return fmt.Errorf("reconcile %s: %w", b.Name(), err)
	}
	return nil
}
