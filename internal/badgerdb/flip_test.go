package badgerdb_test

import (
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

var stride = flag.Int("flips", 0, "flip every Nth byte of every file, not a small sample (1: all of them, some hours)")

// headed are options with a HEAD: without one nobody can tell damage at the end of the last write-ahead file from a write
// that was cut short.
func headed() badgerdb.Options {
	o := small()
	o.Head = true
	return o
}

// Whatever byte is flipped in the files of a store, as it was closed and as SIGKILL leaves it: it is refused, or nothing
// of its content is different.
func TestAFlippedByteIsRefusedOrChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	want := map[string]string{}
	rnd := rand.New(rand.NewPCG(7, 8))
	d := open(t, dir, headed())
	churn(t, d, rnd, want, 250)
	after := filepath.Join(t.TempDir(), "killed")
	copyTree(t, dir, after)
	shut(t, d)
	d = open(t, dir, headed())
	churn(t, d, rnd, want, 20)
	shut(t, d)
	closed := maps.Clone(want)
	t.Run("closed", func(t *testing.T) { flip(t, dir, closed) })
	was := snapshot(t, after)
	maps.DeleteFunc(was, func(k, _ string) bool { return k[0] == 0 })
	t.Run("killed", func(t *testing.T) { flip(t, after, was) })
}

// Only the last write-ahead file can have been cut short by a crash: in an earlier one damage is damage.
func TestAnEarlierWriteAheadFileIsWholeOrRefused(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	want := map[string]string{}
	churn(t, d, rand.New(rand.NewPCG(9, 10)), want, 30)
	after := filepath.Join(t.TempDir(), "killed")
	copyTree(t, dir, after)
	last := lastMem(t, after)
	later := filepath.Join(filepath.Dir(last), "00098.mem")
	data, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(later, data, 0o600); err != nil {
		t.Fatal(err)
	}
	equalContent(t, "two files", snapshot(t, after), want)
	used := len(strings.TrimRight(string(data), "\x00"))
	for _, at := range []int{20, 30, used / 2, used - 1, used + 100} {
		poke(t, last, at, data[at]^1)
		if _, err := badgerdb.Inspect(after, ""); !errors.Is(err, txc.ErrRefused) {
			t.Fatal(at, err)
		}
		poke(t, last, at, data[at])
	}
}

func lastMem(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "badger", "*.mem"))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return slices.Max(all)
}

func flip(t *testing.T, dir string, want map[string]string) {
	refused, same := 0, 0
	for path, data := range files(t, dir) {
		name := filepath.Base(path)
		if name == "LOCK" {
			continue
		}
		for _, at := range positions(len(strings.TrimRight(data, "\x00")), len(data)) {
			changed := []byte(data)
			changed[at] ^= 1 << (at % 8)
			poke(t, path, at, changed[at])
			got, err := inspected(dir)
			poke(t, path, at, data[at])
			if err != nil {
				if !errors.Is(err, txc.ErrRefused) {
					t.Fatalf("%s, byte %d: %v", name, at, err)
				}
				refused++
				continue
			}
			same++
			if !maps.Equal(got, want) {
				t.Fatalf("%s, byte %d: %d keys, want %d", name, at, len(got), len(want))
			}
		}
	}
	t.Logf("%d refused, %d harmless", refused, same)
}

func inspected(dir string) (map[string]string, error) {
	o := headed()
	all := map[string]string{}
	o.Check = func(s *badgerdb.Snapshot) error {
		err := s.Scan(nil, func(k, v []byte) (bool, error) {
			if k[0] != 0 { // the database's own
				all[string(k)] = string(v)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		return errStop
	}
	_, err := badgerdb.Open(dir, o)
	if errors.Is(err, errStop) {
		err = nil
	}
	return all, err
}

var errStop = errors.New("seen enough")

func poke(t *testing.T, path string, at int, value byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{value}, int64(at))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// positions are the bytes to flip: the first and last ones and some between, of what is used and behind it; or as many
// as the flag says.
func positions(used, size int) []int {
	var all []int
	for at := range size {
		near := at < 24 || at >= used-24 && at < used+3
		asked := at < used && *stride > 0 && at%*stride == 0
		if asked || near || at < used && at%(used/40+1) == 0 || at%(size/8+1) == 7 {
			all = append(all, at)
		}
	}
	return all
}
