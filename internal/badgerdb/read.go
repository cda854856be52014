package badgerdb

import (
	"errors"
	"fmt"

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

// View runs f over one snapshot. Badger panics on some kinds of damage: that becomes an error that wraps
// txc.ErrRefused.
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
	return d.badger.View(f)
}
