package simulation

import (
	"testing"
	"time"
)

// A seed replays to the bit, read or not.
func TestASeedReplays(t *testing.T) {
	var words counter
	for seed := uint64(1); seed <= 20; seed++ {
		a, b := Run(seed, nil), Run(seed, &words)
		if a != b {
			t.Errorf("seed %d: %+v and then %+v", seed, a, b)
		}
		if c := Run(seed+1, nil); c.Hash == a.Hash {
			t.Errorf("seeds %d and %d have one trace", seed, seed+1)
		}
	}
	if words == 0 {
		t.Error("nothing was told")
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// What instant makes is what time.Now gives on a machine whose clock jumped.
func TestTheClocksAreApart(t *testing.T) {
	before, after := instant(time.Hour, 48*time.Hour), instant(time.Hour+time.Second, -48*time.Hour)
	if d := after.Sub(before); d != time.Second {
		t.Errorf("by the monotonic clock %v passed", d)
	}
	if d := after.Round(0).Sub(before.Round(0)); d != time.Second-96*time.Hour {
		t.Errorf("by the wall clock %v passed", d)
	}
	if want := start.Add(49 * time.Hour); !before.Round(0).Equal(want) || before.UnixMicro() != want.UnixMicro() {
		t.Errorf("the wall clock shows %v, not %v", before, want)
	}
	if !before.Add(time.Minute).After(after) {
		t.Error("a minute is less than a second")
	}
}

// Events happen in the order of their times, and those of one instant as they were scheduled.
func TestTheScheduleIsInOrder(t *testing.T) {
	var s schedule
	var got []int
	for i, at := range []time.Duration{5, 3, 5, 1, 3, 3, 9, 1} {
		s.after(at, func() { got = append(got, i) })
	}
	for len(s.heap) > 0 {
		s.next()()
	}
	for i, want := range []int{3, 7, 1, 4, 5, 0, 2, 6} {
		if got[i] != want {
			t.Fatalf("%v", got)
		}
	}
}
