package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/txc-dev/txc"
)

// Pauses between tries: full jitter below a bound that doubles.
const (
	pauseMin = 20 * time.Millisecond
	pauseMax = time.Second
)

type pauses struct{ bound time.Duration }

func newPauses() *pauses { return &pauses{pauseMin} }

// wait pauses; false: ctx has ended.
func (p *pauses) wait(ctx context.Context) bool {
	timer := time.NewTimer(rand.N(p.bound) + 1)
	defer timer.Stop()
	p.bound = min(2*p.bound, pauseMax)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Run calls f, which enlists work, and commits. It does so again, with the same key and age, where a try aborted for a
// reason that may pass (a conflict, a lost vote) or nothing was begun, until it commits, f fails, the reason is final, the
// timeout has passed, or ctx ends. So f must have no other effects. err == nil exactly if it has committed; with an error
// of f, which is wrapped, nothing happened anywhere. Where f fails because a call that had joined was given up for a reason
// that may pass, it is tried again as well.
func (c *Client) Run(ctx context.Context, f func(ctx context.Context, tx *Tx) error, options ...TxOption) (Result, error) {
	set, err := settle(options)
	if err != nil {
		return Result{}, fmt.Errorf("run: %w", err)
	}
	caller := c.seatOf(set.begin.Key)
	deadline := time.Now().Add(set.timeout())
	again := newPauses()
	for before := (&Tx{}); ; {
		tx := &Tx{caller: caller, set: set, lost: before.lost}
		if tx.lost {
			tx.first = before.first // under the same key it is the same request, sent again
		}
		before = tx
		r, passes, err := tx.attempt(ctx, f)
		if err == nil || !passes {
			return r, err
		}
		if r.Age != 0 {
			set.begin.Age = r.Age // it grows old: sooner or later it wins
		}
		if !time.Now().Before(deadline) || !again.wait(ctx) {
			return r, err
		}
		set.begin.Timeout = max(time.Until(deadline), shortest)
	}
}

// attempt is one try; again says whether another may succeed.
func (t *Tx) attempt(ctx context.Context, f func(ctx context.Context, tx *Tx) error) (r Result, again bool, err error) {
	failed := f(ctx, t)
	if failed == nil {
		r, err = t.Commit(ctx)
		return r, passing(err), err
	}
	var given error // a called service has given the transaction up, and says why
	if t.journey != nil {
		given = t.journey.Doomed()
	}
	back := t.Rollback(ctx)
	return Result{Key: t.set.begin.Key, Age: t.result.Age}, back == nil && passing(given), errors.Join(failed, given, back)
}

// shortest is the least time that a last try is given.
const shortest = 50 * time.Millisecond

// passing reports whether the same may succeed later: certainly nothing happened, and the reason may pass.
func passing(err error) bool {
	var refusal *txc.Refusal
	switch {
	case errors.Is(err, txc.ErrUnknown), errors.Is(err, txc.ErrMixed), errors.Is(err, txc.ErrInvalid), errors.Is(err, txc.ErrClosed):
		return false
	case errors.Is(err, txc.ErrBusy), errors.Is(err, txc.ErrUnavailable):
		return true
	case errors.Is(err, txc.ErrAborted):
		return errors.As(err, &refusal) && refusal.Reason.Retryable
	default:
		return false
	}
}
