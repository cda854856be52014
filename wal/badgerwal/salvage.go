package badgerwal

import (
	"cmp"
	"math"
	"slices"

	"github.com/txc-dev/txc/wal"
)

// salvage reads as much as is linked: from the last checkpoint that can be read, else from the beginning.
func salvage(r reader, cluster string, number uint32) *found {
	var lsns []uint64
	f := &found{}
	scanned := r.ScanFrom([]byte{prefixCheckpoint}, nil, func(key, _ []byte) (bool, error) {
		lsns = append(lsns, lsnOf(key))
		return true, nil
	})
	for _, lsn := range slices.Backward(lsns) {
		if s, end, ok, err := checkpointAt(r, lsn); ok && err == nil && scanned == nil {
			f.state, f.end, f.checkpoint = s, end, lsn
			break
		}
	}
	if f.state == nil {
		f.state, f.end = wal.NewState(), wal.Genesis(cluster, number)
	}
	if err := f.walk(r); err != nil {
		return f // it has gone as far as it could
	}
	return f
}

// linked lists the groups, ascending, that lead without a gap to the end of what was salvaged.
func (f *found) linked(r reader) []uint64 {
	var all []uint64
	next, hash := f.end.Before, f.end.Hash
	for next >= f.state.Front() && next > 0 {
		b, ok, err := r.Get(groupKey(next))
		if err != nil || !ok || wal.Hash(b) != hash {
			break
		}
		g, err := wal.DecodeGroup(b)
		if err != nil {
			break
		}
		all = append(all, next)
		next, hash = g.Before, g.Previous
	}
	slices.Reverse(all)
	return all
}

// lost tells what is disowned: what HEAD proves, and what groups prove that are not linked any more. Where HEAD cannot
// be read, or names another record than the log has, it is everything behind the end.
func (f *found) lost(r reader, dir string) []wal.Range {
	lost := wal.LostBehind(f.end)
	h, err := readHead(dir)
	if err == nil && h.lsn > f.end.Last() {
		lost.Show(h.epoch, h.mark, h.lsn)
	} else {
		lost.Show(max(h.epoch, f.end.Epoch), cmp.Or(h.mark, f.end.Mark), math.MaxUint64)
	}
	scanned := r.ScanFrom([]byte{prefixGroup}, groupKey(f.end.Next), func(_, value []byte) (bool, error) {
		if g, err := wal.DecodeGroup(value); err == nil {
			lost.Show(g.Epoch, g.Mark, g.Last())
		}
		return !lost.Full(), nil
	})
	return lost.Ranges(scanned != nil) // of what could not be read nobody can tell how much there was
}
