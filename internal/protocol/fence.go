package protocol

// Standing is how an opening of a coordinator stands to the highest that a participant has seen of that number (P6).
type Standing uint8

// The standings. The zero value is the careful one.
const (
	Refused Standing = iota // below the highest, or equal with another mark: show the higher one, do nothing
	Current                 // the highest itself
	Newer                   // to be made durable before anything is answered
)

var standingNames = [...]string{"refused", "current", "newer"}

func (s Standing) String() string {
	if int(s) >= len(standingNames) {
		return "invalid"
	}
	return standingNames[s]
}

// Stand compares the opening (epoch, mark) that a message names as its sender's with the highest seen of the same
// cluster and number; the zero Seen is none yet. It holds for every kind of message: a fence with a gap is none.
func (s Seen) Stand(epoch uint32, mark uint64) Standing {
	switch {
	case epoch == 0 || epoch < s.Epoch:
		return Refused
	case epoch > s.Epoch:
		return Newer
	case mark != s.Mark:
		return Refused
	default:
		return Current
	}
}

// Witnesses are what a participant has kept of one coordinator's openings (C6), in ascending epochs. The last is the
// highest, with which the fence compares (P6). Earlier ones are kept, and shown in every Welcome, until the coordinator
// has judged them: an opening that says hello knows nothing of them yet, and may die before it has read the Welcome.
type Witnesses []Seen

// MaxWitnesses bounds them. Openings pile up only where each one let something be written here and none was heard of
// again.
const MaxWitnesses = 16

// Highest is the highest opening seen; zero: none yet.
func (w Witnesses) Highest() Seen {
	if len(w) == 0 {
		return Seen{}
	}
	return w[len(w)-1]
}

// Hear returns the witnesses after a message that P6 lets through; it changes nothing of w.
//
// A Hello enters its opening, but no LSN: nothing was written under it, and the next opening's Hello may take its
// place. A watermark that has passed the ids of older openings proves that this opening has heard this participant, and
// found what it showed contained (P5): only then the older witnesses are dropped.
func (w Witnesses) Hear(from *Sender, hello bool) Witnesses {
	top := w.Highest()
	standing := top.Stand(from.Epoch, from.Mark)
	if standing == Refused {
		return w
	}
	next := make(Witnesses, 0, len(w)+1)
	for _, s := range w {
		over := from.Watermark.Coordinator == from.Coordinator && s.Epoch < min(from.Watermark.Epoch, from.Epoch)
		if !over && (s.LSN > 0 || standing == Current && s == top) {
			next = append(next, s)
		}
	}
	if standing == Newer {
		next = append(next, Seen{Coordinator: from.Coordinator, Epoch: from.Epoch, Mark: from.Mark})
	}
	if last := &next[len(next)-1]; !hello {
		last.LSN = max(last.LSN, from.LSN)
	}
	return next[max(0, len(next)-MaxWitnesses):]
}
