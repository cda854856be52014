package badgerwal_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb/killed"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// killedPast is a log that was killed with a write-ahead file that holds its end.
func killedPast(t *testing.T) (*store, uint64) {
	t.Helper()
	s := newStore(t)
	l, last := past(t, s)
	if err := s.Kill(l); err != nil {
		t.Fatal(err)
	}
	return s, last
}

// newestMem is the write-ahead file with the log's end.
func newestMem(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "badger", "*.mem"))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return slices.Max(all)
}

// damage changes a byte in the last third of the log's write-ahead file.
func damage(t *testing.T, dir string) {
	t.Helper()
	path := newestMem(t, dir)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(strings.TrimRight(string(data), "\x00"))*2/3] ^= 4
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustRefuse opens a log that is refused, and checks that nothing was changed by that.
func mustRefuse(t *testing.T, s *store, words string) {
	t.Helper()
	before := contentsOf(t, s.dir)
	_, _, err := s.Open(9, time.Now)
	if !errors.Is(err, txc.ErrRefused) || !strings.Contains(err.Error(), words) {
		t.Fatalf("want %q: %v", words, err)
	}
	after := contentsOf(t, s.dir)
	delete(before, filepath.Join(s.dir, "LOCK"))
	delete(after, filepath.Join(s.dir, "LOCK"))
	if !maps.EqualFunc(before, after, slices.Equal) {
		t.Fatal("a refused Open changed files")
	}
}

