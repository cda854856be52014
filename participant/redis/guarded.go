package redis

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
)

// Guarded runs one command, such as "INCRBY", "points:alice", 10, for a program that has nothing to do with transactions,
// in a database that takes part in them: unless a branch that has promised holds one of the keys. Then the error wraps
// txc.ErrBusy: try again a moment later. keys are all that the command touches. A command that goes another way, by a plain
// client, sees what a transaction has left half done elsewhere, and what it writes to such a key can be overwritten.
func Guarded(ctx context.Context, db driver.Scripter, keys []string, command ...any) (any, error) {
	if len(keys) == 0 || len(command) == 0 {
		return nil, fmt.Errorf("%w: a guarded command needs its keys", txc.ErrInvalid)
	}
	v, err := guarding.Run(ctx, db, append([]string{lockKey}, keys...), command...).Result()
	if held(err) {
		return nil, fmt.Errorf("%w: %w", txc.ErrBusy, err)
	}
	return v, err
}

// held reports that a key was locked.
func held(err error) bool {
	var e driver.Error
	return errors.As(err, &e) && driver.HasErrorPrefix(err, "TXCLOCKED")
}
