package badgerwal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb/killed"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
	"github.com/txc-dev/txc/wal/waltest"
)

// C7, B3: the sync of the last write fails and the process dies; the system holds that write in memory, but takes it for
// clean and never writes it. An Open reads it from there and relies on it, and only then the power goes: nothing of it
// may be gone. What the disk has is the files as they were before, and what the Open has written and synced itself.
func TestWhatAnOpenReliesOnIsWrittenAgain(t *testing.T) {
	const key = "order-1"
	for name, c := range map[string]struct {
		before int // transactions of the past
		last   func(t *testing.T, l *badgerwal.Log, id txc.ID) error
		clean  bool
	}{
		"a commit under a user's key": {10, func(t *testing.T, l *badgerwal.Log, id txc.ID) error {
			return appendCommits(t, l, id, key, 1)
		}, false},
		"the end of a block of the index": {2030, func(t *testing.T, l *badgerwal.Log, id txc.ID) error {
			return appendCommits(t, l, id, key, 50)
		}, false},
		"the record of a Close that went no further": {10, func(t *testing.T, l *badgerwal.Log, id txc.ID) error {
			if err := appendCommits(t, l, id, key, 1); err != nil {
				return err
			}
			return l.WriteClosed()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.o.CheckpointEvery = 1 << 20
			l, rec := s.fill(c.before)
			synced := filepath.Join(t.TempDir(), "synced")
			if err := killed.Copy(s.dir, synced); err != nil {
				t.Fatal(err)
			}
			id := txc.ID{Coordinator: waltest.Number, Epoch: rec.Epoch, Sequence: uint64(c.before) + 1}
			if err := c.last(t, l, id); err != nil {
				t.Fatal(err)
			}
			last := l.Synced()
			if err := s.Kill(l); err != nil {
				t.Fatal(err)
			}
			opened := s.mustOpen(2)
			if opened.rec.Clean != c.clean || opened.rec.Head != last {
				t.Fatalf("%+v, want clean %v, head %d", opened.rec, c.clean, last)
			}
			addNewFiles(t, s.dir, synced)
			if err := opened.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.dir = synced
			again := s.mustOpen(3)
			defer func() {
				if err := again.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			if _, _, ok, err := again.Find(id); !ok || err != nil {
				t.Errorf("the commit that was relied on: %v %v", ok, err)
			}
			if got, ok, err := again.FindKey(key); got != id || !ok || err != nil {
				t.Errorf("its key: %v %v %v", got, ok, err)
			}
			if n := len(opened.rec.Unfinished); len(again.rec.Unfinished) != n {
				t.Errorf("%d unfinished, not %d", len(again.rec.Unfinished), n)
			}
		})
	}
}

// openLog is a log with what its Open told.
type openLog struct {
	*badgerwal.Log
	rec wal.Recovery
}

func (s *store) mustOpen(mark uint64) openLog {
	s.t.Helper()
	l, rec, err := s.Open(mark, time.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	return openLog{l.(*badgerwal.Log), rec}
}

// fill opens a new log with so many finished transactions.
func (s *store) fill(finished int) (*badgerwal.Log, wal.Recovery) {
	s.t.Helper()
	l := s.mustOpen(1)
	if _, err := filling.Fill(s.t.Context(), l, filling.Past{Number: waltest.Number, Epoch: l.rec.Epoch, Finished: finished}); err != nil {
		s.t.Fatal(err)
	}
	return l.Log, l.rec
}

// appendCommits writes n transactions that are not ended, the first one under a user's key, in one Append.
func appendCommits(t *testing.T, l *badgerwal.Log, id txc.ID, key string, n int) error {
	t.Helper()
	var recs []wal.Record
	for range n {
		recs = append(recs, wal.New(id, time.Now(), wal.CommitBody{Key: key, Members: []wal.Member{{Participant: "bank-a"}}}))
		id.Sequence, key = id.Sequence+1, ""
	}
	_, err := l.Append(t.Context(), recs)
	return err
}

// addNewFiles copies Badger's write-ahead files that only one directory has, and HEAD: what an Open there made durable.
// Badger empties the older ones into tables after the Open, in its own time: that is left out.
func addNewFiles(t *testing.T, from, to string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(from, "badger", "*.mem"))
	if err != nil {
		t.Fatal(err)
	}
	added := 0
	for _, path := range append(all, filepath.Join(from, "HEAD")) {
		rel, err := filepath.Rel(from, path)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(to, rel)
		if _, err := os.Lstat(at); err == nil && rel != "HEAD" {
			continue
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // emptied meanwhile
		}
		if err == nil {
			err = os.WriteFile(at, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		added++
	}
	if added < 2 {
		t.Fatalf("the Open began no write-ahead file of its own: %v", all)
	}
}
