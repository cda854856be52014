package wal_test

import (
	"math"
	"slices"
	"testing"

	"github.com/txc-dev/txc/wal"
)

func TestC12_LostBehind(t *testing.T) {
	end := wal.Link{Epoch: 2, Mark: 7, Next: 16}
	for _, r := range []struct {
		proves string
		end    wal.Link
		show   func(wal.Lost)
		want   []wal.Range
	}{
		{"the opening that the rest ends in has lost what is shown of it", end, func(l wal.Lost) { l.Show(2, 7, 20); l.Show(2, 7, 18) }, []wal.Range{{2, 7, 16, 20}}},
		{"it may have lost more, whichever opening is shown", end, func(l wal.Lost) { l.Show(3, 9, 23) }, []wal.Range{{2, 7, 16, math.MaxUint64}, {3, 9, 16, 23}}},
		{"nobody wrote before the first opening", wal.Link{Next: 1}, func(l wal.Lost) { l.Show(1, 5, 4) }, []wal.Range{{1, 5, 1, 4}}},
	} {
		l := wal.LostBehind(r.end)
		r.show(l)
		if got := l.Ranges(false); !slices.Equal(got, r.want) {
			t.Errorf("%s: %+v, not %+v", r.proves, got, r.want)
		}
		for _, one := range l.Ranges(true) {
			if one.To != math.MaxUint64 {
				t.Errorf("%s: an end is told where nobody can tell: %+v", r.proves, one)
			}
		}
	}
}

// However many openings are shown, a resolution takes the ranges.
func TestC12_LostRangesAreBounded(t *testing.T) {
	l := wal.LostBehind(wal.Link{Epoch: 1, Mark: 1, Next: 2})
	for epoch := uint32(2); !l.Full(); epoch++ {
		l.Show(epoch, 1, uint64(epoch))
	}
	if n := len(l.Ranges(false)); n != wal.MaxRanges {
		t.Errorf("%d ranges, at most %d", n, wal.MaxRanges)
	}
}
