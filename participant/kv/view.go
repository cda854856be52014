package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
	"github.com/txc-dev/txc/participant/turns"
)

type callKey struct{}

// Keys are the store's keys as the branch sees them that a call has joined: what others have committed, and what the branch
// itself has done. Each operation locks its key, present or not, until the branch has ended: a get for reading, everything
// else for itself alone; where an older transaction has the lock, or one that is waited for too long, the operation fails.
//
// After an operation that failed the transaction can only abort, even if the code passes that over; the error has the reason,
// a *txc.Refusal. One that wraps txc.ErrInvalid, for a key or a value outside the limits, has done nothing. All calls of a
// branch together may do what shipped work may: engine.MaxOps operations, txc.MaxWork bytes of keys and values.
//
// The calls of one branch take turns, operation by operation. Keys are of no use once the call has returned.
type Keys struct{ call *call }

// View gives a call the keys of its branch: ctx is what the call's own code was given. The error wraps txc.ErrInvalid: the
// call takes part in no transaction of a key-value participant.
func View(ctx context.Context) (*Keys, error) {
	if c := callOf(ctx); c != nil {
		return &Keys{c}, nil
	}
	return nil, fmt.Errorf("%w: the call takes part in no transaction of a key-value participant", txc.ErrInvalid)
}

// call is one call's hold on an open branch.
type call struct {
	*open
	*turns.Call
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// Do executes operations, in order, with nothing of the branch's in between, and gives what its gets read, of at most
// txc.MaxBranchRes bytes.
func (k *Keys) Do(ctx context.Context, ops ...Op) ([]Result, error) {
	all := make([]engine.Op, len(ops))
	for i := range ops {
		all[i] = ops[i].op
		if err := all[i].Valid(); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
	}
	if err := k.call.Enter(ctx); err != nil {
		if errors.Is(err, ctx.Err()) {
			k.call.open.Doom(err) // what was asked for has not been done
		}
		return nil, err
	}
	defer k.call.Exit()
	b, err := k.call.do(ctx, all)
	var results []Result
	if err == nil {
		results, err = Results(b)
	}
	if err != nil {
		k.call.open.Doom(err)
		return nil, err
	}
	return results, nil
}

// Get reads a value; found is false where the key is absent.
func (k *Keys) Get(ctx context.Context, key string) (value string, found bool, err error) {
	all, err := k.Do(ctx, Get(key))
	if err != nil {
		return "", false, err
	}
	return all[0].Value, all[0].Found, nil
}

// Put sets a value.
func (k *Keys) Put(ctx context.Context, key, value string) error {
	_, err := k.Do(ctx, Put(key, value))
	return err
}

// Delete removes a key, present or not.
func (k *Keys) Delete(ctx context.Context, key string) error {
	_, err := k.Do(ctx, Delete(key))
	return err
}

// Add adds to an integer that is kept as decimal text, and gives the sum; an absent one is 0. For bounds see Do, Min, Max.
func (k *Keys) Add(ctx context.Context, key string, by int64) (sum int64, err error) {
	all, err := k.Do(ctx, Add(key, by), Get(key))
	if err == nil {
		_, err = fmt.Sscan(all[0].Value, &sum)
	}
	return sum, err
}
