package protocol

import "time"

// Report is what a participant tells of itself and its store: for people and for `doctor`, never for the protocol. A
// coordinator tells of its log in the same form.
type Report struct {
	Kind, Version string
	Instance      [16]byte
	Capabilities  []string
	Findings      []Finding
	InDoubt       uint64        // promised branches
	Oldest        time.Duration // age of the oldest of them
	Locks         uint64        // held now
	Slots, Free   uint64        // branches that can be promised at once, and how many more; 0, 0: no such limit
	Foreign       uint64        // prepared transactions of somebody else in the same store: left alone
	FileSystem    string        // of a store in files of its own: what they are kept on
	Sync          time.Duration // of such a store: what one synced write took when it was opened; 0: not said

	// What the way between the two adds.
	ProtocolMin, ProtocolMax uint32        // versions of the streams that the participant speaks; 0: not said
	Clock                    time.Time     // the participant's, when it answered; zero: not said
	Ahead, Within            time.Duration // how far that is ahead of the coordinator's, give or take; Within 0: not known
}

// CompareClocks tells how far the participant's clock is ahead, who was asked at asked, by our clock, and answered within
// took: somewhere in between it looked at its own.
func (r *Report) CompareClocks(asked time.Time, took time.Duration) {
	if r.Clock.IsZero() {
		return
	}
	r.Within = max(took/2, time.Microsecond)
	r.Ahead = r.Clock.Sub(asked.Round(0)) - took/2
}

// Finding is something wrong, or worth knowing, about a store.
type Finding struct {
	Name     string // waived by this name
	Severity string // info, warn, refuse
	Text     string // what is wrong, what to do
	Waived   bool
}
