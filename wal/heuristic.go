package wal

import (
	"slices"

	"github.com/txc-dev/txc"
)

// heuristic keeps what each branch said; the same said again by the same branch is kept once, until an operator has
// acknowledged it.
func (s *State) heuristic(id txc.ID, body HeuristicBody, h func() held) {
	m := s.change(id)
	if !slices.ContainsFunc(m.open(), body.same) {
		m.heuristics = append(m.heuristics, h())
	}
}

// same reports whether a record that is held says the same of the same branch.
func (b HeuristicBody) same(h held) bool {
	r, err := h.record()
	if err != nil {
		return false
	}
	o, ok := r.Body.(HeuristicBody)
	return ok && o.Participant == b.Participant && o.Fate == b.Fate && o.Outcome == b.Outcome
}

// open are the heuristics that no operator has acknowledged.
func (m *more) open() []held {
	i := 0
	for i < len(m.heuristics) && m.heuristics[i].lsn < m.excuse.lsn {
		i++
	}
	return m.heuristics[i:]
}

// excused takes an operator's acknowledgement of all that is open. Only the last one is held, so what was said again
// after an earlier one is kept once from here on: a fold of what is held gives the same.
func (m *more) excused(h held) {
	var once []held
	for _, old := range m.heuristics {
		r, err := old.record()
		if err != nil {
			continue
		}
		if body, ok := r.Body.(HeuristicBody); ok && !slices.ContainsFunc(once, body.same) {
			once = append(once, old)
		}
	}
	m.heuristics, m.excuse = once, h
}
