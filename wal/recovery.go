package wal

import (
	"cmp"
	"slices"
)

// Recover fills in what the State knows: everything but cluster, number, and the new opening's own numbers, which
// Opening adds.
func (s *State) Recover(to *Recovery) error {
	to.Head, to.Clean, to.Floor = s.last, s.clean, s.floor
	for _, part := range []struct {
		to   *[]Record
		from []held
	}{
		{&to.Openings, s.openings},
		{&to.Stopped, s.stopped},
		{&to.Accepted, s.accepted},
		{&to.Registrations, values(s.registrations)},
		{&to.Presumed, values(s.presumed)},
	} {
		all, err := records(part.from)
		if err != nil {
			return err
		}
		*part.to = all
	}
	return s.recoverUnfinished(to)
}

func (s *State) recoverUnfinished(to *Recovery) error {
	to.Unfinished, to.Unsettled = nil, nil
	for _, u := range s.unfinished {
		all, err := u.recover()
		if err != nil {
			return err
		}
		to.Unfinished = append(to.Unfinished, all)
		to.Unsettled = append(to.Unsettled, all.Heuristics...)
	}
	slices.SortFunc(to.Unfinished, func(a, b Unfinished) int { return cmp.Compare(a.first(), b.first()) })
	slices.SortFunc(to.Unsettled, func(a, b Record) int { return cmp.Compare(a.LSN, b.LSN) })
	return nil
}

// first is the LSN that a transaction is listed by: its commit record's, or its first heuristic's.
func (u Unfinished) first() uint64 {
	if u.Commit.LSN == 0 && len(u.Heuristics) > 0 {
		return u.Heuristics[0].LSN
	}
	return u.Commit.LSN
}

func (u unfinished) recover() (Unfinished, error) {
	var all Unfinished
	if u.commit.lsn != 0 {
		r, err := u.commit.record()
		if err != nil {
			return all, err
		}
		all.Commit = r
	}
	if u.more == nil {
		return all, nil
	}
	all.Acknowledged = slices.Clone(u.more.names)
	all.Ended = u.more.ended.lsn != 0
	var err error
	if all.Resolved, err = records(u.more.resolved); err != nil {
		return all, err
	}
	open := u.more.open()
	if all.Excused, err = records(u.more.heuristics[:len(u.more.heuristics)-len(open)]); err != nil {
		return all, err
	}
	all.Heuristics, err = records(open)
	return all, err
}

// values gives a map's records in the order of their LSNs.
func values[K comparable](m map[K]held) []held {
	all := make([]held, 0, len(m))
	for _, h := range m {
		all = append(all, h)
	}
	sortHeld(all)
	return all
}

func records(all []held) ([]Record, error) {
	if len(all) == 0 {
		return nil, nil
	}
	out := make([]Record, len(all))
	for i, h := range all {
		r, err := h.record()
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}
