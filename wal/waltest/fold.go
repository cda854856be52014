package waltest

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

func unfinished(r *run) {
	a, b, c := r.id(), r.id(), r.id()
	r.append(r.commit(a), r.commit(b), r.commit(c))
	r.append(r.record(b, wal.AcknowledgedBody{Participants: []string{"bank-b"}}), r.end(a), r.commit(r.id()))
	r.kill()
	r.wantUnfinished(b, c, txc.ID{Coordinator: Number, Epoch: 1, Sequence: r.next})
	r.equal(r.rec.Unfinished[0].Acknowledged, []string{"bank-b"}, "acknowledged")
	body := r.rec.Unfinished[0].Commit.Body.(wal.CommitBody)
	r.equal(body, r.commit(b).Body, "the commit record's body")
	r.append(r.record(b, wal.AcknowledgedBody{Participants: []string{"bank-b", "bank-a"}}))
	r.reopen()
	r.equal(r.rec.Unfinished[0].Acknowledged, []string{"bank-b", "bank-a"}, "acknowledged")
	r.append(r.end(b), r.end(c))
	r.reopen()
	r.wantUnfinished(txc.ID{Coordinator: Number, Epoch: 1, Sequence: r.next})
}

func heuristics(r *run) {
	mixed, aborted := r.id(), r.id()
	r.append(r.commit(mixed), r.heuristic(mixed, "bank-b", txc.Committed))
	r.append(r.resolution(mixed, wal.ResolutionBody{What: wal.ResolveSettle, Participant: "bank-a", Outcome: txc.Committed}))
	r.append(r.end(mixed), r.heuristic(aborted, "bank-a", txc.Aborted))
	check := func() {
		r.Helper()
		r.wantUnfinished(mixed, txc.ID{})
		if u := r.rec.Unfinished[0]; !u.Ended || len(u.Heuristics) != 1 || len(u.Resolved) != 1 {
			r.Fatalf("%+v", u)
		}
		if u := r.rec.Unfinished[1]; u.Commit.Kind != 0 || u.Heuristics[0].ID != aborted || u.Ended {
			r.Fatalf("%+v", u)
		}
		if len(r.rec.Unsettled) != 2 || r.rec.Unsettled[0].ID != mixed || r.rec.Unsettled[1].ID != aborted {
			r.Fatalf("%+v", r.rec.Unsettled)
		}
	}
	r.kill()
	check()
	r.append(r.heuristic(mixed, "bank-b", txc.Committed)) // reported once more
	r.reopen()
	check()
	r.append(r.resolution(mixed, wal.ResolutionBody{What: wal.ResolveAcknowledge}))
	r.append(r.resolution(aborted, wal.ResolutionBody{What: wal.ResolveAcknowledge}))
	running := r.id()
	r.append(r.commit(running), r.heuristic(running, "bank-b", txc.Committed))
	r.append(r.resolution(running, wal.ResolutionBody{What: wal.ResolveAcknowledge}))
	r.kill()
	r.wantUnfinished(running)
	if len(r.rec.Unsettled) != 0 || len(r.rec.Unfinished[0].Heuristics) != 0 || len(r.rec.Unfinished[0].Excused) != 1 {
		r.Fatalf("%+v", r.rec.Unsettled)
	}
	r.append(r.end(running))
	r.reopen()
	r.wantUnfinished()
}

func acceptedLoss(r *run) {
	stop := wal.StoppedBody{Participant: "bank-a", Epoch: 6, Mark: 9, Shown: 77, What: "higher_epoch", Text: "shows epoch 6"}
	r.append(r.record(txc.ID{}, stop))
	r.append(r.record(txc.ID{}, stop)) // shown again
	r.kill()
	if len(r.rec.Stopped) != 1 || r.rec.Stopped[0].Body != wal.Body(stop) {
		r.Fatalf("%+v", r.rec.Stopped)
	}
	lost := []wal.Range{{Epoch: 6, Mark: 9, From: 3, To: 77}}
	r.append(r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveLoss, Epoch: 6, Lost: lost}))
	for range 2 {
		r.kill()
		if r.rec.Epoch < 7 || len(r.rec.Stopped) != 0 || len(r.rec.Accepted) != 1 {
			r.Fatalf("%+v", r.rec)
		}
		r.equal(r.rec.Accepted[0].Body.(wal.ResolutionBody).Lost, lost, "the lost range")
	}
	if r.rec.Epoch != 8 {
		r.Fatalf("epoch %d", r.rec.Epoch)
	}
}

