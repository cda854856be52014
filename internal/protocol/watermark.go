package protocol

import "github.com/txc-dev/txc"

// Watermark computes what a participant may forget (P5). next is the next id to be issued; alive are the ids, ascending,
// that may still come to this participant or are unfinished there: open ones, undecided ones, and decided ones whose
// acknowledgement by it, or End, is not durable. It returns the watermark, below which everything but open is over, and
// open itself, a prefix of alive of at most txc.MaxOpen ids.
func Watermark(next txc.ID, alive []txc.ID) (mark txc.ID, open []txc.ID) {
	if len(alive) > txc.MaxOpen {
		return alive[txc.MaxOpen], alive[:txc.MaxOpen]
	}
	return next, alive
}

// Lagging reports whether the watermark lags so far behind that no new work may be admitted for the participant. Of
// older openings it is not known how many ids lie between: those of this one count alone.
func Lagging(next, mark txc.ID) bool {
	lag := next.Sequence
	if mark.Epoch == next.Epoch {
		lag -= mark.Sequence
	}
	return lag > txc.MaxLag
}
