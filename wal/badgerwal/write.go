package badgerwal

import (
	"encoding/binary"
	"errors"

	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// flush writes everything that waits: it is durable, and HEAD says so, when flush returns nil. Every error poisons the
// log. Needs l.writing.
func (l *Log) flush() error {
	if err := l.err(); err != nil {
		return err
	}
	if l.pack.Count() == 0 {
		return nil
	}
	groups := l.pack.Seal(&l.end)
	w := &writer{db: l.db}
	done, err := l.stage(w, groups)
	if err == nil {
		err = w.commit()
	}
	if err == nil {
		err = l.head.write(headOf(l.end))
	}
	if err != nil {
		return l.db.Poison(err)
	}
	if err := l.show(groups, done); err != nil {
		return l.db.Poison(err)
	}
	l.waiting = l.waiting[:0]
	return l.afterwards(len(done) > 0)
}

// afterwards does what is due now and then: a checkpoint, and dropping history.
func (l *Log) afterwards(finished bool) error {
	if l.since >= max(l.o.CheckpointEvery, 2*l.state.Unfinished()) {
		if err := l.checkpoint(); err != nil {
			return err
		}
	}
	if finished {
		return l.drop()
	}
	return nil
}

// writer collects entries and commits them in as few Badger transactions as they fit in, in the order given.
type writer struct {
	db      *badgerdb.DB
	entries []pair
	bytes   int
}

type pair struct{ key, value []byte } // value nil: delete

func (w *writer) set(key, value []byte) {
	w.entries = append(w.entries, pair{key, value})
	w.bytes += len(key) + len(value)
}

func (w *writer) delete(key []byte) { w.entries = append(w.entries, pair{key: key}) }

// enough is when what is collected should be written before more is.
const (
	enoughBytes   = 256 << 10
	enoughEntries = 1024
)

func (w *writer) full() bool { return w.bytes >= enoughBytes || len(w.entries) >= enoughEntries }

func (w *writer) commit() error {
	for len(w.entries) > 0 {
		n := 0
		err := w.db.Commit(func(b *badgerdb.Batch) error {
			for _, e := range w.entries {
				if n > 0 && b.Full(len(e.key)+len(e.value)) {
					break
				}
				if e.value == nil {
					b.Delete(e.key)
				} else {
					b.Set(e.key, e.value)
				}
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
		w.entries = w.entries[n:]
	}
	w.entries, w.bytes = w.entries[:0], 0
	return nil
}

// stage puts groups, users' keys, and the index entries of the blocks that are finished into the writer. Groups come
// last, in order: the last one makes the others count, and what belongs to a record is there when the record is.
func (l *Log) stage(w *writer, groups [][]byte) (done []summary, err error) {
	next := 0
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return nil, err
		}
		l.index.begin(g.First, len(b))
		for range g.Count {
			r := &l.waiting[next]
			next++
			l.stageRecord(w, r, &done)
		}
	}
	if next != len(l.waiting) {
		return nil, errors.New("what is packed is not what waits")
	}
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return nil, err
		}
		w.set(groupKey(g.First), b)
	}
	return done, nil
}

func (l *Log) stageRecord(w *writer, r *wal.Record, done *[]summary) {
	if body, ok := r.Body.(wal.CommitBody); ok && body.Key != "" && !body.OwnKey {
		w.set(userKey(body.Key), keyEntry(r.ID, r.LSN))
	}
	if finished := l.index.add(r); finished != nil {
		s, detail := finished.summarize()
		w.set(summaryKey(s.number), s.encode())
		w.set(detailKey(s.number), detail)
		*done = append(*done, s)
	}
}

// show lets readers see what has become durable.
func (l *Log) show(groups [][]byte, done []summary) error {
	l.looking.Lock()
	defer l.looking.Unlock()
	next := 0
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		err = g.Each(func(_ uint64, encoded []byte) error {
			l.state.Apply(l.waiting[next], encoded)
			next++
			return nil
		})
		if err != nil {
			return err
		}
	}
	l.since += next
	l.durable = l.end
	l.recent = l.index.current
	l.sums = append(l.sums, done...)
	l.forgetBlooms()
	return nil
}

// checkpoint writes what the fold holds, so that recovery starts here, and removes the one before. It stands between
// Appends: nothing waits. Needs l.writing.
func (l *Log) checkpoint() error {
	all, records, err := chunks(l.state, l.end)
	if err != nil {
		return l.db.Poison(err)
	}
	w := &writer{db: l.db}
	var keys [][]byte
	for i, b := range all {
		key := chunkKey(l.end.Next, uint32(i))
		keys = append(keys, key)
		w.set(key, b)
	}
	if err := w.commit(); err != nil {
		return err
	}
	old := l.chunks
	l.chunks, l.since, l.checkpointed = keys, 0, l.end.Next
	if err := l.own(wal.CheckpointBody{Records: records}); err != nil {
		return err
	}
	l.since = 0
	if err := l.head.sync(); err != nil {
		return l.db.Poison(err)
	}
	for _, key := range old {
		w.delete(key)
	}
	return w.commit()
}

func frontValue(lsn uint64) []byte { return binary.BigEndian.AppendUint64(nil, lsn) }
