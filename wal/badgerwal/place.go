package badgerwal

import (
	"errors"
	"sync"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// place is where a commit record is: its LSN, and the first LSN of its group.
type place struct{ group, lsn uint64 }

// places are those of a finished block.
type places map[txc.ID]place

// maxWalked bounds the blocks whose places are kept: each takes about 200 KiB.
const maxWalked = 16

// walked remembers the last blocks that were walked over, and the last group that was read. Who looks one id up often
// looks its neighbours up next: a participant that is back shows thousands of them, in order.
type walked struct {
	mu     sync.Mutex
	blocks map[uint64]places
	order  []uint64 // the longest unused first
	group  wal.Group
}

// find gives the places of a block, if they are kept.
func (w *walked) find(number uint64) places {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.blocks[number]
	if all != nil {
		w.use(number)
	}
	return all
}

// keep takes a block's places; they do not change any more.
func (w *walked) keep(number uint64, all places) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blocks == nil {
		w.blocks = make(map[uint64]places, maxWalked+1)
	}
	w.blocks[number] = all
	w.use(number)
	if len(w.order) > maxWalked {
		delete(w.blocks, w.order[0])
		w.order = w.order[1:]
	}
}

// use moves a block to the end of the order. The caller holds the lock.
func (w *walked) use(number uint64) {
	kept := make([]uint64, 0, len(w.order)+1)
	for _, n := range w.order {
		if n != number {
			kept = append(kept, n)
		}
	}
	w.order = append(kept, number)
}

// last gives the last group that was read, if it is this one. Nobody changes a group.
func (w *walked) last(first uint64) (wal.Group, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.group, first != 0 && w.group.First == first
}

func (w *walked) read(g wal.Group) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.group = g
}

// placesOf walks over a finished block, or remembers it.
func (l *Log) placesOf(v view, s summary) (places, error) {
	if all := l.walked.find(s.number); all != nil {
		return all, nil
	}
	all := places{}
	err := l.inBlock(v, s.number, s.group, func(group, lsn uint64, encoded []byte) error {
		if kind, id := wal.Peek(encoded); kind == wal.Commit {
			all[id] = place{group, lsn}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.walked.keep(s.number, all)
	return all, nil
}

// recordAt reads one record.
func (l *Log) recordAt(at place) (rec wal.Record, err error) {
	g, ok := l.walked.last(at.group)
	if !ok {
		if g, err = l.group(at.group); err != nil {
			return rec, err
		}
		l.walked.read(g)
	}
	err = g.Each(func(lsn uint64, encoded []byte) error {
		if lsn != at.lsn {
			return nil
		}
		if rec, err = wal.Decode(encoded); err != nil {
			return err
		}
		rec.LSN = lsn
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return rec, nil
	case err == nil:
		err = refused("record %d is missing", at.lsn)
	}
	return wal.Record{}, err
}
