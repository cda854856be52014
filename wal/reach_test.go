package wal_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc/wal"
)

// back counts how many records, one every so often, a search looks at.
func back(every time.Duration, jumps map[int]time.Duration) (n int) {
	now := time.Unix(1_700_000_000, 0)
	r := wal.NewReach(now)
	for ; n < 1_000_000; n++ {
		now = now.Add(-every - jumps[n])
		if r.Back(now.UnixMicro()) {
			break
		}
	}
	return n
}

func TestASearchGoesBackFarEnough(t *testing.T) {
	far := int(wal.OwnKeySpan / time.Second)
	for _, c := range []struct {
		says  string
		every time.Duration
		jumps map[int]time.Duration
		least int
	}{
		{"where the clock is right", time.Second, nil, far},
		{"past a jump forwards", time.Second, map[int]time.Duration{5: 48 * time.Hour}, far},
		{"past a jump backwards", time.Second, map[int]time.Duration{5: -48 * time.Hour}, far},
		{"past many", time.Second, map[int]time.Duration{1: time.Hour, 2: time.Hour, 3: -time.Hour, 4: time.Hour, 5: 9 * time.Hour, 6: time.Hour}, far},
		{"where little is written", time.Hour, nil, 100},
	} {
		if n := back(c.every, c.jumps); n < c.least || n > 2*far {
			t.Errorf("%s: %d records, wanted %d to %d", c.says, n, c.least, 2*far)
		}
	}
}
