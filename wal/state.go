package wal

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/txc-dev/txc"
)

// State is the fold of a log: what of its records still matters. Recovery is made from it, a checkpoint is the records
// that it holds, and applying those in the order of their LSNs gives the same State again. It is pure, and the same for
// every implementation of Log.
//
// It keeps records in their encoded form: a checkpoint copies them, and few are ever looked at.
//
// Invariants
//   - a transaction is unfinished from its commit record to its End, or, when a heuristic came, to its acknowledgement;
//   - a participant has one registration, the latest;
//   - an accepted loss ends every Stopped before it, and the next epoch is above all that it names.
type State struct {
	last          uint64
	epoch         uint32
	mark          uint64
	above         uint32 // accepted losses: the next epoch must be above this
	clean         bool
	dropped       held
	floor         txc.ID
	front         uint64
	openings      []held
	unfinished    map[txc.ID]unfinished
	registrations map[string]held
	stopped       []held
	presumed      map[txc.ID]held
	accepted      []held
}

// held is a record that still matters.
type held struct {
	lsn     uint64
	encoded []byte
}

func (h held) record() (Record, error) {
	r, err := Decode(h.encoded)
	r.LSN = h.lsn
	return r, err
}

// unfinished is small for the many that only have a commit record.
type unfinished struct {
	commit held
	more   *more
}

type more struct {
	acknowledged []held
	names        []string // who has acknowledged
	resolved     []held
	heuristics   []held
	excuse       held // the last acknowledgement: of the heuristics before it
	ended        held
}

// NewState is the fold of an empty log.
func NewState() *State {
	return &State{unfinished: map[txc.ID]unfinished{}, registrations: map[string]held{}, presumed: map[txc.ID]held{}}
}

// Apply adds the next record, in the order of LSNs; encoded is its encoding, of which it keeps a copy if it must.
func (s *State) Apply(r Record, encoded []byte) {
	s.last = r.LSN
	s.clean = r.Kind == Closed
	h := func() held { return held{r.LSN, slices.Clone(encoded)} }
	switch body := r.Body.(type) {
	case OpenedBody:
		s.openings = append(s.openings, h())
		s.epoch, s.mark = body.Epoch, body.Mark
	case CommitBody:
		if u := s.unfinished[r.ID]; u.commit.lsn == 0 { // a decision is written once (C2)
			u.commit = h()
			if u.more != nil { // nothing but a heuristic can come before the decision
				u.more = &more{heuristics: u.more.heuristics}
			}
			s.unfinished[r.ID] = u
		}
	case HeuristicBody:
		s.heuristic(r.ID, body, h)
	case ResolutionBody:
		s.resolution(r.ID, body, h)
	case RegistrationBody:
		s.registrations[body.Name] = h()
	case StoppedBody:
		s.stop(body, h)
	case PresumedBody:
		if body.Checked {
			delete(s.presumed, r.ID)
		} else {
			s.presumed[r.ID] = h()
		}
	case AcknowledgedBody:
		s.acknowledged(r.ID, body, h)
	case EndBody:
		s.end(r.ID, h)
	case DroppedBody:
		s.dropped = h()
		s.front = body.Next
		if s.floor.Compare(body.Floor) < 0 {
			s.floor = body.Floor
		}
	case AbortBody, CheckpointBody, ClosedBody:
	}
}

// change gives the rarely used part of a transaction, made if need be.
func (s *State) change(id txc.ID) *more {
	u := s.unfinished[id]
	if u.more == nil {
		u.more = &more{}
		s.unfinished[id] = u
	}
	return u.more
}

func (s *State) acknowledged(id txc.ID, body AcknowledgedBody, h func() held) {
	if _, ok := s.unfinished[id]; !ok {
		return
	}
	m := s.change(id)
	news := false
	for _, name := range body.Participants {
		if !slices.Contains(m.names, name) {
			m.names = append(m.names, name)
			news = true
		}
	}
	if news {
		m.acknowledged = append(m.acknowledged, h())
	}
}

func (s *State) end(id txc.ID, h func() held) {
	u, ok := s.unfinished[id]
	if !ok {
		return
	}
	if u.more == nil || len(u.more.open()) == 0 {
		delete(s.unfinished, id)
		return
	}
	u.more.ended = h()
}

