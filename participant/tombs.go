package participant

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Ended branches are remembered until the watermark has passed them (P4, P5): a tomb each, a few words long.

// tombHeap is a binary heap of the keys of tombs by id, the lowest first. It is not container/heap's, which would allocate
// at each push and pop: there are as many as branches.
type tombHeap []key

func (h tombHeap) less(i, j int) bool { return h[i].ID.Compare(h[j].ID) < 0 }

func (h *tombHeap) push(k key) {
	*h = append(*h, k)
	all := *h
	for i := len(all) - 1; i > 0; {
		parent := (i - 1) / 2
		if !all.less(i, parent) {
			break
		}
		all[i], all[parent] = all[parent], all[i]
		i = parent
	}
}

// pop takes the lowest of those that there are.
func (h *tombHeap) pop() key {
	all := *h
	lowest, last := all[0], len(all)-1
	all[0] = all[last]
	all = all[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && all.less(child+1, child) {
			child++
		}
		if !all.less(child, i) {
			break
		}
		all[i], all[child] = all[child], all[i]
		i = child
	}
	*h = all
	return lowest
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
		p.order.push(lv.key)
	}
	p.tombs[lv.key] = lv.machine
}

// passedOn drops what the watermark has passed. What it lists stays, and is looked at again when the list changes.
func (c *Core) passedOn(p *peer) {
	p.listed = slices.DeleteFunc(p.listed, func(k key) bool { return c.dropTomb(p, k) })
	for len(p.order) > 0 && p.order[0].ID.Compare(p.passed.Below) < 0 {
		k := p.order.pop()
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
	text := ""
	switch {
	case c.closing:
		text = "the participant is closing"
	case len(c.branches) >= MaxLive:
		text = "too many branches that are not ended"
	case len(p.tombs) >= MaxTombs:
		text = "too many ended branches above the watermark"
	default:
		return nil
	}
	reason := c.reason(txc.CodeBusy, text)
	return &reason
}
