package wal

import (
	"cmp"
	"math"
	"slices"
)

// Lost gathers what is disowned of a log whose end is lost (C12): each opening that is shown to have written behind what
// is left, and the one that the rest ends in, which may have written more, whatever else is shown.
type Lost struct {
	from uint64
	to   map[opening]uint64 // the last record that is shown; 0: nobody can tell
}

// opening names one opening of a log.
type opening struct {
	epoch uint32
	mark  uint64
}

// LostBehind begins with the end of what is left.
func LostBehind(end Link) Lost {
	l := Lost{end.Next, map[opening]uint64{}}
	if end.Epoch > 0 {
		l.to[opening{end.Epoch, end.Mark}] = 0
	}
	return l
}

// Show adds that an opening wrote records up to last.
func (l Lost) Show(epoch uint32, mark, last uint64) {
	o := opening{epoch, mark}
	l.to[o] = max(l.to[o], last)
}

// Full reports whether a resolution takes no more ranges.
func (l Lost) Full() bool { return len(l.to) >= MaxRanges }

// Ranges are what is disowned, by epoch and mark. endless: more may be lost than was shown.
func (l Lost) Ranges(endless bool) []Range {
	var all []Range
	for o, last := range l.to {
		if endless || last == 0 {
			last = math.MaxUint64
		}
		all = append(all, Range{Epoch: o.epoch, Mark: o.mark, From: l.from, To: last})
	}
	slices.SortFunc(all, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Mark, b.Mark))
	})
	return all
}
