package badgerwal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
	"github.com/txc-dev/txc/wal/waltest"
)

// tamper changes what stands in Badger, behind the log's back.
func tamper(t *testing.T, dir string, fill func(d *badgerdb.DB, b *badgerdb.Batch) error) {
	t.Helper()
	id, release, err := badgerdb.Look(dir)
	if err := errors.Join(err, release()); err != nil {
		t.Fatal(err)
	}
	d, err := badgerdb.Open(dir, badgerdb.Options{Role: id.Role, Cluster: id.Cluster, Number: id.Number, MinFree: 1, Ballast: -1, MemTable: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(func(b *badgerdb.Batch) error { return fill(d, b) }); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, d *badgerdb.DB, key []byte) []byte {
	t.Helper()
	v, ok, err := d.Get(key)
	if err != nil || !ok {
		t.Fatal(string(key[:1]), ok, err)
	}
	return v
}

// keys lists the keys with a prefix.
func keys(t *testing.T, d *badgerdb.DB, prefix string) (all [][]byte) {
	t.Helper()
	err := d.Scan([]byte(prefix), func(key, _ []byte) (bool, error) {
		all = append(all, append([]byte(nil), key...))
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// long makes a log with a finished block, the same in every cluster but for the owner.
func long(t *testing.T, cluster string) string {
	t.Helper()
	s := newStore(t)
	s.o.Cluster = cluster
	s.o.CheckpointEvery = 1 << 20 // what is behind the checkpoint is long
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filling.Fill(t.Context(), log, filling.Past{Number: 1, Epoch: rec.Epoch, Finished: 4500}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, _ := past(t, s)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.dir
}

// V9: a gap, a duplicate, a foreign record, a missing index: whatever does not belong together is refused, with words
// that say what it is and what to do.
func TestATamperedLogIsRefused(t *testing.T) {
	foreign := long(t, "other")
	for name, c := range map[string]struct {
		change func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, groups [][]byte)
		words  string
	}{
		"a missing group": {func(_ *testing.T, _ *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			b.Delete(groups[len(groups)-10])
		}, "are missing, those from"},
		"a group twice": {func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			b.Set(groups[len(groups)-10], get(t, d, groups[len(groups)-11]))
		}, "twice"},
		"a foreign group": {func(t *testing.T, _ *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			key := groups[len(groups)-10]
			tamper(t, foreign, func(d *badgerdb.DB, _ *badgerdb.Batch) error {
				b.Set(key, get(t, d, key))
				return nil
			})
		}, "another log"},
		"a missing end": {func(_ *testing.T, _ *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			b.Delete(groups[len(groups)-1])
		}, "its end is lost"},
		"half a checkpoint": {func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, _ [][]byte) {
			key := keys(t, d, "c")[0]
			b.Set(key, get(t, d, key)[:100])
		}, "checkpoint"},
		"a missing index entry": {func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, _ [][]byte) {
			b.Delete(keys(t, d, "i")[0])
		}, "index of records 0 to 4095 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.dir = long(t, waltest.Cluster)
			tamper(t, s.dir, func(d *badgerdb.DB, b *badgerdb.Batch) error {
				c.change(t, d, b, keys(t, d, "r"))
				return nil
			})
			_, _, err := s.Open(9, time.Now)
			if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), "accept the loss") {
				t.Fatalf("want %q: %v", c.words, err)
			}
		})
	}
}

// Only one checkpoint is kept, whatever was cut short.
func TestOldCheckpointsAreTakenAway(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	a.write(5000)
	if err := a.log.CheckpointPartly(); err != nil {
		t.Fatal(err)
	}
	a.kill()
	if err := a.log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	tamper(t, a.store.dir, func(d *badgerdb.DB, _ *badgerdb.Batch) error {
		if n := len(keys(t, d, "c")); n != 1 {
			t.Errorf("%d chunks", n)
		}
		return nil
	})
	if _, err := badgerwal.Verify(a.store.dir); err != nil {
		t.Fatal(err)
	}
	a.open()
}
