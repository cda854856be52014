package badgerwal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// Open opens the log in dir, or makes one there. When it returns, the epoch and the mark of this opening are durable,
// and everything that Recovery tells was written again and synced (C7).
//
// An error that wraps txc.ErrRefused means that the log is damaged, foreign, shortened, or made by a newer program: no
// file was changed. txc.ErrBusy: it is in use.
func Open(dir string, o Options) (*Log, wal.Recovery, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, wal.Recovery{}, err
	}
	l := &Log{o: o, logger: o.Logger, lazy: make(chan struct{}, 1), stop: make(chan struct{}), opened: o.Now()}
	var f *found
	l.db, err = badgerdb.Open(dir, badgerdb.Options{
		Role: badgerdb.RoleCoordinator, Cluster: o.Cluster, Number: o.Number, Address: o.Address, Logger: o.Logger,
		MinFree: o.MinFree, Ballast: o.Ballast, MemTable: o.MemTable, Lazy: lazy, First: makeHead,
		Check: func(s *badgerdb.Snapshot) (err error) {
			f, err = check(dir, s, o.Cluster, o.Number)
			return err
		},
	})
	if err != nil {
		return nil, wal.Recovery{}, err
	}
	rec, err := l.start(dir, f)
	if err != nil {
		return nil, wal.Recovery{}, errors.Join(err, l.head.close(), l.db.Close(context.Background()))
	}
	l.stopped.Add(1)
	go l.flusher()
	return l, rec, nil
}

// check reads the whole of what recovery relies on, before Badger may change a file.
func check(dir string, r reader, cluster string, number uint32) (*found, error) {
	if _, err := os.Lstat(filepath.Join(dir, dirAccept)); err == nil {
		return nil, badgerdb.Refused("an acceptance of a loss in %s was interrupted: run it again (txc accept loss --data DIR --reason TEXT)", dir)
	}
	h, err := readHead(dir)
	if err != nil {
		return nil, err
	}
	f, err := recoverLog(r, cluster, number)
	if err != nil {
		return nil, err
	}
	return f, h.check(r, f)
}

// start begins this opening on what was found.
func (l *Log) start(dir string, f *found) (rec wal.Recovery, err error) {
	if l.head, err = openHead(dir); err != nil {
		return rec, err
	}
	clean := f.state.Clean()
	if err := l.settle(f); err != nil {
		return rec, err
	}
	l.state, l.end, l.durable, l.index = f.state, f.end, f.end, f.index
	l.recent, l.sums, l.front, l.since = f.index.current, f.sums, f.front, f.since
	rec = wal.Recovery{Cluster: l.o.Cluster, Number: l.o.Number, First: f.end.Next}
	if rec.Epoch, err = l.state.NextEpoch(); err != nil {
		return rec, err
	}
	rec.Mark = l.o.Mark()
	l.end.Epoch, l.end.Mark = rec.Epoch, rec.Mark
	if err := l.own(wal.OpenedBody{Epoch: rec.Epoch, Mark: rec.Mark, Software: l.o.Software}); err != nil {
		return rec, err
	}
	if err := l.oldChunks(f); err != nil {
		return rec, err
	}
	if err := l.checkpoint(); err != nil {
		return rec, err
	}
	if err := l.state.Recover(&rec); err != nil {
		return rec, err
	}
	rec.Head, rec.Clean = f.end.Last(), clean
	if err := l.drop(); err != nil {
		return rec, err
	}
	rec.Floor = l.state.Floor()
	l.logger.Info("log opened", "dir", dir, "epoch", rec.Epoch, "mark", txc.FormatMark(rec.Mark), "first", rec.First,
		"unfinished", len(rec.Unfinished), "clean", clean)
	return rec, nil
}

// settle takes away what was begun and does not count, and writes what was read behind the last checkpoint again.
func (l *Log) settle(f *found) error {
	w := &writer{db: l.db}
	for _, key := range f.stale {
		w.delete(key)
	}
	if err := l.cutShort(w, f); err != nil {
		return err
	}
	for n := f.end.Next / blockSize; len(f.cut) > 0 && n <= f.cutEnd/blockSize; n++ {
		w.delete(summaryKey(n))
		w.delete(detailKey(n))
	}
	if err := w.commit(); err != nil {
		return err
	}
	return l.writeAgain(w, f.tail)
}

// cutShort takes away the groups of an Append that was not finished, and the entries of the keys in them.
func (l *Log) cutShort(w *writer, f *found) error {
	for _, lsn := range f.cut {
		b, ok, err := l.db.Get(groupKey(lsn))
		if err != nil || !ok {
			return errors.Join(err, fmt.Errorf("read group at record %d", lsn))
		}
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		err = g.Records(func(r wal.Record, _ []byte) error {
			if body, ok := r.Body.(wal.CommitBody); ok && body.Key != "" && !body.OwnKey {
				w.delete(userKey(body.Key))
			}
			return nil
		})
		if err != nil {
			return err
		}
		w.delete(groupKey(lsn))
	}
	return nil
}

// oldChunks remembers which chunks the next checkpoint replaces.
func (l *Log) oldChunks(f *found) error {
	if f.checkpoint == 0 {
		return nil
	}
	return l.db.Scan(checkpointKey(f.checkpoint), func(key, _ []byte) (bool, error) {
		l.chunks = append(l.chunks, append([]byte(nil), key...))
		return true, nil
	})
}
