package simulation

import (
	"time"
	"unsafe"
)

// start is what every wall clock shows at virtual time 0, before it jumps.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// instant is what time.Now gives on a machine whose wall clock is off by skew: the wall clock jumps, the monotonic one
// does not. The time package makes such a value only from the real clocks, so it is put together here as package time
// lays it out; TestTheClocksAreApart says whether it still does.
func instant(mono, skew time.Duration) time.Time {
	const (
		monotonic = 1 << 63
		shift     = 30
	)
	wall := start.Add(mono + skew)
	since := uint64(wall.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	laidOut := struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}{monotonic | since<<shift | uint64(wall.Nanosecond()), int64(mono) + 1, nil}
	return *(*time.Time)(unsafe.Pointer(&laidOut))
}