func folded(r *run) {
	one, two := r.id(), r.id()
	r.append(
		r.record(txc.ID{}, wal.RegistrationBody{Name: "bank-a", Address: "old", Instance: [16]byte{1}, State: wal.StateActive}),
		r.record(txc.ID{}, wal.RegistrationBody{Name: "bank-b", Address: "b", Stamp: 4, State: wal.StateActive}),
		r.record(txc.ID{}, wal.RegistrationBody{Name: "bank-a", Address: "new", Instance: [16]byte{1}, State: wal.StateActive}),
		r.record(txc.ID{}, wal.RegistrationBody{Name: "bank-b", State: wal.StateRemoved, Who: "ann", Why: "closed"}),
		r.record(one, wal.PresumedBody{Mark: 1, Absent: []string{"bank-a"}}),
		r.record(two, wal.PresumedBody{Mark: 1, Absent: []string{"bank-a", "bank-b"}}),
		r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveGone, Participant: "bank-b"}),
		r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveGone, Participant: "ledger"}),
	)
	r.append(r.record(one, wal.PresumedBody{Mark: 1, Checked: true}))
	r.append(r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveParticipant, Participant: "ledger", Instance: [16]byte{2}, Stamp: 3}))
	for range 2 {
		r.kill()
		var got []string
		for _, reg := range r.rec.Registrations {
			body := reg.Body.(wal.RegistrationBody)
			got = append(got, body.Name+" "+body.Address+" "+body.State)
		}
		r.equal(got, []string{"bank-a new active", "bank-b  removed"}, "registrations")
		if len(r.rec.Presumed) != 1 || r.rec.Presumed[0].ID != two {
			r.Fatalf("%+v", r.rec.Presumed)
		}
		if len(r.rec.Accepted) != 1 || r.rec.Accepted[0].Body.(wal.ResolutionBody).Participant != "bank-b" {
			r.Fatalf("%+v", r.rec.Accepted)
		}
	}
}

// random writes at random and compares every Recovery with a fold of its own.
func random(r *run) {
	seed := newSource(1)
	model := wal.NewState()
	learn := func(recs []wal.Record) {
		for _, rec := range recs {
			b, err := wal.Encode(nil, rec)
			if err != nil {
				r.Fatal(err)
			}
			model.Apply(rec, b)
		}
	}
	learn(r.rec.Openings)
	for round := range 12 {
		for range 1 + seed.pick(40) {
			recs := r.anything(seed)
			before := r.log.Synced()
			last := r.append(recs...)
			for i := range recs {
				recs[i].LSN = last - uint64(len(recs)-1-i)
				recs[i].When = recs[i].When.UTC()
			}
			if before >= last {
				r.Fatalf("LSN %d was durable before it was appended", last)
			}
			learn(recs)
		}
		r.append(r.commit(r.id())) // a forced one takes the lazy ones along
		learn([]wal.Record{r.last()})
		if round%2 == 0 {
			r.kill()
		} else {
			r.reopen()
		}
		var want wal.Recovery
		learn(r.rec.Openings[len(r.rec.Openings)-1:])
		if err := model.Recover(&want); err != nil {
			r.Fatal(err)
		}
		r.equal(r.rec.Unfinished, want.Unfinished, "unfinished")
		r.equal(r.rec.Unsettled, want.Unsettled, "unsettled")
		r.equal(r.rec.Registrations, want.Registrations, "registrations")
		r.equal(r.rec.Stopped, want.Stopped, "stopped")
		r.equal(r.rec.Presumed, want.Presumed, "presumed")
		r.equal(r.rec.Accepted, want.Accepted, "accepted")
		r.equal(r.rec.Openings, want.Openings, "openings")
	}
}

// last reads the newest record of an opening that has just written one.
func (r *run) last() wal.Record {
	for rec, err := range r.log.History(r.Context()) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.Kind == wal.Commit {
			return rec
		}
	}
	r.Fatal("no commit record in the history")
	return wal.Record{}
}

// anything makes up to five records about few transactions and participants, so that they meet.
func (r *run) anything(s *source) []wal.Record {
	names := []string{"bank-a", "bank-b", "ledger"}
	name := func() string { return names[s.pick(len(names))] }
	some := func() txc.ID {
		if r.next > 3 && s.pick(2) == 0 {
			return txc.ID{Coordinator: Number, Epoch: 1, Sequence: r.next - uint64(s.pick(3))}
		}
		return r.id()
	}
	var recs []wal.Record
	for range 1 + s.pick(5) {
		id := some()
		id.Epoch = 1 + uint32(s.pick(2))
		recs = append(recs, slices.Concat([]wal.Record{
			r.commit(id), r.commit(id), r.end(id), r.end(id),
			r.heuristic(id, name(), txc.Committed),
			r.record(id, wal.AcknowledgedBody{Participants: []string{name(), name()}}),
			r.record(id, wal.AbortBody{Members: names, Reason: txc.Reason{Code: txc.CodeConflict, Retryable: true}}),
			r.resolution(id, wal.ResolutionBody{What: wal.ResolveSettle, Participant: name(), Outcome: txc.Aborted}),
			r.resolution(id, wal.ResolutionBody{What: wal.ResolveAcknowledge}),
			r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveGone, Participant: name()}),
			r.resolution(txc.ID{}, wal.ResolutionBody{What: wal.ResolveParticipant, Participant: name()}),
			r.record(txc.ID{}, wal.RegistrationBody{Name: name(), Stamp: uint64(s.pick(9)), State: wal.StateActive}),
			r.record(id, wal.PresumedBody{Mark: 1, Absent: []string{name()}, Checked: s.pick(2) == 0}),
			r.record(txc.ID{}, wal.StoppedBody{Participant: name(), What: "not_contained", Shown: uint64(s.pick(3))}),
		})[s.pick(14)])
	}
	return recs
}

// source is a small generator of numbers that are the same in every run.
type source struct{ state uint64 }

func newSource(seed uint64) *source { return &source{seed*2 + 1} }

func (s *source) pick(n int) int {
	s.state = s.state*6364136223846793005 + 1442695040888963407
	return int(s.state>>33) % n
}
