package badgerwal

import (
	"slices"

	"github.com/txc-dev/txc/wal"
)

// found is all that reading a log gives, before anything is changed.
type found struct {
	state      *wal.State
	end        wal.Link
	checkpoint uint64   // LSN of its record; 0: none yet
	since      int      // records behind it
	tail       []uint64 // first LSNs of the groups from the checkpoint's record on
	cut        []uint64 // first LSNs of the groups of an Append that was cut short
	cutEnd     uint64   // the last LSN in those
	stale      [][]byte // keys of chunks of other checkpoints
	index      indexer
	sums       []summary
	front      uint64 // how far the history is deleted
}

// recoverLog reads the last checkpoint and everything behind it, and checks that this is one unbroken chain. Nothing
// before the checkpoint is read, but for the records of the last two blocks of the index (C8).
func recoverLog(r reader, cluster string, number uint32) (*found, error) {
	f, err := lastCheckpoint(r)
	if err != nil {
		return nil, err
	}
	if f.state == nil {
		f.state, f.end = wal.NewState(), wal.Genesis(cluster, number)
	}
	if err := f.walk(r); err != nil {
		return nil, err
	}
	if err := f.nothingBehind(r); err != nil {
		return nil, err
	}
	return f, f.readIndex(r)
}

// lastCheckpoint finds the last one that is finished.
func lastCheckpoint(r reader) (*found, error) {
	f := &found{}
	var keys [][]byte
	err := r.ScanFrom([]byte{prefixCheckpoint}, nil, func(key, _ []byte) (bool, error) {
		keys = append(keys, slices.Clone(key))
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Backward(keys) {
		lsn := lsnOf(key)
		if f.checkpoint == lsn {
			continue
		}
		if f.checkpoint == 0 {
			s, end, ok, err := checkpointAt(r, lsn)
			if err != nil {
				return nil, err
			}
			if ok {
				f.state, f.end, f.checkpoint = s, end, lsn
				continue
			}
		}
		f.stale = append(f.stale, key)
	}
	return f, nil
}

// walk follows the chain from the checkpoint to its end. The groups of an Append count when its last one is there.
func (f *found) walk(r reader) error {
	end := f.end
	var open []wal.Group
	for {
		b, ok, err := r.Get(groupKey(end.Next))
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		g, err := wal.DecodeGroup(b)
		if err == nil {
			err = end.Follow(g, b)
		}
		if err != nil {
			return refusedBy(err)
		}
		open = append(open, g)
		if g.More {
			continue
		}
		for _, g := range open {
			if err := g.Records(f.apply); err != nil {
				return refusedBy(err)
			}
			f.tail = append(f.tail, g.First)
		}
		open, f.end = open[:0], end
	}
	for _, g := range open {
		f.cut, f.cutEnd = append(f.cut, g.First), g.Last()
	}
	return nil
}

func (f *found) apply(r wal.Record, encoded []byte) error {
	f.state.Apply(r, encoded)
	f.since++
	return nil
}

// nothingBehind checks that no group is left behind the end: then some between are missing.
func (f *found) nothingBehind(r reader) error {
	next := max(f.end.Next, f.cutEnd+1)
	return r.ScanFrom([]byte{prefixGroup}, groupKey(next), func(key, _ []byte) (bool, error) {
		return false, refused("records %d to %d are missing, those from %d on are there", next, lsnOf(key)-1, lsnOf(key))
	})
}

// readIndex reads the summaries, and makes the block at the log's end again from its records.
func (f *found) readIndex(r reader) error {
	f.front = 1
	b, ok, err := r.Get(keyFront)
	if err != nil {
		return err
	}
	if ok {
		if len(b) != 8 {
			return refused("the mark of what is deleted is damaged")
		}
		f.front = lsnOf(append([]byte{0}, b...))
	}
	current := f.end.Next / blockSize
	err = r.ScanFrom([]byte{prefixSummary}, nil, func(key, value []byte) (bool, error) {
		s, err := decodeSummary(key, value)
		if err == nil && s.number < current {
			f.sums = append(f.sums, s)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	if err := f.checkSummaries(current); err != nil {
		return err
	}
	from := f.front
	if n := len(f.sums); n > 0 {
		f.index.resume(f.sums[n-1])
		from = f.sums[n-1].group
		f.sums = f.sums[:n-1]
	}
	return f.indexFrom(r, from)
}

// checkSummaries checks that no block between the front and the end lacks its entry.
func (f *found) checkSummaries(current uint64) error {
	next := f.front / blockSize
	if len(f.sums) > 0 && f.sums[0].number == next+1 && f.sums[0].group == f.front {
		next++ // the front is the group in which that block begins
	}
	for _, s := range f.sums {
		if s.number != next {
			break
		}
		next++
	}
	if next < current {
		return refused("the index of records %d to %d is missing", next*blockSize, (next+1)*blockSize-1)
	}
	return nil
}

// indexFrom indexes the groups from one on to the log's end.
func (f *found) indexFrom(r reader, from uint64) error {
	for next := from; next < f.end.Next; {
		b, ok, err := r.Get(groupKey(next))
		if err != nil {
			return err
		}
		if !ok {
			return refused("the group at record %d is missing", next)
		}
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return refusedBy(err)
		}
		f.index.begin(g.First, len(b))
		err = g.Records(func(r wal.Record, _ []byte) error {
			if done := f.index.add(&r); done != nil {
				s, _ := done.summarize()
				f.sums = append(f.sums, s)
			}
			return nil
		})
		if err != nil {
			return refusedBy(err)
		}
		next = g.Last() + 1
	}
	return nil
}
