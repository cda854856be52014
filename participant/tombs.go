package participant

import (
	"container/heap"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Ended branches are remembered until the watermark has passed them (P4, P5): a tomb each, a few words long.

// tombHeap orders the keys of tombs by id, the lowest first.
type tombHeap []key

func (h tombHeap) Len() int           { return len(h) }
func (h tombHeap) Less(i, j int) bool { return h[i].ID.Compare(h[j].ID) < 0 }
func (h tombHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *tombHeap) Push(x any)        { *h = append(*h, x.(key)) }
func (h *tombHeap) Pop() any {
	last := len(*h) - 1
	k := (*h)[last]
	*h = (*h)[:last]
	return k
}

// bury turns an ended branch into a tomb; it is dropped at once if the watermark has passed it already.
func (c *Core) bury(lv *live) {
	p := c.peer(lv.ID.Coordinator)
	c.timers.disarm(&lv.timer)
	delete(c.branches, lv.key)
	if p.passed.Has(lv.ID) {
		c.feed(lv, protocol.WatermarkPassed{})
		return
	}
	if _, again := p.tombs[lv.key]; !again { // a settlement that was taken over left its tomb here
		heap.Push(&p.order, lv.key)
	}
	p.tombs[lv.key] = lv.machine
}

// passedOn drops what the watermark has passed. What it lists stays, and is looked at again when the list changes.
func (c *Core) passedOn(p *peer) {
	p.listed = slices.DeleteFunc(p.listed, func(k key) bool { return c.dropTomb(p, k) })
	for len(p.order) > 0 && p.order[0].ID.Compare(p.passed.Below) < 0 {
		k := heap.Pop(&p.order).(key)
		if !c.dropTomb(p, k) {
			p.listed = append(p.listed, k)
		}
	}
	c.dirty(p)
}

func (c *Core) dropTomb(p *peer, k key) bool {
	if !p.passed.Has(k.ID) {
		return false
	}
	c.risen = live{key: k, machine: p.tombs[k], tomb: true}
	c.feed(&c.risen, protocol.WatermarkPassed{})
	delete(p.tombs, k)
	return true
}

// full reports why no new work of this coordinator is taken; nil: it is (C10).
func (c *Core) full(p *peer) *txc.Reason {
	var reason txc.Reason
	switch {
	case c.closing:
		reason = c.reason(txc.CodeBusy, "the participant is closing")
	case len(c.branches) >= MaxLive:
		reason = c.reason(txc.CodeBusy, "too many branches that are not ended")
	case len(p.tombs) >= MaxTombs:
		reason = c.reason(txc.CodeBusy, "too many ended branches above the watermark")
	default:
		return nil
	}
	return &reason
}
