package badgerdb

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/txc-dev/txc"
)

// entryOverhead is what Badger counts for an entry beside its key and value, generously.
const entryOverhead = 64

// nodeSize is at least the size of one node of Badger's skip list: a batch has room for so many.
const nodeSize = 128

// Batch is one Badger transaction in the making. Keys and values must stay unchanged until Commit has returned. Of
// two entries with one key the last counts.
type Batch struct {
	sets    []entry
	bytes   int
	limit   int // bytes
	entries int // at most
	largest int // a value must be shorter
	err     error
}

type entry struct {
	key, value []byte // value nil: delete
}

// MaxBatch is the number of bytes, keys, values and a fixed overhead for each entry, that one Commit takes: Badger
// limits a transaction to a part of its memtable.
func (d *DB) MaxBatch() int { return int(d.o.MemTable * 12 / 100) }

func (d *DB) newBatch() *Batch {
	return &Batch{
		limit:   d.MaxBatch(),
		entries: int(d.o.MemTable * 12 / 100 / nodeSize),
		largest: int(min(valueThreshold, d.o.MemTable*15/100)) - entryOverhead,
	}
}

// Set puts a value under a key.
func (b *Batch) Set(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	if len(value) >= b.largest {
		b.refuse("value of %d bytes under %q: at most %d", len(value), short(key), b.largest-1)
		return
	}
	b.add(key, value)
}

// Delete removes a key; a key that is not there is no error.
func (b *Batch) Delete(key []byte) { b.add(key, nil) }

// Size is the number of bytes so far, to be compared with MaxBatch.
func (b *Batch) Size() int { return b.bytes }

// Len is the number of entries so far.
func (b *Batch) Len() int { return len(b.sets) }

// Full tells whether n more bytes in one more entry would not fit.
func (b *Batch) Full(n int) bool {
	return b.bytes+n+entryOverhead > b.limit || len(b.sets)+1 > b.entries
}

func (b *Batch) add(key, value []byte) {
	if len(key) == 0 {
		b.refuse("empty key")
		return
	}
	if b.Full(len(key) + len(value)) {
		b.refuse("batch of more than %d bytes or %d entries", b.limit, b.entries)
		return
	}
	b.sets = append(b.sets, entry{key, value})
	b.bytes += len(key) + len(value) + entryOverhead
}

func (b *Batch) refuse(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%w: "+format, append([]any{txc.ErrInvalid}, args...)...)
	}
}

func short(key []byte) []byte { return key[:min(len(key), 32)] }

// Commit lets fill make a batch and writes it as one Badger transaction: when Commit returns nil all of it is durable.
//
// When fill returns an error, or the batch is too large (txc.ErrInvalid), nothing was written and the database stays
// good. Every other error wraps txc.ErrStopped: the fate of the batch is unknown, and nothing will be written any more.
func (d *DB) Commit(fill func(b *Batch) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Err(); err != nil {
		return err
	}
	if d.closed {
		return fmt.Errorf("%w: %s", txc.ErrClosed, d.dir)
	}
	b := d.newBatch()
	if err := fill(b); err != nil {
		return err
	}
	if b.err != nil {
		return b.err
	}
	if len(b.sets) == 0 {
		return nil
	}
	if err := d.write(b); err != nil {
		return d.fail(err)
	}
	if err := d.Err(); err != nil {
		return err // Badger has only logged it: the fate of this batch is as doubtful as that of the next
	}
	d.room.wrote(b.bytes)
	d.commits.Add(1)
	d.bytes.Add(uint64(b.bytes))
	return nil
}

// write returns when the batch is durable. Nobody reads it before that: what a lost disk takes back was never told.
func (d *DB) write(b *Batch) error {
	txn := d.badger.NewTransactionAt(d.last, true)
	defer txn.Discard()
	for _, e := range b.sets {
		if err := put(txn, e); err != nil {
			return fmt.Errorf("fill badger transaction: %w", err)
		}
	}
	if d.o.Head {
		if err := put(txn, d.head.stamp()); err != nil {
			return fmt.Errorf("fill badger transaction: %w", err)
		}
	}
	d.last++
	if err := txn.CommitAt(d.last, nil); err != nil {
		return fmt.Errorf("commit to badger: %w", err)
	}
	if err := d.ahead.sync(); err != nil {
		return err
	}
	d.badger.SetDiscardTs(d.views.durable(d.last))
	if !d.o.Head {
		return nil
	}
	return d.head.wrote()
}

func put(txn *badger.Txn, e entry) error {
	if e.value == nil {
		return txn.Delete(e.key)
	}
	return txn.Set(e.key, e.value)
}
