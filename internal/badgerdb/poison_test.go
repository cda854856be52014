package badgerdb_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

// B4, C3: what fails in Badger's own background work has no caller to hear of it. It poisons the database all the same.
func TestWhatBadgerOnlyLogsPoisons(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	if err := os.Mkdir(filepath.Join(dir, "badger", "000001.sst"), 0o700); err != nil { // so the first table cannot be made
		t.Fatal(err)
	}
	write := func(i int) error {
		return d.Commit(func(b *badgerdb.Batch) error {
			b.Set(fmt.Appendf(nil, "key%d", i), make([]byte, 64<<10))
			return nil
		})
	}
	for i := 0; i < 20 && d.Err() == nil; i++ { // more than one memtable, less than Badger has
		if err := write(i); err != nil && !errors.Is(err, txc.ErrStopped) {
			t.Fatal(err)
		}
	}
	select {
	case <-d.Failed():
	case <-time.After(10 * time.Second):
		t.Fatal("a table that cannot be written stops nobody")
	}
	if err := write(99); !errors.Is(err, txc.ErrStopped) || d.Err() == nil {
		t.Errorf("%v, %v", err, d.Err())
	}
}

// A store that lost its end, or its HEAD, or was put beside another's HEAD, is refused.
func TestAStoreThatEndsBeforeItsHeadIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := open(t, dir, headed())
	set(t, d, "a", "1")
	shut(t, d)
	old := filepath.Join(t.TempDir(), "old")
	copyTree(t, dir, old)
	d = open(t, dir, headed())
	set(t, d, "b", "2")
	shut(t, d)
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(says string) {
		t.Helper()
		if d, err := badgerdb.Open(old, headed()); !errors.Is(err, txc.ErrRefused) {
			t.Errorf("%s: %v", says, err)
			if err == nil {
				shut(t, d)
			}
		}
	}
	oldHead, err := os.ReadFile(filepath.Join(old, "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	for says, b := range map[string][]byte{"a later HEAD": head, "half of one": head[:10], "a flipped one": append([]byte("x"), head[1:]...)} {
		if err := os.WriteFile(filepath.Join(old, "HEAD"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(says)
	}
	if err := os.Remove(filepath.Join(old, "HEAD")); err != nil {
		t.Fatal(err)
	}
	refused("no HEAD")
	if err := os.WriteFile(filepath.Join(old, "HEAD"), oldHead, 0o600); err != nil {
		t.Fatal(err)
	}
	shut(t, open(t, old, headed()))
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), oldHead, 0o600); err != nil {
		t.Fatal(err)
	}
	shut(t, open(t, dir, headed())) // a power cut leaves an older one
}
