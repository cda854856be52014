package coordinator

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// refreshWatermarks computes for every participant what it may forget (P5).
func (c *Core) refreshWatermarks() {
	c.refreshAt = c.w.Now.Add(refreshEvery)
	c.refreshed = c.sequence
	var open []txc.ID // may still come to anybody
	for _, p := range c.byName {
		p.alive = p.alive[:0]
	}
	for l := c.order.first; l != nil; l = l.next {
		if l.tx.Phase == protocol.Open {
			open = more(open, l.id)
			continue
		}
		for i := range l.branches {
			if c.needs(l, i) {
				p := l.branches[i].peer
				p.alive = more(p.alive, l.id)
			}
		}
	}
	if len(c.openings.Losses) > 0 {
		open = merge(c.disownedIDs(), open)
	}
	for _, p := range c.byName {
		c.setWatermark(p, open)
	}
}

// more adds an id, in ascending order; beyond the first that the watermark would wait at none matters.
func more(ids []txc.ID, id txc.ID) []txc.ID {
	if len(ids) > txc.MaxOpen {
		return ids
	}
	return append(ids, id)
}

// needs reports whether branch i may still be spoken of: undecided, or committed and its acknowledgement not durable.
func (c *Core) needs(l *live, i int) bool {
	if l.tx.Phase <= protocol.Deciding {
		return true
	}
	return l.tx.Members().Has(i) && !l.savedAcks.Has(i)
}

// merge makes one ascending list of two.
func merge(a, b []txc.ID) []txc.ID {
	all := make([]txc.ID, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Compare(b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return slices.Compact(append(append(all, a...), b...))
}

// setWatermark moves a participant's watermark. It never goes back, and it passes ids of an older opening only once the
// participant is heard: what they left there is shown first.
func (c *Core) setWatermark(p *peer, open []txc.ID) {
	if !p.heard || p.watermark.IsZero() && c.holdsBack() {
		return
	}
	next := txc.ID{Coordinator: c.number, Epoch: c.epoch, Sequence: c.sequence + 1}
	mark, listed := protocol.Watermark(next, merge(p.alive, open))
	if mark.Compare(p.watermark) >= 0 {
		p.watermark, p.open = mark, listed
	}
}

func (c *Core) lagging(p *peer) bool {
	return protocol.Lagging(txc.ID{Coordinator: c.number, Epoch: c.epoch, Sequence: c.sequence + 1}, p.watermark)
}
