package badgerdb_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/internal/badgerdb/killed"
)

// content is all that a scan shows.
func content(t *testing.T, scan func(prefix []byte, f func(k, v []byte) (bool, error)) error) map[string]string {
	t.Helper()
	all := map[string]string{}
	last := ""
	err := scan(nil, func(k, v []byte) (bool, error) {
		if string(k) <= last {
			return false, fmt.Errorf("%q after %q", k, last)
		}
		last = string(k)
		all[string(k)] = string(v)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := badgerdb.Inspect(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := content(t, s.Scan)
	for k, v := range all {
		if got, ok, err := s.Get([]byte(k)); err != nil || !ok || string(got) != v {
			t.Fatalf("%q: %q, %v, %v", k, got, ok, err)
		}
	}
	return all
}

// copyTree makes what SIGKILL at this instant would leave.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := killed.Copy(from, to); err != nil {
		t.Fatal(err)
	}
}

// churn writes and deletes at random, enough to fill memtables and to compact them.
func churn(t *testing.T, d *badgerdb.DB, rnd *rand.Rand, want map[string]string, rounds int) {
	t.Helper()
	for range rounds {
		err := d.Commit(func(b *badgerdb.Batch) error {
			for range 1 + rnd.IntN(20) {
				key := fmt.Sprintf("%c%04d", "akz"[rnd.IntN(3)], rnd.IntN(3000))
				if rnd.IntN(3) == 0 {
					b.Delete([]byte(key))
					delete(want, key)
					continue
				}
				value := strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(900))
				b.Set([]byte(key), []byte(value))
				want[key] = value
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func equalContent(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Fatalf("%s: %d keys, want %d", what, len(got), len(want))
	}
}

func TestASnapshotShowsWhatBadgerShows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rnd := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	for round := range 4 {
		d := open(t, dir, small())
		equalContent(t, "badger", content(t, d.Scan), want)
		churn(t, d, rnd, want, 400)
		equalContent(t, "badger after writing", content(t, d.Scan), want)
		after := filepath.Join(t.TempDir(), "killed")
		copyTree(t, dir, after)
		equalContent(t, "a snapshot of a killed one", snapshot(t, after), want)
		k := open(t, after, small())
		equalContent(t, "a killed one", content(t, k.Scan), want)
		if round < 2 {
			shut(t, d)
			equalContent(t, "a snapshot of a closed one", snapshot(t, dir), want)
		} else { // go on with the killed one
			shut(t, d)
			dir = after
			shut(t, k)
		}
	}
}

func TestASnapshotChangesNothing(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	churn(t, d, rand.New(rand.NewPCG(3, 4)), map[string]string{}, 300)
	after := filepath.Join(t.TempDir(), "killed")
	copyTree(t, dir, after)
	before := files(t, after)
	snapshot(t, after)
	if now := files(t, after); !maps.Equal(before, now) {
		t.Fatal("files were changed")
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARefusedOpenChangesNothing(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	churn(t, d, rand.New(rand.NewPCG(5, 6)), map[string]string{}, 300)
	after := filepath.Join(t.TempDir(), "killed")
	copyTree(t, dir, after)
	before := files(t, after)
	o := small()
	cause := badgerdb.Refused("I do not like it")
	o.Check = func(*badgerdb.Snapshot) error { return cause }
	if _, err := badgerdb.Open(after, o); !errors.Is(err, cause) {
		t.Fatal(err)
	}
	now := files(t, after)
	delete(before, filepath.Join(after, "LOCK"))
	delete(now, filepath.Join(after, "LOCK"))
	if !maps.Equal(before, now) {
		t.Fatal("files were changed")
	}
}

// Badger makes and removes a file in steps; a SIGKILL between them leaves one without content, which Badger refuses.
func TestFilesWithoutContentAreCleanedUp(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	set(t, d, "a", "1")
	after := filepath.Join(t.TempDir(), "killed")
	copyTree(t, dir, after)
	for _, name := range []string{"00099.mem", "000099.vlog"} {
		if err := os.WriteFile(filepath.Join(after, "badger", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := open(t, after, small())
	if v, ok, err := k.Get([]byte("a")); string(v) != "1" || !ok || err != nil {
		t.Fatal(v, ok, err)
	}
}

func TestDataWithoutItsManifestOrIdentityIsRefused(t *testing.T) {
	for _, name := range []string{"badger/MANIFEST", "IDENTITY"} {
		dir := t.TempDir()
		d := open(t, dir, small())
		set(t, d, "a", "1")
		shut(t, d)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := badgerdb.Open(dir, small()); !errors.Is(err, txc.ErrRefused) {
			t.Fatal(name, err)
		}
	}
}
