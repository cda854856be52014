package badgerdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

func small() badgerdb.Options {
	return badgerdb.Options{Role: badgerdb.RoleKV, Cluster: "test", Name: "bank-a", MinFree: 1, Ballast: -1, MemTable: 1 << 20}
}

func open(t *testing.T, dir string, o badgerdb.Options) *badgerdb.DB {
	t.Helper()
	d, err := badgerdb.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, d) })
	return d
}

func shut(t *testing.T, d *badgerdb.DB) {
	t.Helper()
	if err := d.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, d *badgerdb.DB, key, value string) {
	t.Helper()
	err := d.Commit(func(b *badgerdb.Batch) error {
		b.Set([]byte(key), []byte(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsCommittedIsThereAfterReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := open(t, dir, small())
	instance := d.Identity().Instance
	set(t, d, "a", "1")
	set(t, d, "b", "2")
	shut(t, d)
	d = open(t, dir, small())
	if d.Identity().Instance != instance || instance == ([16]byte{}) {
		t.Fatal("the store's identity changed")
	}
	var got []string
	err := d.Scan(nil, func(k, v []byte) (bool, error) {
		got = append(got, string(k)+"="+string(v))
		return true, nil
	})
	if err != nil || strings.Join(got, " ") != "a=1 b=2" {
		t.Fatal(got, err)
	}
}

func TestADirectoryBelongsToOneOwner(t *testing.T) {
	other := func(change func(*badgerdb.Options)) badgerdb.Options {
		o := small()
		change(&o)
		return o
	}
	for name, o := range map[string]badgerdb.Options{
		"another cluster is refused": other(func(o *badgerdb.Options) { o.Cluster = "other" }),
		"another name is refused":    other(func(o *badgerdb.Options) { o.Name = "bank-b" }),
		"another number is refused":  other(func(o *badgerdb.Options) { o.Number = 2 }),
		"another role is refused":    other(func(o *badgerdb.Options) { o.Role = badgerdb.RoleCoordinator }),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			shut(t, open(t, dir, small()))
			if _, err := badgerdb.Open(dir, o); !errors.Is(err, txc.ErrRefused) {
				t.Fatal(err)
			}
		})
	}
}

func TestLinksAreRefused(t *testing.T) {
	dir := t.TempDir()
	shut(t, open(t, dir, small()))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, link + "/"} {
		if _, err := badgerdb.Open(name, small()); !errors.Is(err, txc.ErrInvalid) {
			t.Fatal(name, err)
		}
	}
	if err := os.Link(filepath.Join(dir, "badger", "MANIFEST"), filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerdb.Open(dir, small()); !errors.Is(err, txc.ErrInvalid) {
		t.Fatal(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := open(t, dir, small())
	check := func() {
		t.Helper()
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				err = fmt.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check()
	shut(t, d)
	check()
}

func TestABatchThatCannotBeWrittenPoisonsNothing(t *testing.T) {
	d := open(t, t.TempDir(), small())
	for name, fill := range map[string]func(b *badgerdb.Batch) error{
		"too large": func(b *badgerdb.Batch) error {
			for i := range 100 {
				b.Set(fmt.Appendf(nil, "key%d", i), make([]byte, 4<<10))
			}
			return nil
		},
		"value too large": func(b *badgerdb.Batch) error { b.Set([]byte("k"), make([]byte, 1<<20)); return nil },
		"empty key":       func(b *badgerdb.Batch) error { b.Set(nil, nil); return nil },
	} {
		if err := d.Commit(fill); !errors.Is(err, txc.ErrInvalid) {
			t.Fatal(name, err)
		}
	}
	set(t, d, "a", "1")
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
}

func TestAfterAnErrorNothingIsWritten(t *testing.T) {
	d := open(t, t.TempDir(), small())
	cause := errors.New("HEAD could not be written")
	if err := d.Poison(cause); !errors.Is(err, txc.ErrStopped) || !errors.Is(err, cause) {
		t.Fatal(err)
	}
	err := d.Commit(func(b *badgerdb.Batch) error { b.Set([]byte("a"), nil); return nil })
	if !errors.Is(err, txc.ErrStopped) || !errors.Is(err, cause) {
		t.Fatal(err)
	}
	select {
	case <-d.Failed():
	default:
		t.Fatal("nobody was told")
	}
	if _, ok, err := d.Get([]byte("a")); ok || err != nil {
		t.Fatal(ok, err)
	}
}

// C3: an error after Badger has taken a batch, here from looking for new files of Badger's, leaves its fate unknown.
func TestABatchOfUnknownFatePoisons(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	set(t, d, "a", "1")
	inside, aside := filepath.Join(dir, "badger"), filepath.Join(dir, "aside")
	if err := os.Rename(inside, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(b *badgerdb.Batch) error { b.Set([]byte("b"), []byte("2")); return nil }
	first := d.Commit(write)
	if err := errors.Join(os.Remove(inside), os.Rename(aside, inside)); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(first, txc.ErrStopped) {
		t.Fatalf("the batch: %v", first)
	}
	if again := d.Commit(write); !errors.Is(again, txc.ErrStopped) || again.Error() != first.Error() {
		t.Fatalf("the next one, with the files in their place again: %v", again)
	}
}

func TestRoomIsLowBelowTheWatermarkAndCommitsStillWork(t *testing.T) {
	o := small()
	o.MinFree = 1 << 60
	o.Ballast = 64 << 10
	dir := t.TempDir()
	d := open(t, dir, o)
	if _, low := d.Room(); !low {
		t.Fatal("not low")
	}
	set(t, d, "a", "1")
	o.MinFree = 1
	shut(t, d)
	d = open(t, dir, o)
	if free, low := d.Room(); low || free == 0 {
		t.Fatal(free, low)
	}
	if info, err := os.Stat(filepath.Join(dir, "ballast")); err != nil || info.Size() != o.Ballast {
		t.Fatal("the ballast was not filled up again", err)
	}
}

func TestTheBallastIsGivenUpWhenSpaceGetsVeryShort(t *testing.T) {
	o := small()
	o.Ballast = 64 << 10
	dir := t.TempDir()
	shut(t, open(t, dir, o))
	ballast := filepath.Join(dir, "ballast")
	if _, err := os.Stat(ballast); err != nil {
		t.Fatal(err)
	}
	o.MinFree = 1 << 62
	d := open(t, dir, o)
	if _, low := d.Room(); !low {
		t.Fatal("not low")
	}
	if _, err := os.Stat(ballast); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the ballast is still there", err)
	}
	set(t, d, "a", "1")
}

// What a ballast was to keep back is for what runs, not for new work.
func TestRoomIsLowUntilThereIsSpaceForTheBallastToo(t *testing.T) {
	o := small()
	o.Ballast = 1 << 60
	d := open(t, t.TempDir(), o)
	if free, low := d.Room(); !low {
		t.Fatalf("%d bytes free are not low without a ballast of %d", free, o.Ballast)
	}
	set(t, d, "a", "1")
}

// B7: on a dead disk a Commit may never return, and Close must all the same.
func TestCloseIsBoundedBesideAHangingCommit(t *testing.T) {
	d := open(t, t.TempDir(), small())
	inside, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.Commit(func(b *badgerdb.Batch) error {
			close(inside)
			<-release
			b.Set([]byte("a"), []byte("1"))
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Close(ctx); !errors.Is(err, txc.ErrStopped) {
		t.Fatal(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	shut(t, d)
	if _, _, err := d.Get([]byte("a")); !errors.Is(err, txc.ErrClosed) {
		t.Fatal(err)
	}
}
