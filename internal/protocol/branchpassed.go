package protocol

import (
	"slices"

	"github.com/txc-dev/txc"
)

// Passed is the set of ids of one coordinator that can no longer come to a participant (P5): those below Below, save
// Open (ascending, all below Below). The zero value is empty: nothing may be forgotten.
type Passed struct {
	Below txc.ID
	Open  []txc.ID
}

// Has reports whether id can no longer come.
func (p Passed) Has(id txc.ID) bool {
	if id.Compare(p.Below) >= 0 {
		return false
	}
	_, open := slices.BinarySearchFunc(p.Open, id, txc.ID.Compare)
	return !open
}

// Join returns the union of both sets: what has passed once never comes back, whatever older message arrives later.
// The result shares no memory with its operands, unless one of them is the result.
func (p Passed) Join(q Passed) Passed {
	if p.Below.Compare(q.Below) < 0 {
		p, q = q, p // p has the higher watermark
	}
	if q.Below.IsZero() {
		return p
	}
	open := make([]txc.ID, 0, len(p.Open))
	for _, id := range p.Open {
		if !q.Has(id) {
			open = append(open, id)
		}
	}
	return Passed{Below: p.Below, Open: open}
}
