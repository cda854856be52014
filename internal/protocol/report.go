package protocol

import "time"

// Report is what a participant tells of itself and its store: for people and for `doctor`, never for the protocol.
type Report struct {
	Kind, Version string
	Instance      [16]byte
	Capabilities  []string
	Findings      []Finding
	InDoubt       uint64        // promised branches
	Oldest        time.Duration // age of the oldest of them
	Locks         uint64        // held now
	Slots, Free   uint64        // branches that can be promised at once, and how many more; 0, 0: no such limit
}

// Finding is something wrong, or worth knowing, about a store.
type Finding struct {
	Name     string // waived by this name
	Severity string // info, warn, refuse
	Text     string // what is wrong, what to do
	Waived   bool
}
