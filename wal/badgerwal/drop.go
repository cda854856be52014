package badgerwal

import (
	"encoding/binary"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// History is dropped from the front, in whole blocks of the index, when the front block is older than HistoryAge, or
// when all groups together are larger than HistorySize and no key of the client library's is younger than it is answered
// for (C11):
//
//	1  a Dropped record: the floor, and the first LSN that is left          durable: from here on nobody finds the rest
//	2  the groups below it are deleted; the commit of a user's key that is  a crash between two batches: the next Open
//	   younger than HistoryAge is put beside the log first (carried on)     goes on where keyFront says
//
// What is unfinished stays in the fold, and so in every checkpoint, whatever is dropped.

// Bounds of what a writer waits for: blocks that one call drops, and groups that one batch deletes.
const (
	dropAtOnce   = 4
	deleteAtOnce = 1024
)

// drop drops what is due. Needs l.writing, and that nothing waits.
func (l *Log) drop() error {
	if err := l.deleteTo(l.state.Front()); err != nil { // what an earlier one has left
		return err
	}
	next, blocks := l.due()
	if blocks == 0 {
		return nil
	}
	floor, err := l.highest(l.front, next)
	if err != nil {
		return err
	}
	if now := l.state.Floor(); floor.Compare(now) < 0 {
		floor = now
	}
	if err := l.own(wal.DroppedBody{Floor: floor, Next: next}); err != nil {
		return err
	}
	if err := l.deleteTo(next); err != nil {
		return err
	}
	return l.expire()
}

// due tells the first LSN that is to stay, and how many blocks go. The two newest blocks stay always, and what is
// behind the last checkpoint: Open reads them.
func (l *Log) due() (next uint64, blocks int) {
	sums := l.view().sums
	since, own := l.ago(l.o.HistoryAge).UnixMicro(), l.ago(wal.OwnKeySpan).UnixMicro()
	for blocks < min(dropAtOnce, len(sums)-2) && sums[blocks+1].group <= l.checkpointed {
		s := sums[blocks]
		small := int64(l.index.bytes-s.offset) <= l.o.HistorySize
		if s.latest >= since && (small || s.own > 0 && s.latest >= own) {
			break
		}
		blocks++
		next = sums[blocks].group
	}
	return next, blocks
}

// highest is the highest id that has a commit record in the groups from one LSN up to another.
func (l *Log) highest(from, to uint64) (id txc.ID, err error) {
	for next := from; next < to; {
		g, err := l.group(next)
		if err != nil {
			return id, l.db.Poison(err)
		}
		err = g.Each(func(_ uint64, encoded []byte) error {
			if kind, of := wal.Peek(encoded); kind == wal.Commit && of.Compare(id) > 0 {
				id = of
			}
			return nil
		})
		if err != nil {
			return id, l.db.Poison(err)
		}
		next = g.Last() + 1
	}
	return id, nil
}

// deleteTo deletes the groups below an LSN that begins one, with the index entries that are only about them.
func (l *Log) deleteTo(to uint64) error {
	for l.front < to {
		if err := l.deleteSome(to); err != nil {
			return l.db.Poison(err)
		}
	}
	return l.deleteIndex()
}

// deleteSome deletes as many groups as fit into a batch: first what is carried on, then the mark, then the groups. Cut
// short between them, it has lost nothing.
func (l *Log) deleteSome(to uint64) error {
	w := &writer{db: l.db}
	since := l.ago(l.o.HistoryAge)
	next := l.front
	var groups [][]byte
	for next < to && !w.full() && len(groups) < deleteAtOnce {
		g, err := l.group(next)
		if err != nil {
			return err
		}
		err = g.Records(func(r wal.Record, encoded []byte) error {
			if r.When.Before(since) {
				return l.forgetKey(w, r)
			}
			if key := ofUser(r); key != "" {
				w.set(carriedKey(r.ID), encodeCarried(r.LSN, encoded))
			}
			return nil
		})
		if err != nil {
			return err
		}
		groups = append(groups, groupKey(g.First))
		next = g.Last() + 1
	}
	w.set(keyFront, frontValue(next))
	for _, key := range groups {
		w.delete(key)
	}
	l.front = next
	return w.commit()
}

// ofUser is the key of a commit record, if a user gave it.
func ofUser(r wal.Record) string {
	body, ok := r.Body.(wal.CommitBody)
	if !ok || body.OwnKey {
		return ""
	}
	return body.Key
}

// forgetKey deletes the entry of a user's key, unless a later transaction has it by now.
func (l *Log) forgetKey(w *writer, r wal.Record) error {
	key := ofUser(r)
	if key == "" {
		return nil
	}
	b, ok, err := l.db.Get(userKey(key))
	if err != nil || !ok {
		return err
	}
	id, _, err := parseKeyEntry(l.o.Number, b)
	if err == nil && id == r.ID {
		w.delete(userKey(key))
	}
	return err
}

// deleteIndex deletes the index entries of blocks of which nothing is left.
func (l *Log) deleteIndex() error {
	w := &writer{db: l.db}
	sums := l.view().sums
	n := 0
	for n+1 < len(sums) && sums[n+1].group <= l.front {
		w.delete(summaryKey(sums[n].number))
		w.delete(detailKey(sums[n].number))
		n++
	}
	if n == 0 {
		return nil
	}
	l.looking.Lock()
	l.sums = slices.Clone(l.sums[n:])
	l.blooms = max(0, l.blooms-n)
	l.looking.Unlock()
	return w.commit()
}

// expire deletes the carried commits that are older than the history's span.
func (l *Log) expire() error {
	w := &writer{db: l.db}
	since := l.ago(l.o.HistoryAge)
	err := l.db.Scan([]byte{prefixCarried}, func(key, value []byte) (bool, error) {
		r, err := decodeCarried(value)
		if err != nil {
			return false, err
		}
		if !r.When.Before(since) {
			return true, nil
		}
		w.delete(slices.Clone(key))
		return true, l.forgetKey(w, r)
	})
	if err != nil {
		return l.db.Poison(err)
	}
	return w.commit()
}

// A carried commit is its LSN and its record.
func encodeCarried(lsn uint64, encoded []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, lsn), encoded...)
}

func decodeCarried(b []byte) (wal.Record, error) {
	if len(b) < 8 {
		return wal.Record{}, refused("a carried commit has %d bytes", len(b))
	}
	r, err := wal.Decode(b[8:])
	if err != nil {
		return r, refusedBy(err)
	}
	r.LSN = binary.BigEndian.Uint64(b)
	return r, nil
}