func (s *State) resolution(id txc.ID, body ResolutionBody, h func() held) {
	switch body.What {
	case ResolveSettle:
		if _, ok := s.unfinished[id]; ok {
			m := s.change(id)
			m.resolved = append(without(m.resolved, body.Participant), h())
		}
	case ResolveAcknowledge:
		u, ok := s.unfinished[id]
		switch {
		case !ok || u.more == nil || len(u.more.open()) == 0:
		case u.more.ended.lsn != 0 || u.commit.lsn == 0:
			delete(s.unfinished, id)
		default: // others have not answered yet: who has is not to be asked again
			u.more.excused(h())
		}
	case ResolveLoss:
		s.accepted = append(s.accepted, h())
		s.above = max(s.above, body.Epoch)
		s.stopped = nil
	case ResolveGone:
		s.accepted = append(without(s.accepted, body.Participant), h())
	case ResolveParticipant:
		s.accepted = without(s.accepted, body.Participant)
	}
}

// without drops the resolutions about one participant. Losses are about none.
func without(all []held, participant string) []held {
	return slices.DeleteFunc(all, func(h held) bool {
		r, err := h.record()
		if err != nil {
			return false
		}
		body, ok := r.Body.(ResolutionBody)
		return ok && body.What != ResolveLoss && body.Participant == participant
	})
}

// stop keeps a proof once, however often it is shown again.
func (s *State) stop(body StoppedBody, h func() held) {
	for _, old := range s.stopped {
		if r, err := old.record(); err == nil {
			if b, ok := r.Body.(StoppedBody); ok && b.Participant == body.Participant && b.What == body.What && b.Epoch == body.Epoch && b.Mark == body.Mark {
				return
			}
		}
	}
	s.stopped = append(s.stopped, h())
}

// Last is the LSN of the last record that was applied.
func (s *State) Last() uint64 { return s.last }

// Clean tells whether that was a Closed record.
func (s *State) Clean() bool { return s.clean }

// At says that the records applied so far are a checkpoint's, and stand for everything up to lsn.
func (s *State) At(lsn uint64) { s.last, s.clean = lsn, false }

// Floor is the highest id ever dropped.
func (s *State) Floor() txc.ID { return s.floor }

// Front is the first LSN that is left of the history.
func (s *State) Front() uint64 { return max(s.front, 1) }

// Unfinished is the number of transactions that are not finished.
func (s *State) Unfinished() int { return len(s.unfinished) }

// NextEpoch is the epoch of the next opening. The error wraps txc.ErrRefused: the numbers are used up.
func (s *State) NextEpoch() (uint32, error) {
	top := max(s.epoch, s.above)
	if top == math.MaxUint32 {
		return 0, fmt.Errorf("%w: no epoch is left", txc.ErrRefused)
	}
	return top + 1, nil
}

// Find gives the commit record of an unfinished transaction. ended: its End is recorded, and only an operator's
// acknowledgement is missing.
func (s *State) Find(id txc.ID) (r Record, ended, ok bool, err error) {
	u, ok := s.unfinished[id]
	if !ok || u.commit.lsn == 0 {
		return Record{}, false, false, nil
	}
	r, err = u.commit.record()
	return r, u.more != nil && u.more.ended.lsn != 0, err == nil, err
}

// Held yields the records that the State holds, in the order of their LSNs, encoded. They are the content of a
// checkpoint.
func (s *State) Held(f func(lsn uint64, encoded []byte) error) error {
	all := slices.Concat(s.openings, s.stopped, s.accepted)
	for _, h := range s.registrations {
		all = append(all, h)
	}
	for _, h := range s.presumed {
		all = append(all, h)
	}
	if s.dropped.lsn != 0 {
		all = append(all, s.dropped)
	}
	for _, u := range s.unfinished {
		if u.commit.lsn != 0 {
			all = append(all, u.commit)
		}
		if m := u.more; m != nil {
			all = slices.Concat(all, m.acknowledged, m.resolved, m.heuristics)
			for _, h := range []held{m.excuse, m.ended} {
				if h.lsn != 0 {
					all = append(all, h)
				}
			}
		}
	}
	sortHeld(all)
	for _, h := range all {
		if err := f(h.lsn, h.encoded); err != nil {
			return err
		}
	}
	return nil
}

func sortHeld(all []held) {
	slices.SortFunc(all, func(a, b held) int { return cmp.Compare(a.lsn, b.lsn) })
}
