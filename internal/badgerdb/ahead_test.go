package badgerdb_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
)

// Badger has it in memory, and in a file that was never synced: a power loss would take back what was read.
func TestC2_WhatCouldNotBeSyncedIsNotRead(t *testing.T) {
	d := open(t, t.TempDir(), small())
	set(t, d, "a", "1")
	if err := d.BreakSync(); err != nil {
		t.Fatal(err)
	}
	err := d.Commit(func(b *badgerdb.Batch) error {
		b.Set([]byte("a"), []byte("2"))
		b.Set([]byte("b"), []byte("2"))
		return nil
	})
	if !errors.Is(err, txc.ErrStopped) {
		t.Fatalf("a Commit whose sync failed: %v", err)
	}
	for key, want := range map[string]string{"a": "1", "b": ""} {
		if got, _, err := d.Get([]byte(key)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", key, got, err)
		}
	}
}

// overwrite sets one key so often that what it had before would fill twenty write-ahead files.
func overwrite(t *testing.T, d *badgerdb.DB) {
	t.Helper()
	value := make([]byte, 64<<10)
	for i := range 320 {
		copy(value, fmt.Sprint(i))
		set(t, d, "k", string(value))
	}
}

func TestWhatIsOverwrittenGoes(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	overwrite(t, d)
	shut(t, d)
	size := int64(0)
	err := filepath.WalkDir(filepath.Join(dir, "badger"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sst" {
			return err
		}
		info, err := os.Stat(path)
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil || size > 8<<20 {
		t.Errorf("%d bytes are kept of one value, %v", size, err)
	}
}

func TestASnapshotStaysAsItWas(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, small())
	set(t, d, "k", "first")
	err := d.View(func(txn *badger.Txn) error {
		overwrite(t, d)
		first := filepath.Join(dir, "badger", "000001.sst")
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(first); errors.Is(err, fs.ErrNotExist) {
				break // it was merged with others
			}
			if time.Now().After(deadline) {
				t.Fatal("Badger merges no tables")
			}
		}
		item, err := txn.Get([]byte("k"))
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error {
			if string(v) != "first" {
				t.Errorf("it reads %.10q", v)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
