package protocol

// Opening is one opening of a coordinator's log: its epoch, its mark, and the LSN of its first record (C5, C6).
type Opening struct {
	Epoch uint32
	Mark  uint64
	First uint64
}

// Loss is a stretch of the past that an operator has accepted as lost (C12): what witnesses of (Epoch, Mark) show from
// LSN From up to To is disowned, not denied.
type Loss struct {
	Epoch    uint32
	Mark     uint64 // 0: all openings up to Epoch
	From, To uint64
}

// Openings is the table of all openings, in ascending epochs, the running one last. The log keeps it for ever.
type Openings struct {
	All    []Opening
	Losses []Loss
}

// Verdict is what a witness proves.
type Verdict uint8

// The verdicts. The zero value proves nothing good: a witness that nobody judged is not contained.
const (
	NotContained Verdict = iota // the log has lost records (C6)
	Contained                   // the log has all that the witness has seen
	Accepted                    // lost, and an operator has accepted that (C12)
	HigherEpoch                 // somebody opened this number later than we did (C5)
	OtherMark                   // somebody opened this number beside us (C5)
)

var verdictNames = [...]string{"not_contained", "contained", "accepted", "higher_epoch", "other_mark"}

func (v Verdict) String() string { return verdictNames[v] }

// Good reports whether the witness gives no reason to stop.
func (v Verdict) Good() bool { return v == Contained || v == Accepted }

// Judge compares a witness of this coordinator's number with the table. synced is the running opening's last synced
// LSN. The LSN is compared within the witness's own opening: an old opening's tail that was lost is not made good by a
// newer opening that has reached the same number.
func (o Openings) Judge(s Seen, synced uint64) Verdict {
	if s.Epoch == 0 {
		return Contained // has seen nothing
	}
	for i, op := range o.All {
		if op.Epoch != s.Epoch || op.Mark != s.Mark {
			continue
		}
		if i+1 < len(o.All) && s.LSN < o.All[i+1].First || i+1 == len(o.All) && s.LSN <= synced {
			return Contained
		}
		return o.lost(s)
	}
	if o.lost(s) == Accepted {
		return Accepted
	}
	last := o.last()
	switch {
	case s.Epoch > last.Epoch:
		return HigherEpoch
	case s.Epoch == last.Epoch:
		return OtherMark
	default:
		return NotContained
	}
}

func (o Openings) lost(s Seen) Verdict {
	for _, l := range o.Losses {
		if l.Epoch == s.Epoch && l.Mark == s.Mark && s.LSN <= l.To {
			return Accepted
		}
	}
	return NotContained
}

func (o Openings) last() Opening {
	if len(o.All) == 0 {
		return Opening{}
	}
	return o.All[len(o.All)-1]
}

// MarkOf tells the mark of an epoch; ok is false for one that this log never opened.
func (o Openings) MarkOf(epoch uint32) (mark uint64, ok bool) {
	for i := len(o.All) - 1; i >= 0; i-- {
		if o.All[i].Epoch == epoch {
			return o.All[i].Mark, true
		}
	}
	return 0, false
}

// Has reports whether the log was opened under this epoch and mark.
func (o Openings) Has(epoch uint32, mark uint64) bool {
	m, ok := o.MarkOf(epoch)
	return ok && m == mark
}

// Ambiguous reports whether an id of this epoch, said without its mark, may be of an opening that this log does not have
// and whose loss was accepted: the log is a copy from before it, and nobody knows from which epoch on the two differ.
func (o Openings) Ambiguous(epoch uint32) bool {
	for _, l := range o.Losses {
		if epoch <= l.Epoch && !o.Has(l.Epoch, l.Mark) {
			return true
		}
	}
	return false
}

// Disowned reports whether ids of this epoch and mark belong to a stretch whose loss was accepted: nothing of them is
// ever presumed. An opening that lost its tail is disowned as a whole, for its ids do not tell on which side they lie. A
// loss without a mark is of every opening up to its epoch.
func (o Openings) Disowned(epoch uint32, mark uint64) bool {
	for _, l := range o.Losses {
		if l.Epoch == epoch && l.Mark == mark || l.Mark == 0 && epoch <= l.Epoch {
			return true
		}
	}
	return false
}

// At tells the epoch under which a record was written; 0: before the first.
func (o Openings) At(lsn uint64) uint32 {
	for i := len(o.All) - 1; i >= 0; i-- {
		if o.All[i].First <= lsn {
			return o.All[i].Epoch
		}
	}
	return 0
}
