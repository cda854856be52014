package badgerdb

import (
	"errors"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/txc-dev/txc"
)

// Get reads one value; the bytes are the caller's.
func (d *DB) Get(key []byte) (value []byte, ok bool, err error) {
	err = d.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		value, err = item.ValueCopy(nil)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read %q: %w", short(key), err)
	}
	return value, ok, nil
}

// Scan yields every key with the prefix, in order, as it stood when Scan began, until f returns false or an error.
// Key and value are valid only during the call of f.
func (d *DB) Scan(prefix []byte, f func(key, value []byte) (more bool, err error)) error {
	return d.ScanFrom(prefix, prefix, f)
}

// ScanFrom is Scan that begins with the first key that is not below from.
func (d *DB) ScanFrom(prefix, from []byte, f func(key, value []byte) (more bool, err error)) error {
	return d.View(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.Prefix = prefix
		o.PrefetchValues = false
		it := txn.NewIterator(o)
		defer it.Close()
		more := true
		for it.Seek(from); more && it.Valid(); it.Next() {
			item := it.Item()
			err := item.Value(func(value []byte) (err error) {
				more, err = f(item.Key(), value)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// View runs f over one snapshot: all that was durable when it began. Badger panics on some kinds of damage: that becomes
// an error that wraps txc.ErrRefused.
func (d *DB) View(f func(txn *badger.Txn) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Refused("badger cannot read %s (%v): stop, and restore the directory from a backup", d.dir, p)
		}
	}()
	d.reading.RLock()
	defer d.reading.RUnlock()
	if d.unreadable {
		return fmt.Errorf("%w: %s", txc.ErrClosed, d.dir)
	}
	at := d.views.begin()
	defer d.views.end(at)
	txn := d.badger.NewTransactionAt(at, false)
	defer txn.Discard()
	return f(txn)
}

// views are the snapshots that are being read, by the version of the Commit that they end with.
type views struct {
	mu   sync.Mutex
	last uint64         // the last durable Commit
	open map[uint64]int // how many read at a version
}

func (v *views) begin() (at uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open == nil {
		v.open = map[uint64]int{}
	}
	v.open[v.last]++
	return v.last
}

func (v *views) end(at uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open[at]--; v.open[at] == 0 {
		delete(v.open, at)
	}
}

// durable has a Commit be read from now on. Of what a key had before the version that it returns, nobody reads anything
// any more.
func (v *views) durable(last uint64) (oldest uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = last
	for at := range v.open {
		last = min(last, at)
	}
	return last
}
