package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
)

// prefill gives a log a history: finished transactions, and unfinished ones, spread evenly.
func prefill(ctx context.Context, dir string, finished, unfinished int) error {
	log, rec, err := badgerwal.Open(dir, badgerwal.Options{Cluster: "txc", Number: 1, MinFree: 1, Ballast: -1})
	if err != nil {
		return fmt.Errorf("prefill: %w", err)
	}
	_, err = filling.Fill(ctx, log, filling.Past{Number: 1, Epoch: rec.Epoch, Finished: finished, Unfinished: unfinished, Members: []string{"p1", "p2"}})
	if err = errors.Join(err, log.Close(ctx)); err != nil {
		return fmt.Errorf("prefill: %w", err)
	}
	return nil
}
