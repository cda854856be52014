package mem_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
	"github.com/txc-dev/txc/wal/waltest"
)

type store struct{ disk *mem.Disk }

func (s *store) Open(mark uint64, now func() time.Time) (wal.Log, wal.Recovery, error) {
	l, rec, err := mem.Open(s.disk, mem.Options{Cluster: waltest.Cluster, Number: waltest.Number, Mark: mark, Now: now})
	if err != nil {
		return nil, rec, err
	}
	return l, rec, nil
}

func (s *store) Kill(wal.Log) error { return nil }

func (s *store) Flush(l wal.Log) error { return l.(*mem.Log).Flush() }

func (s *store) LosePower(wal.Log) error {
	s.disk.LoseUnsynced()
	return nil
}

func (s *store) Fail(_ wal.Log, durable bool) error {
	if durable {
		s.disk.Fail(mem.FailedKept)
	} else {
		s.disk.Fail(mem.FailedLost)
	}
	return nil
}

func (s *store) Drop(l wal.Log, lsn uint64) error { return l.(*mem.Log).Drop(lsn) }

func (s *store) Shorten(lsn uint64) error {
	s.disk.Truncate(lsn)
	return nil
}

func TestLog(t *testing.T) {
	waltest.Run(t, func(*testing.T) waltest.Store { return &store{mem.NewDisk()} })
}

func open(t *testing.T, d *mem.Disk) (*mem.Log, wal.Recovery) {
	t.Helper()
	l, rec, err := mem.Open(d, options())
	if err != nil {
		t.Fatal(err)
	}
	return l, rec
}

func options() mem.Options {
	return mem.Options{Cluster: "test", Number: 1, Mark: 7, Now: func() time.Time { return time.Unix(0, 0) }}
}

func commit(t *testing.T, l *mem.Log, sequence uint64) uint64 {
	t.Helper()
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: sequence}
	lsn, err := l.Append(t.Context(), []wal.Record{wal.New(id, time.Unix(0, 0), wal.CommitBody{})})
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

func TestAPowerLossTakesWhatWasOnlyWritten(t *testing.T) {
	d := mem.NewDisk()
	l, _ := open(t, d)
	commit(t, l, 1)
	d.Fail(mem.FailedWritten)
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: 2}
	if _, err := l.Append(t.Context(), []wal.Record{wal.New(id, time.Unix(0, 0), wal.CommitBody{})}); !errors.Is(err, txc.ErrStopped) {
		t.Fatal(err)
	}
	killed := d.Copy()
	if _, rec := open(t, killed); len(rec.Unfinished) != 2 {
		t.Fatal("the death of the process took what the system still had")
	}
	d.LoseUnsynced()
	if _, rec := open(t, d); len(rec.Unfinished) != 1 {
		t.Fatal("a power loss kept what was never synced")
	}
}

func TestATornWriteEndsTheLog(t *testing.T) {
	d := mem.NewDisk()
	l, _ := open(t, d)
	last := commit(t, l, 1)
	d.Fail(mem.FailedWritten)
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: 2}
	long := wal.New(id, time.Unix(0, 0), wal.CommitBody{Key: strings.Repeat("k", txc.MaxKey), Labels: map[string]string{"a": strings.Repeat("v", 200)}})
	if _, err := l.Append(t.Context(), []wal.Record{long, long, long, long, long}); !errors.Is(err, txc.ErrStopped) {
		t.Fatal(err)
	}
	for before := range 3 {
		image := d.Copy()
		image.Tear(before)
		if _, rec := open(t, image); len(rec.Unfinished) != 1 || rec.Head != last {
			t.Fatalf("torn after %d sectors: %d unfinished, head %d", before, len(rec.Unfinished), rec.Head)
		}
	}
}

func TestADeadDiskStaysDead(t *testing.T) {
	d := mem.NewDisk()
	d.Break(mem.FailedLost)
	for range 2 {
		if _, _, err := mem.Open(d, options()); !errors.Is(err, txc.ErrStopped) {
			t.Fatal(err)
		}
	}
	d.Mend()
	open(t, d)
}

