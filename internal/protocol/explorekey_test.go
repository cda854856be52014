package protocol_test

import (
	"hash/maphash"
	"math/bits"
	"slices"

	. "github.com/txc-dev/txc/internal/protocol"
)

// index is the machine's name for a side: after a recovery it counts the members alone. Negative: it has none.
func (c *coord) index(i int) int {
	switch {
	case !c.Recovered:
		return i
	case !has(c.W.Members, i):
		return -1
	default:
		return bits.OnesCount8(c.W.Members & (1<<i - 1))
	}
}

// sides is index the other way round, for sets.
func (c *coord) sides(s Set) (sides uint8) {
	for i := range maxSides {
		if n := c.index(i); n >= 0 && s.Has(n) {
			sides |= 1 << i
		}
	}
	return sides
}

func (c *coord) indexes(sides uint8) (s Set) {
	for i := range maxSides {
		if n := c.index(i); n >= 0 && has(sides, i) {
			s = s.With(n)
		}
	}
	return s
}

var seed = maphash.MakeSeed()

// sideKey is all that belongs to one side, wherever it is kept.
type sideKey struct {
	side side
	bits [2]uint64
}

// key makes states equal that differ only in which side is which. Of a few million states, two that differ have the
// same key with a chance of one in a million.
func (g *stage) key(w world) uint64 {
	var sides [maxSides]uint64
	for i := range g.cfg.sides {
		k := sideKey{side: w.S[i]}
		for c := range w.C {
			k.bits[c] = w.C[c].bitsOf(i)
		}
		sides[i] = maphash.Comparable(seed, k)
	}
	if !g.cfg.ordered {
		slices.Sort(sides[:g.cfg.sides])
	}
	w.S = [maxSides]side{}
	for c := range w.C {
		w.C[c].blank()
	}
	return maphash.Comparable(seed, struct {
		rest  world
		sides [maxSides]uint64
	}{w, sides})
}

// bitsOf gathers what a coordinator keeps of one side; blank removes all of that.
func (c *coord) bitsOf(i int) (b uint64) {
	t := &c.Tx
	if n := c.index(i); n >= 0 {
		for _, s := range [...]Set{t.Yes, t.Held, t.Out, t.Acked, t.Settled, t.Odd, t.Excused, t.Busy, t.Saved} {
			b = b<<1 | uint64(s)>>n&1
		}
	}
	for _, l := range [...]*logbook{&c.W, &c.D} {
		for _, s := range [...]uint8{l.Members, l.Acked, l.Odd, l.Excused, l.Settled, l.OddAborted, l.ExcusedAborted} {
			b = b<<1 | uint64(s)>>i&1
		}
	}
	for _, s := range [...]uint8{c.Linked, c.Heard} {
		b = b<<1 | uint64(s)>>i&1
	}
	b <<= 1
	if c.Sweep.At > 0 && int(c.Sweep.Side) == i {
		b |= 1
	}
	return b
}

func (c *coord) blank() {
	t := &c.Tx
	t.Yes, t.Held, t.Out, t.Acked, t.Settled, t.Odd, t.Excused, t.Busy, t.Saved = 0, 0, 0, 0, 0, 0, 0, 0, 0
	for _, l := range [...]*logbook{&c.W, &c.D} {
		l.Members, l.Acked, l.Odd, l.Excused, l.Settled, l.OddAborted, l.ExcusedAborted = 0, 0, 0, 0, 0, 0, 0
	}
	c.Linked, c.Heard, c.Sweep.Side = 0, 0, 0
}
