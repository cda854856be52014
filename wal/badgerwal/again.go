package badgerwal

import (
	"fmt"

	"github.com/txc-dev/txc/wal"
)

// writeAgain writes the groups with these first LSNs again, and first what is indexed with each: the keys of users, and
// the blocks that end in it. Where the last sync failed, the system shows what it will never write: it is durable when
// writeAgain returns nil, and only then may anyone rely on it. A Closed record at the end changes nothing, for it may
// be the one that was not synced.
func (l *Log) writeAgain(w *writer, tail []uint64) error {
	for _, lsn := range tail {
		key := groupKey(lsn)
		b, ok, err := l.db.Get(key)
		if err == nil && !ok {
			err = refused("the group at record %d was there a moment ago", lsn)
		}
		if err != nil {
			return err
		}
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return refusedBy(err)
		}
		if err := l.indexAgain(w, g); err != nil {
			return err
		}
		w.set(key, b)
		if w.full() {
			if err := w.commit(); err != nil {
				return err
			}
		}
	}
	return w.commit()
}

// indexAgain copies the index entries of a group as they are: one that is missing is told by whoever needs it.
func (l *Log) indexAgain(w *writer, g wal.Group) error {
	var keys [][]byte
	err := g.Records(func(r wal.Record, _ []byte) error {
		if key := ofUser(r); key != "" {
			keys = append(keys, userKey(key))
		}
		if r.LSN%blockSize == blockSize-1 {
			n := r.LSN / blockSize
			keys = append(keys, summaryKey(n), detailKey(n))
		}
		return nil
	})
	if err != nil {
		return refusedBy(err)
	}
	for _, key := range keys {
		b, ok, err := l.db.Get(key)
		if err != nil {
			return fmt.Errorf("read an index entry: %w", err)
		}
		if ok {
			w.set(key, b)
		}
	}
	return nil
}
