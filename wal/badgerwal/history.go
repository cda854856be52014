package badgerwal

import (
	"context"
	"iter"
	"slices"

	"github.com/txc-dev/txc/wal"
)

// History implements wal.Log. It holds one group in memory. What is dropped while it runs ends it early, without an
// error.
func (l *Log) History(ctx context.Context) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for next := l.view().durable.Before; next >= l.view().front && next > 0; {
			if ctx.Err() != nil {
				yield(wal.Record{}, context.Cause(ctx))
				return
			}
			g, err := l.group(next)
			var all []wal.Record
			if err == nil {
				all, err = decodeAll(g)
			}
			if err = l.unlessDropped(next, err); err != nil {
				yield(wal.Record{}, err)
				return
			}
			for _, r := range slices.Backward(all) {
				if ctx.Err() != nil {
					yield(wal.Record{}, context.Cause(ctx))
					return
				}
				if !yield(r, nil) {
					return
				}
			}
			next = g.Before
		}
	}
}

func decodeAll(g wal.Group) ([]wal.Record, error) {
	all := make([]wal.Record, 0, g.Count)
	err := g.Records(func(r wal.Record, _ []byte) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, refusedBy(err)
	}
	return all, nil
}
