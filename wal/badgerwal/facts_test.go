package badgerwal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
	"github.com/txc-dev/txc/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What Badger syncs is its newest write-ahead file only: with one transaction for each group nothing is missed when
// the files change in between, however large the groups are.
func TestNothingIsMissingWhenWriteAheadFilesChange(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	text := strings.Repeat("x", 50<<10)
	want := []txc.ID{}
	for i := range 8 {
		var recs []wal.Record
		for range 1 + i*40 { // the last ones are larger than a memtable
			id := a.id()
			want = append(want, id)
			recs = append(recs, wal.New(id, a.now, wal.CommitBody{Key: fmt.Sprint(id)}), wal.New(a.id(), a.now, wal.AbortBody{Key: text}))
		}
		a.append(recs...)
	}
	a.kill()
	if len(a.rec.Unfinished) != len(want) {
		t.Fatalf("%d unfinished, want %d", len(a.rec.Unfinished), len(want))
	}
	for _, id := range want {
		a.findKey(fmt.Sprint(id), id, true)
	}
	a.verify()
}

// B7: below the watermark new work is refused by whoever asks Room, and what runs is still written.
func TestRoomIsLowBeforeTheDiskIsFull(t *testing.T) {
	s := newStore(t)
	s.o.MinFree, s.o.Ballast = 1<<60, 1<<20
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if free, low := log.Room(); !low || free == 0 {
		t.Fatal(free, low)
	}
	id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: 1}
	if _, err := log.Append(t.Context(), []wal.Record{wal.New(id, time.Now(), wal.CommitBody{})}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLazyRecordsAreWrittenAfterTheirDelay(t *testing.T) {
	s := newStore(t)
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: 1}
	lsn, err := log.Append(t.Context(), []wal.Record{wal.New(id, time.Now(), wal.EndBody{})})
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(wal.LazyDelay / 10)
	defer look.Stop()
	for deadline := time.Now().Add(10 * time.Second); log.Synced() < lsn; <-look.C {
		if time.Now().After(deadline) {
			t.Fatal("never written")
		}
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// C3: an Append whose own write is of unknown fate says so itself, not only the next one.
func TestAnAppendOfUnknownFateFails(t *testing.T) {
	s := newStore(t)
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	inside, aside := filepath.Join(s.dir, "badger"), filepath.Join(s.dir, "aside")
	if err := os.Rename(inside, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inside, nil, 0o600); err != nil { // where Badger's new files are looked for after each write
		t.Fatal(err)
	}
	id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: 1}
	_, failed := log.Append(t.Context(), []wal.Record{wal.New(id, time.Now(), wal.CommitBody{})})
	if err := errors.Join(os.Remove(inside), os.Rename(aside, inside)); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, txc.ErrStopped) {
		t.Errorf("the append: %v", failed)
	}
	if err := log.Close(t.Context()); !errors.Is(err, txc.ErrStopped) {
		t.Errorf("close: %v", err)
	}
}

// An Append that takes several transactions counts when its last one is there, and leaves nothing else behind.
func TestAnAppendThatWasCutShortNeverWas(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	kept := a.keyed("kept")
	text := strings.Repeat("x", 50<<10)
	for groups := range 4 {
		var recs []wal.Record
		var ids []txc.ID
		for range 40 {
			id := a.id()
			ids = append(ids, id)
			recs = append(recs, wal.New(id, a.now, wal.CommitBody{Key: fmt.Sprint(id)}), wal.New(a.id(), a.now, wal.AbortBody{Key: text}))
		}
		before := a.log.Synced()
		if err := a.log.AppendPartly(recs, groups); err != nil {
			t.Fatal(err)
		}
		a.kill()
		if a.rec.Head != before || len(a.rec.Unfinished) != 0 {
			t.Fatalf("%d groups: head %d, before %d, %d unfinished", groups, a.rec.Head, before, len(a.rec.Unfinished))
		}
		for _, id := range ids {
			a.find(id, false)
			a.findKey(fmt.Sprint(id), txc.ID{}, false)
		}
		a.findKey("kept", kept, true)
		a.write(100)
		a.verify()
	}
}

// A checkpoint without its record counts for nothing, and the next one takes its place.
func TestACheckpointThatWasCutShortNeverWas(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	running := a.id()
	a.append(wal.New(running, a.now, wal.CommitBody{}))
	for range 3 {
		if err := a.log.CheckpointPartly(); err != nil {
			t.Fatal(err)
		}
		a.kill()
		if len(a.rec.Unfinished) != 1 || a.rec.Unfinished[0].Commit.ID != running {
			t.Fatalf("%+v", a.rec.Unfinished)
		}
		a.verify()
	}
}

// A checkpoint is carried by as many chunks as it needs.
func TestAnOpenWithManyUnfinishedTransactions(t *testing.T) {
	s := newStore(t)
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := filling.Fill(t.Context(), log, filling.Past{Number: waltest.Number, Epoch: rec.Epoch, Finished: 100, Unfinished: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Kill(log); err != nil {
			t.Fatal(err)
		}
		if log, rec, err = s.Open(2, time.Now); err != nil {
			t.Fatal(err)
		}
		if len(rec.Unfinished) != len(ids) {
			t.Fatal(len(rec.Unfinished))
		}
		for i, u := range rec.Unfinished {
			if u.Commit.ID != ids[i] {
				t.Fatal(i, u.Commit.ID, ids[i])
			}
		}
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rep, err := badgerwal.Verify(s.dir); err != nil || rep.Unfinished != len(ids) {
		t.Fatalf("%+v %v", rep, err)
	}
}