// What Badger takes for a shorter log (a flipped byte in its write-ahead file) is refused, and can be accepted.
func TestALostEndIsRefusedAndCanBeAccepted(t *testing.T) {
	s, last := killedPast(t)
	damage(t, s.dir)
	mustRefuse(t, s, "its end is lost")
	loss, err := badgerwal.AcceptLoss(s.dir, "ann", "the disk flipped a bit")
	if err != nil {
		t.Fatal(err)
	}
	want := wal.Range{Epoch: 3, Mark: 3, From: loss.Last + 1, To: last}
	if loss.First != 1 || loss.Last == 0 || loss.Last >= last || !slices.Equal(loss.Lost, []wal.Range{want}) {
		t.Fatalf("%+v, want %+v", loss, want)
	}
	if _, err := os.Stat(filepath.Join(loss.Copy, "badger", "MANIFEST")); err != nil {
		t.Fatal("the old files are not kept", err)
	}
	if rep, err := badgerwal.Verify(s.dir); err != nil || !rep.Whole {
		t.Fatalf("%+v %v", rep, err)
	}
	log, rec, err := s.Open(10, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Epoch != 4 || len(rec.Accepted) != 1 || rec.Accepted[0].Body.(wal.ResolutionBody).Who != "ann" || len(rec.Openings) != 4 {
		t.Fatalf("%+v", rec)
	}
	for n := range uint64(60) { // the second opening is all there
		id := txc.ID{Coordinator: 1, Epoch: 2, Sequence: 61 + n}
		if _, _, ok, err := log.Find(id); !ok || err != nil {
			t.Fatal(id, ok, err)
		}
	}
	if id, ok, err := log.FindKey("key-13"); !ok || err != nil || id.Epoch != 2 {
		t.Fatal(id, ok, err)
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerwal.AcceptLoss(s.dir, "ann", "again"); !errors.Is(err, txc.ErrInvalid) {
		t.Fatal("a log that is in order was replaced", err)
	}
}

func TestWhatIsRefusedAndCanBeAccepted(t *testing.T) {
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		harm  func(t *testing.T, dir string)
		words string
		kept  bool // everything
	}{
		"HEAD is missing":                 {remove("HEAD"), "HEAD is missing", true},
		"the newest write-ahead is gone":  {func(t *testing.T, dir string) { remove("badger/"+filepath.Base(newestMem(t, dir)))(t, dir) }, "", false},
		"all of Badger's files are gone":  {remove("badger"), "its end is lost", false},
		"the manifest is gone":            {remove("badger/MANIFEST"), "MANIFEST", true},
		"HEAD is an old copy's":           {oldHead, "another one", true},
		"everything but identity is gone": {func(t *testing.T, dir string) { remove("badger")(t, dir); remove("HEAD")(t, dir) }, "HEAD", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, last := killedPast(t)
			c.harm(t, s.dir)
			mustRefuse(t, s, c.words)
			loss, err := badgerwal.AcceptLoss(s.dir, "ann", name)
			if err != nil {
				t.Fatal(err)
			}
			if c.kept && loss.Last != last || !c.kept && loss.Last >= last || len(loss.Lost) == 0 || loss.Lost[0].From != loss.Last+1 {
				t.Fatalf("%+v of %d records", loss, last)
			}
			log, rec, err := s.Open(11, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			if top := loss.Lost[len(loss.Lost)-1]; rec.Epoch <= top.Epoch || len(rec.Accepted) != 1 {
				t.Fatalf("epoch %d, lost %+v", rec.Epoch, top)
			}
			if loss.Last == 0 && log.Floor().IsZero() {
				t.Fatal("nothing is left of the history, and the floor does not say so")
			}
			if err := log.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := badgerwal.Verify(s.dir); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// oldHead puts a HEAD of another log in the place of this one's.
func oldHead(t *testing.T, dir string) {
	t.Helper()
	other := newStore(t)
	l, _ := past(t, other)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(other.dir, "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	// Of a run that came as far: nothing but the hash tells them apart.
	mine, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), badgerwal.WithHash(mine, data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whenever the acceptance is cut short, the log stays refused, and running it again finishes it.
func TestAnAcceptanceThatWasCutShortIsFinished(t *testing.T) {
	s, _ := killedPast(t)
	damage(t, s.dir)
	whole := newStore(t)
	if err := killed.Copy(s.dir, whole.dir); err != nil {
		t.Fatal(err)
	}
	want, err := badgerwal.AcceptLoss(whole.dir, "ann", "a test")
	if err != nil {
		t.Fatal(err)
	}
	for step := range badgerwal.AcceptSteps {
		cut := newStore(t)
		if err := killed.Copy(s.dir, cut.dir); err != nil {
			t.Fatal(err)
		}
		if err := badgerwal.AcceptUpTo(cut.dir, step); err != nil {
			t.Fatal(step, err)
		}
		mustRefuse(t, cut, "")
		if _, err := badgerwal.AcceptLoss(cut.dir, "ann", "a test"); err != nil {
			t.Fatal(step, err)
		}
		log, rec, err := cut.Open(12, time.Now)
		if err != nil {
			t.Fatal(step, err)
		}
		if rec.Head != want.Last+2 || len(rec.Accepted) != 1 { // behind it the resolution and its checkpoint
			t.Fatalf("step %d: %+v", step, rec)
		}
		if err := log.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHeadAloneIsNotANewLog(t *testing.T) {
	s, _ := killedPast(t)
	for _, name := range []string{"badger", "IDENTITY"} {
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	mustRefuse(t, s, "the rest of the log is missing")
}

// What a newer program wrote is refused with other words, and is nothing to accept: it is all there.
func TestANewerLogIsRefusedAndNothingOfItIsGivenUp(t *testing.T) {
	s := newStore(t)
	l, _ := past(t, s)
	if err := l.AppendNewer(); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(l); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, s, "made by a newer txc")
	before := contentsOf(t, s.dir)
	if _, err := badgerwal.AcceptLoss(s.dir, "ann", "a test"); !errors.Is(err, wal.ErrNewer) {
		t.Fatal(err)
	}
	if after := contentsOf(t, s.dir); len(after) != len(before) {
		t.Fatal("files were changed")
	}
}

func TestAClosedLogSaysSoToItsReaders(t *testing.T) {
	s := newStore(t)
	l, _ := past(t, s)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := l.Find(txc.ID{Coordinator: 1, Epoch: 1, Sequence: 2}); !errors.Is(err, txc.ErrClosed) {
		t.Fatal(err)
	}
	for _, err := range l.History(t.Context()) {
		if !errors.Is(err, txc.ErrClosed) {
			t.Fatal(err)
		}
	}
}
