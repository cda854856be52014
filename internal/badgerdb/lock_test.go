package badgerdb_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

func TestASecondOwnerHearsWhoTheFirstIs(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	if err := d.SetAddress("127.0.0.1:7400"); err != nil {
		t.Fatal(err)
	}
	_, err := badgerdb.Open(dir, small())
	want := fmt.Sprintf("in use by pid %d at 127.0.0.1:7400", os.Getpid())
	if !errors.Is(err, txc.ErrBusy) || !strings.Contains(err.Error(), want) {
		t.Fatal(err)
	}
}

// A process that is being started has all of this one's files for a moment, and holds what they hold.
func TestAClosedDirectoryIsFreeWhateverProcessesAreBeingStarted(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, f := range files {
		path, err := os.Readlink("/proc/self/fd/" + f.Name())
		if err != nil || !strings.HasPrefix(path, dir) {
			continue // the one that read the list is closed
		}
		number, err := strconv.Atoi(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		child, err := syscall.Dup(number)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := syscall.Close(child); err != nil {
				t.Error(err)
			}
		})
		held[strings.TrimPrefix(path, dir)] = true
	}
	if !held["/LOCK"] || !held["/badger"] {
		t.Fatalf("it holds only %v", held)
	}
	shut(t, d)
	shut(t, open(t, dir, small()))
}

func TestBadgersOwnToolsAreKeptOut(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	tool := badger.DefaultOptions(filepath.Join(dir, "badger")).WithLogger(nil)
	if _, err := badger.Open(tool); err == nil {
		t.Fatal("Badger opens what is open")
	}
	shut(t, d)
	db, err := badger.Open(tool)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := badgerdb.Open(dir, small()); !errors.Is(err, txc.ErrBusy) {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	shut(t, open(t, dir, small()))
}
