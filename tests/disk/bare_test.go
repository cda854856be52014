package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/txc-dev/txc/tests/internal/faultfs"
)

// Bare Badger, as a victim: what the product is built on, without the product's answers.
const (
	bareWrites = 10
	bareValue  = 8 << 10 // bytes: ten of them are more than a page, and together less than a memtable
	bareClose  = 2 * time.Second
)

// bare are Badger's options of the facts.
func bare(dir string) badger.Options {
	return badger.DefaultOptions(dir).WithLogger(nil).WithSyncWrites(true).WithMemTableSize(1 << 20).WithValueThreshold(64 << 10).WithValueLogFileSize(1 << 20)
}

func bareKey(i int) []byte { return fmt.Appendf(nil, "key-%04d", i) }

func put(db *badger.DB, i int) error {
	return db.Update(func(txn *badger.Txn) error { return txn.Set(bareKey(i), make([]byte, bareValue)) })
}

func has(db *badger.DB, i int) (bool, error) {
	err := db.View(func(txn *badger.Txn) error { _, err := txn.Get(bareKey(i)); return err })
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}

// bareLife is a bare Badger's life; o changes its options.
func bareLife(n notes, dir string, change func(badger.Options) badger.Options, live func(db *badger.DB)) error {
	db, err := badger.Open(change(bare(dir)))
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	live(db)
	done := make(chan error, 1)
	go func() { done <- db.Close() }()
	select {
	case err := <-done:
		n.say("closed %v", err)
	case <-time.After(bareClose):
		n.say("hangs")
	}
	return errFailed // once is enough
}

func same(o badger.Options) badger.Options     { return o }
func unsynced(o badger.Options) badger.Options { return o.WithSyncWrites(false) }

// bareUpdates writes, and tells of each write what it was told.
func bareUpdates(n notes, dir string, _ uint64) error {
	return bareLife(n, dir, same, func(db *badger.DB) {
		for i := range bareWrites {
			n.say("begin %d", i)
			if err := put(db, i); err != nil {
				there, e := has(db, i)
				n.say("failed %d there %v %v", i, there, e)
				continue
			}
			n.say("ok %d", i)
		}
	})
}

// bareGroups writes more than a memtable takes, without syncs, and then calls Sync (B6).
func bareGroups(n notes, dir string, _ uint64) error {
	return bareLife(n, dir, unsynced, func(db *badger.DB) {
		for i := range bareGroup {
			if err := put(db, i); err != nil {
				panic(broken + err.Error())
			}
		}
		if err := db.Sync(); err != nil {
			panic(broken + err.Error())
		}
		n.say("ok %d", bareGroup)
	})
}

const bareGroup = 140

// bareHeld writes, and waits to be killed.
func bareHeld(change func(badger.Options) badger.Options) func(n notes, dir string, _ uint64) error {
	return func(n notes, dir string, _ uint64) error {
		return bareLife(n, dir, change, func(db *badger.DB) {
			for i := range bareWrites {
				if err := put(db, i); err != nil {
					panic(broken + err.Error())
				}
			}
			fmt.Println("written")
			select {}
		})
	}
}

// bareFill writes until the disk is full, and beyond (B7).
func bareFill(n notes, dir string, _ uint64) error {
	large := func(o badger.Options) badger.Options { return o.WithMemTableSize(64 << 20) } // no table is begun before
	return bareLife(n, dir, large, func(db *badger.DB) {
		for i := 0; ; i++ {
			if err := put(db, i); err != nil {
				n.say("failed %d there false %v", i, err)
				return
			}
		}
	})
}

// bareLeft counts what a bare Badger still has.
func bareLeft(t *testing.T, dir string, written int) (left int) {
	t.Helper()
	db, err := badger.Open(bare(dir))
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		there, err := has(db, i)
		if err != nil {
			t.Fatal(err)
		}
		if there {
			left++
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return left
}

// bareImage counts what a bare Badger has after a power cut, or after the death of its process.
func bareImage(t *testing.T, ops []faultfs.Op, keep faultfs.Keep, written int) (left int) {
	t.Helper()
	dir := scratch(t)
	if err := faultfs.Image(dir, ops, keep); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(data); err != nil {
		t.Fatal(err)
	}
	return bareLeft(t, data, written)
}