func TestARestartTakesTheDiskAway(t *testing.T) {
	d := mem.NewDisk()
	old, _ := open(t, d)
	open(t, d)
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}
	if _, err := old.Append(t.Context(), []wal.Record{wal.New(id, time.Unix(0, 0), wal.CommitBody{})}); !errors.Is(err, txc.ErrStopped) {
		t.Fatal(err)
	}
}

func TestALostTailIsRefusedWithHeadAndUnseenWithoutIt(t *testing.T) {
	d := mem.NewDisk()
	l, _ := open(t, d)
	first := commit(t, l, 1)
	last := commit(t, l, 2)
	unseen := d.Copy()
	unseen.Cut(first)
	if _, rec := open(t, unseen); len(rec.Unfinished) != 1 || rec.Head != first {
		t.Fatal("the tail is still there")
	}
	d.Truncate(first)
	if _, _, err := mem.Open(d, options()); !errors.Is(err, txc.ErrRefused) {
		t.Fatal(err)
	}
	lost := wal.Range{Epoch: 1, Mark: 7, From: first + 1, To: last}
	if got, err := mem.AcceptLoss(d, options(), "ann", "a test"); err != nil || len(got) != 1 || got[0] != lost {
		t.Fatal(got, err)
	}
	_, rec := open(t, d)
	if rec.Epoch != 2 || len(rec.Accepted) != 1 || rec.Accepted[0].Body.(wal.ResolutionBody).Lost[0] != lost {
		t.Fatalf("%+v", rec)
	}
}

// C12: what was lost may begin in one opening and end in another. The one that the rest ends in is disowned too.
func TestALossThatSpansOpenings(t *testing.T) {
	d := mem.NewDisk()
	l, first := open(t, d)
	kept := commit(t, l, 1)
	commit(t, l, 2) // of the first opening, and lost
	_, second := open(t, d)
	d.Truncate(kept) // HEAD still tells of the second
	if _, _, err := mem.Open(d, options()); !errors.Is(err, txc.ErrRefused) {
		t.Fatal(err)
	}
	lost, err := mem.AcceptLoss(d, options(), "ann", "a test")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []wal.Recovery{first, second} {
		if !slices.ContainsFunc(lost, func(r wal.Range) bool { return r.Epoch == of.Epoch && r.Mark == of.Mark }) {
			t.Errorf("epoch %d is not disowned: %+v", of.Epoch, lost)
		}
	}
}

func TestAFlippedByteIsRefused(t *testing.T) {
	d := mem.NewDisk()
	l, _ := open(t, d)
	lsn := commit(t, l, 1)
	commit(t, l, 2)
	for at := range 100 {
		image := d.Copy()
		image.Flip(lsn, at)
		if _, _, err := mem.Open(image, options()); !errors.Is(err, txc.ErrRefused) {
			t.Fatal(at, err)
		}
	}
}

func TestAnotherLogsDiskIsRefused(t *testing.T) {
	d := mem.NewDisk()
	open(t, d)
	o := options()
	o.Number = 2
	if _, _, err := mem.Open(d, o); !errors.Is(err, txc.ErrRefused) {
		t.Fatal(err)
	}
}

func TestALongLogIsReplayedFromItsCheckpoint(t *testing.T) {
	d := mem.NewDisk()
	for range 3 {
		l, _ := open(t, d)
		for i := range uint64(3000) {
			commit(t, l, i+1)
		}
		for i := range uint64(2990) {
			id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: i + 1}
			if _, err := l.Append(t.Context(), []wal.Record{wal.New(id, time.Unix(0, 0), wal.EndBody{})}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l, rec := open(t, d)
	if !rec.Clean || len(rec.Unfinished) != 10 || len(rec.Openings) != 4 {
		t.Fatalf("clean %v, %d unfinished, %d openings", rec.Clean, len(rec.Unfinished), len(rec.Openings))
	}
	next := l.Synced()
	for r, err := range l.History(t.Context()) {
		if err != nil || r.LSN != next {
			t.Fatal(r.LSN, next, err)
		}
		next--
	}
}
