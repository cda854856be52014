package simulation

// A rival is a second process of the coordinator's number, on a copy of its log: a restored machine, a volume mounted
// twice. Neither knows of the other; participants do (C5, P6).

// startRival makes one, once.
func (w *World) startRival() {
	if w.rival != nil || w.coordinator.disk.Head() < 20 {
		return // not before everybody is registered in the log that is copied
	}
	w.rival = &coordinatorNode{w: w, disk: w.coordinator.disk.Copy(), wires: map[string]*wire{}, rival: true}
	for _, p := range w.participants {
		w.rival.wires[p.name] = &wire{w: w, c: w.rival, p: p}
	}
	w.log("a rival starts on a copy of the log")
	w.rival.boot()
}

// endRival is an operator's deed: there shall be one.
func (w *World) endRival() {
	if w.rival != nil {
		w.log("the rival ends for good")
		w.rival.ended = true
		w.rival.crash(false)
	}
}

// anyCoordinator is the one that a client or a participant's question reaches.
func (w *World) anyCoordinator() *coordinatorNode {
	if w.rival != nil && w.rival.up && w.chance(0.5) {
		return w.rival
	}
	return w.coordinator
}

// twoOwners reports whether a client's *decided* may be wrong: two separate logs decided under one number.
func (w *World) twoOwners() bool { return w.rival != nil }
