package faultfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/txc-dev/txc/tests/internal/faultfs"
)

const (
	top  = 1
	file = 2
)

var (
	made    = faultfs.Op{Kind: faultfs.Create, Node: file, Dir: top, Name: "f"}
	sync    = faultfs.Op{Kind: faultfs.Sync, Node: file}
	unsync  = faultfs.Op{Kind: faultfs.Sync, Node: file, Err: syscall.EIO}
	syncTop = faultfs.Op{Kind: faultfs.Sync, Node: top}
)

func write(text string, at int64) faultfs.Op {
	return faultfs.Op{Kind: faultfs.Write, Node: file, Data: []byte(text), At: at}
}

// What a power cut leaves, when it leaves as little as it may, and when only the process has died.
func TestImages(t *testing.T) {
	const gone = "(gone)"
	for _, row := range []struct {
		says      string
		ops       []faultfs.Op
		cut, died string
	}{
		{"what was synced is there", []faultfs.Op{made, write("ab", 0), sync}, "ab", "ab"},
		{"what was not synced is gone, and its name too", []faultfs.Op{made, write("ab", 0)}, gone, "ab"},
		{"a name is durable with its directory", []faultfs.Op{made, write("ab", 0), syncTop}, "", "ab"},
		{"what is written after a sync is gone", []faultfs.Op{made, write("ab", 0), sync, write("x", 1)}, "ab", "ax"},
		{"a sync that failed is not made up for by a later one", []faultfs.Op{made, sync, write("ab", 0), unsync, sync}, "", "ab"},
		{"what is written again is durable with its own sync", []faultfs.Op{made, write("ab", 0), unsync, write("ab", 0), sync}, "ab", "ab"},
		{"a write that failed did nothing", []faultfs.Op{made, write("ab", 0), {Kind: faultfs.Write, Node: file, Data: []byte("x"), Err: syscall.EIO}, sync}, "ab", "ab"},
		{"a removal is durable with its directory", []faultfs.Op{made, sync, {Kind: faultfs.Remove, Node: file, Dir: top, Name: "f"}, syncTop}, gone, gone},
		{"a removal that was not synced may not have been", []faultfs.Op{made, write("ab", 0), sync, {Kind: faultfs.Remove, Node: file, Dir: top, Name: "f"}}, "ab", gone},
		{"a size is kept in the journal", []faultfs.Op{made, write("abcd", 0), sync, {Kind: faultfs.Resize, Node: file, Size: 2}}, "abcd", "ab"},
	} {
		for _, keep := range []faultfs.Keep{{}, {All: true}} {
			want := row.cut
			if keep.All {
				want = row.died
			}
			dir := t.TempDir()
			if err := faultfs.Image(dir, row.ops, keep); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "f"))
			if errors.Is(err, fs.ErrNotExist) {
				b, err = []byte(gone), nil
			}
			if err != nil || string(b) != want {
				t.Errorf("%s (%+v): %q, %v; want %q", row.says, keep, b, err, want)
			}
		}
	}
}

// Of what was not synced a power cut leaves any sectors, each whole.
func TestSectorsAreTorn(t *testing.T) {
	const sector, sectors = 512, 16
	old, young := bytes.Repeat([]byte("o"), sector*sectors), bytes.Repeat([]byte("y"), sector*sectors)
	ops := []faultfs.Op{made, write(string(old), 0), sync, write(string(young), 0)}
	seen := map[byte]int{}
	for seed := range uint64(4) {
		dir := t.TempDir()
		if err := faultfs.Image(dir, ops, faultfs.Keep{Rng: rand.New(rand.NewPCG(seed, 0))}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "f"))
		if err != nil || len(b) != len(old) {
			t.Fatal(len(b), err)
		}
		for i := range sectors {
			s := b[i*sector : (i+1)*sector]
			if !bytes.Equal(s, old[:sector]) && !bytes.Equal(s, young[:sector]) {
				t.Fatalf("sector %d is torn itself", i)
			}
			seen[s[0]]++
		}
	}
	if seen['o'] == 0 || seen['y'] == 0 {
		t.Errorf("no image is torn: %v", seen)
	}
}
