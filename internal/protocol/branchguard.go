package protocol

// Self is what a participant compares messages with.
type Self struct {
	Cluster     string
	Incarnation uint64 // drawn at this start (P4)
}

// Guarded is what the guards say of a message, before the branch's own machine sees it.
type Guarded uint8

// The verdicts. The zero value is the careful one.
const (
	NotMine          Guarded = iota // another cluster, or an id that is not its sender's: nothing is done
	FencedOff                       // P6: nothing is done; the higher opening is shown
	FirstSeen                       // a newer opening: durable first, and writes begun for earlier ones ended (P6)
	OtherIncarnation                // meant for an earlier start: a No that is not certain (P4)
	BelowWatermark                  // too old, and nothing is known of it (P5)
	Admitted
)

var guardedNames = [...]string{"not mine", "fenced", "first seen", "other incarnation", "below the watermark", "admitted"}

func (g Guarded) String() string {
	if int(g) >= len(guardedNames) {
		return "invalid"
	}
	return guardedNames[g]
}

// Guard judges a message from a coordinator, of any kind. seen is the highest opening of its number, passed what can
// no longer come from it, known whether anything is remembered of its branch. FirstSeen is said before the rest is
// looked at: the message is to be judged again when the opening has been seen to.
func (s Self) Guard(m *Message, seen Seen, passed Passed, known bool) Guarded {
	from := m.From
	if from == nil || from.Cluster != s.Cluster || from.Coordinator == 0 {
		return NotMine
	}
	if !m.ID.IsZero() && m.ID.Coordinator != from.Coordinator {
		return NotMine
	}
	switch seen.Stand(from.Epoch, from.Mark) {
	case Refused:
		return FencedOff
	case Newer:
		return FirstSeen
	case Current:
	}
	if p, ok := m.Body.(Prepare); ok && p.Incarnation != s.Incarnation {
		return OtherIncarnation
	}
	if !known && !m.ID.IsZero() && passed.Has(m.ID) {
		return BelowWatermark
	}
	return Admitted
}

// Enlistment is what the caller of joined work has of a branch: the zero value is nothing yet.
type Enlistment struct {
	Incarnation uint64
	Calls       uint32 // completed calls
}

// GuardCall judges a call of the service (joined work). Its cluster was compared by whoever read its metadata.
func (s Self) GuardCall(e Enlistment, below, known bool) Guarded {
	switch {
	case e != Enlistment{} && e.Incarnation != s.Incarnation:
		return OtherIncarnation
	case below && !known:
		return BelowWatermark
	default:
		return Admitted
	}
}

// AboutOf says what kind of message a Fenced refuses; zero for those that participants send.
func AboutOf(b Body) About {
	switch b.(type) {
	case Hello:
		return AboutHello
	case Prepare:
		return AboutPrepare
	case Commit:
		return AboutCommit
	case Abort:
		return AboutAbort
	case Answer:
		return AboutAnswer
	case List:
		return AboutList
	case Welcome, Vote, Fated, Fenced, Inquiry, Listed:
		return 0
	default:
		return 0
	}
}
