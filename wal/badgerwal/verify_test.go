package badgerwal_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

func TestVerifyAndDumpReadAllAndChangeNothing(t *testing.T) {
	s, last := killedPast(t)
	before := contentsOf(t, s.dir)
	rep, err := badgerwal.Verify(s.dir)
	if err != nil || rep.Last != last || rep.First != 1 || rep.Records != int(last) || rep.Transactions != 180 || rep.Keys != 36 || rep.Openings != 3 || !rep.Whole || rep.Clean {
		t.Fatalf("%+v %v", rep, err)
	}
	next := uint64(1)
	err = badgerwal.Dump(s.dir, func(r wal.Record) error {
		if r.LSN != next {
			t.Fatalf("record %d, want %d", r.LSN, next)
		}
		next++
		return nil
	})
	if err != nil || next != last+1 {
		t.Fatal(next, err)
	}
	after := contentsOf(t, s.dir)
	delete(before, filepath.Join(s.dir, "LOCK"))
	delete(after, filepath.Join(s.dir, "LOCK"))
	if !maps.EqualFunc(before, after, slices.Equal) {
		t.Fatal("files were changed")
	}
	head := filepath.Join(s.dir, "HEAD")
	if err := os.Rename(head, head+".away"); err != nil {
		t.Fatal(err)
	}
	next = 0
	err = badgerwal.Dump(s.dir, func(wal.Record) error { next++; return nil })
	if !errors.Is(err, txc.ErrRefused) || next != last {
		t.Fatalf("a log that may have been shortened was dumped as if it were whole: %d records, %v", next, err)
	}
	if err := os.Rename(head+".away", head); err != nil {
		t.Fatal(err)
	}
	log, _, err := s.Open(4, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := badgerwal.Verify(s.dir); !errors.Is(err, txc.ErrBusy) {
		t.Fatal(err)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerwal.Verify(t.TempDir()); !errors.Is(err, txc.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestADirectoryOfAnotherCoordinatorIsRefused(t *testing.T) {
	s, _ := killedPast(t)
	s.o.Number = 2
	mustRefuse(t, s, "number 1, not 2")
	s.o.Number, s.o.Cluster = 1, "other"
	mustRefuse(t, s, "cluster test, not other")
}
