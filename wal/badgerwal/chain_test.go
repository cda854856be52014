package badgerwal_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/waltest"
)

// C6, V9: a group counts only if it is linked to the one before it. In each of these only the link is another one: the
// group is in its place, has its records, and its checksum is right; HEAD and all others are as they were.
func TestABrokenChainIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		at    int // byte of the group
		words string
	}{
		"the hash of another group before it": {34, "does not follow the one before it"},
		"another group's place before it":     {29, "does not follow the one before it"},
		"an opening that was not":             {13, "after one of opening"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.o.CheckpointEvery = 1 << 20
			s.dir = long(t, waltest.Cluster)
			tamper(t, s.dir, func(d *badgerdb.DB, b *badgerdb.Batch) error {
				groups := keys(t, d, "r")
				key := groups[len(groups)-10]
				b.Set(key, badgerwal.Resealed(get(t, d, key), c.at))
				return nil
			})
			mustRefuse(t, s, c.words)
		})
	}
}

// C6, V9: HEAD may be older than the end, so that a group which is missing behind it is told only by those that are
// left; and what lies behind the end, whoever wrote it, says that some are missing.
func TestAGroupBehindTheEndIsRefused(t *testing.T) {
	behind := func(change func(b []byte) []byte) func(*testing.T, *badgerdb.DB, *badgerdb.Batch, [][]byte) {
		return func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			last := groups[len(groups)-1]
			key := binary.BigEndian.AppendUint64([]byte("r"), binary.BigEndian.Uint64(last[1:])+1000)
			b.Set(key, change(get(t, d, last)))
		}
	}
	for name, change := range map[string]func(t *testing.T, d *badgerdb.DB, b *badgerdb.Batch, groups [][]byte){
		"one is missing behind HEAD": func(_ *testing.T, _ *badgerdb.DB, b *badgerdb.Batch, groups [][]byte) {
			b.Delete(groups[len(groups)-10])
		},
		"a group from elsewhere": behind(func(b []byte) []byte { return b }),
		"a newer program's":      behind(func(b []byte) []byte { return badgerwal.Resealed(b, 0) }),
		"a damaged one":          behind(func(b []byte) []byte { return b[:10] }),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.o.CheckpointEvery = 1 << 20
			l, rec := s.fill(10)
			path := filepath.Join(s.dir, "HEAD")
			old, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range uint64(20) {
				id := txc.ID{Coordinator: waltest.Number, Epoch: rec.Epoch, Sequence: 11 + i}
				if err := appendCommits(t, l, id, "", 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			tamper(t, s.dir, func(d *badgerdb.DB, b *badgerdb.Batch) error {
				change(t, d, b, keys(t, d, "r"))
				return nil
			})
			if err := os.WriteFile(path, old, 0o600); err != nil {
				t.Fatal(err)
			}
			mustRefuse(t, s, "are missing, those from")
		})
	}
}
