package wal

import "time"

// Reach is how far back the search for a key that the client library drew goes: at least OwnKeySpan, whatever the wall
// clock did meanwhile (C11). Times in the log come from that clock, and one jump of it must not make a commit of just now
// look as if it were hours old: the request would run a second time. So a search adds up the gaps between one time and
// the next further back, and no gap counts for more than reachGap.
type Reach struct {
	last int64 // unix microseconds
	gone time.Duration
}

// Bounds of a search.
const (
	reachGap   = 5 * time.Second // a log that rests costs a longer search, a clock that jumps no more than this
	reachSlack = 5 * time.Minute // so that jumps by the dozen do no harm
)

// NewReach begins a search.
func NewReach(now time.Time) Reach { return Reach{last: now.UnixMicro()} }

// Back goes on to records of a time, in unix microseconds, and reports whether what lies before them is out of reach.
func (r *Reach) Back(when int64) (beyond bool) {
	gap := time.Duration(min(max(r.last-when, 0), reachGap.Microseconds())) * time.Microsecond
	r.last, r.gone = when, r.gone+gap
	return r.gone > OwnKeySpan+reachSlack
}
