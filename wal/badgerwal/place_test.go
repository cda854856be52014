package badgerwal_test

import (
	"context"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
	"github.com/txc-dev/txc/wal/waltest"
)

// filled is a log of so many finished transactions.
func filled(tb testing.TB, finished int) (*badgerwal.Log, uint32) {
	tb.Helper()
	l, rec, err := badgerwal.Open(tb.TempDir(), badgerwal.Options{Cluster: "bench", Number: waltest.Number, MinFree: 1, Ballast: -1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	if _, err := filling.Fill(tb.Context(), l, filling.Past{Number: waltest.Number, Epoch: rec.Epoch, Finished: finished}); err != nil {
		tb.Fatal(err)
	}
	return l, rec.Epoch
}

// C4, C8: whatever was looked up before, every transaction is found, and one that has no record is not.
func TestLookUpsInAnyOrder(t *testing.T) {
	const finished = 100_000 // more blocks than places are kept of
	l, epoch := filled(t, finished)
	for i := range uint64(3000) {
		for _, n := range []uint64{1 + i, finished - i, 1 + i*7919%finished} {
			id := txc.ID{Coordinator: waltest.Number, Epoch: epoch, Sequence: n}
			rec, ended, ok, err := l.Find(id)
			if err != nil || !ok || !ended || rec.ID != id {
				t.Fatalf("%v: found %v, ended %v, record of %v: %v", id, ok, ended, rec.ID, err)
			}
		}
		if _, _, ok, err := l.Find(txc.ID{Coordinator: waltest.Number, Epoch: epoch, Sequence: finished + 1 + i}); ok || err != nil {
			t.Fatalf("one without a record: %v, %v", ok, err)
		}
	}
}

// BenchmarkFind looks neighbours up, as a list of a participant has them.
func BenchmarkFind(b *testing.B) {
	const finished = 100_000
	l, epoch := filled(b, finished)
	for n := uint64(0); b.Loop(); n++ {
		if _, _, ok, err := l.Find(txc.ID{Coordinator: waltest.Number, Epoch: epoch, Sequence: 1 + n%finished}); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
