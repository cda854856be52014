package mem

import (
	"cmp"
	"fmt"
	"math"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// AcceptLoss accepts, on a disk that Open refuses, that its end is lost: what is linked to the beginning is kept, the
// rest stays disowned for ever, and the next epoch is above all that HEAD or the rest show (C12). It tells what is
// disowned.
func AcceptLoss(d *Disk, o Options, who, why string) ([]wal.Range, error) {
	end, keep := wal.Genesis(o.Cluster, o.Number), 0
	for ; keep < len(d.groups); keep++ {
		g, err := wal.DecodeGroup(d.groups[keep])
		if err != nil || end.Follow(g, d.groups[keep]) != nil {
			break
		}
	}
	if d.checkpoint.at.Next > end.Next {
		return nil, fmt.Errorf("%w: accept a loss in front of a checkpoint", txc.ErrInvalid)
	}
	lost, next := d.lost(end, keep), *d // of which nothing counts before all of it is there
	next.groups, next.synced, next.head = d.groups[:keep:keep], keep, head{}
	l := &Log{disk: &next, o: o, commits: map[txc.ID]wal.Record{}, keys: map[string]txc.ID{}, failed: make(chan struct{})}
	kept, err := l.replay()
	if err != nil {
		return nil, err
	}
	next.groups, next.owner = next.groups[:kept], l
	epoch := max(end.Epoch, 1)
	for _, r := range lost {
		epoch = max(epoch, r.Epoch)
	}
	if err := l.own(wal.ResolutionBody{What: wal.ResolveLoss, Epoch: epoch, Lost: lost, Who: who, Why: why}); err != nil {
		return nil, err
	}
	*d = next
	d.owner = nil
	return lost, nil
}

// lost is what HEAD proves behind the end, and what the groups prove that are not linked any more.
func (d *Disk) lost(end wal.Link, keep int) []wal.Range {
	lost := wal.LostBehind(end)
	if d.head.lsn > end.Last() {
		lost.Show(d.head.epoch, d.head.mark, d.head.lsn)
	} else {
		lost.Show(max(d.head.epoch, end.Epoch), cmp.Or(d.head.mark, end.Mark), math.MaxUint64)
	}
	for _, b := range d.groups[keep:] {
		if g := headOf(b); g.lsn > 0 {
			lost.Show(g.epoch, g.mark, g.lsn)
		}
	}
	return lost.Ranges(false)
}
