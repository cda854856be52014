package resourcetest

import (
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// memoryCases are about the notebook and Check.
var memoryCases = []case_{
	{says: "P12: a store has an identity, the same at each opening", check: func(r *rig) {
		first := r.recall()
		if first.Instance == ([16]byte{}) {
			r.failf("no identity")
		}
		r.reopen()
		if again := r.recall(); again.Instance != first.Instance {
			r.failf("identity %x after a crash, %x before", again.Instance, first.Instance)
		}
	}},
	{says: "P6: what was remembered is there after a crash, and only ever rises", check: func(r *rig) {
		before := r.recall()
		want := participant.Seen{Coordinator: 7, Epoch: 4, Mark: 0xabc, LSN: 12}
		r.ok(r.r.Remember(r.ctx, participant.Memory{Instance: [16]byte{1}, Stamp: 1 << 40, Seen: []participant.Seen{want}}), "remember")
		for range 2 {
			m := r.recall()
			found := false
			for _, s := range m.Seen {
				found = found || s == want
			}
			switch {
			case !found:
				r.failf("witnesses %v, want %v among them", m.Seen, want)
			case m.Instance != before.Instance:
				r.failf("the caller's identity was taken")
			case m.Stamp >= 1<<40:
				r.failf("the caller's stamp was taken")
			}
			r.reopen()
		}
	}},
	{says: "P12: a stamp, where there is one, grows with each promise and each commit, and never falls", check: func(r *rig) {
		last := r.recall().Stamp
		for range 3 {
			b, p := r.promise("k", "v")
			promised := r.recall().Stamp
			r.commit(b, p.Evidence, txc.CommittedNow)
			r.reopen()
			applied := r.recall().Stamp
			if promised == 0 && applied == 0 {
				return // it keeps none
			}
			if promised <= last || applied <= promised {
				r.failf("stamps %d, %d, %d", last, promised, applied)
			}
			last = applied
		}
	}},
	{says: "Check tells what kind of store it is, and counts what is in doubt", check: func(r *rig) {
		b, p := r.promise("k", "v")
		is, err := r.r.Check(r.ctx)
		r.ok(err, "check")
		if is.Kind == "" || is.Instance != r.recall().Instance || is.InDoubt != 1 {
			r.failf("report %+v", is)
		}
		r.commit(b, p.Evidence, txc.CommittedNow)
		is, err = r.r.Check(r.ctx)
		r.ok(err, "check")
		if is.InDoubt != 0 || is.Locks != 0 {
			r.failf("at rest: %+v", is)
		}
	}},
}

// settleCases are about an operator's deeds (H2, H4).
var settleCases = []case_{
	{says: "H2: a branch that an operator committed is applied, once, and listed until it is reconciled", check: func(r *rig) {
		r.settled(txc.Committed, "v", []txc.Fate{txc.CommittedBefore}, []txc.Fate{txc.CommittedBefore})
	}},
	{says: "H2: a branch that an operator aborted is rolled back, once, and listed until it is reconciled", check: func(r *rig) {
		r.settled(txc.Aborted, absent, []txc.Fate{txc.AbortedBefore}, []txc.Fate{txc.AbortedNow})
	}},
	{says: "H2: only what is promised can be settled: the first of decision and operator wins", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.commit(b, p.Evidence, txc.CommittedNow)
		c, p := r.promise("c", "v")
		r.abort(c, p.Evidence, txc.AbortedNow)
		for _, x := range []participant.Branch{b, c, r.branch()} {
			done, err := r.r.Settle(r.ctx, x, settlement(txc.Committed))
			r.ok(err, "settle")
			if done {
				r.failf("%s was settled, though it was not promised", x.ID)
			}
		}
		r.doubtful()
		r.value("c", absent)
		r.ok(r.r.Reconciled(r.ctx, b), "reconcile what was never settled")
	}},
}

func settlement(o txc.Outcome) participant.Settlement {
	return participant.Settlement{Outcome: o, Who: "ada", Why: "ticket 7", When: time.Now()}
}

func (r *rig) settled(o txc.Outcome, value string, commit, abort []txc.Fate) {
	b, p := r.promise("k", "v")
	done, err := r.r.Settle(r.ctx, b, settlement(o))
	r.ok(err, "settle")
	if !done {
		r.failf("a promised branch was not settled")
	}
	for range 2 {
		r.value("k", value)
		r.doubtful(b)
		d := r.inDoubt()[key(b)]
		if d.Settled == 0 || d.Settled.Applied() != (o == txc.Committed) || d.Why.IsZero() || len(d.Members) != len(b.Members) {
			r.failf("listed as %+v", d)
		}
		if again, err := r.r.Settle(r.ctx, b, settlement(txc.Committed)); err != nil || again {
			r.failf("settled twice: %v, %v", again, err)
		}
		r.commit(b, p.Evidence, commit...)
		r.abort(b, p.Evidence, abort...)
		r.unmarked(b)
		r.reopen()
	}
	r.ok(r.r.Reconciled(r.ctx, b), "reconcile")
	r.doubtful()
	r.unmarked(b)
	r.ok(r.r.Reconciled(r.ctx, b), "reconcile again")
	r.reopen()
	r.doubtful()
	r.unmarked(b)
	r.value("k", value)
	c, p := r.promise("k", "w")
	r.commit(c, p.Evidence, txc.CommittedNow)
}

// unmarked: what an operator did proves no decision (C6).
func (r *rig) unmarked(b participant.Branch) {
	if r.committed(txc.ID{})[key(b)] {
		r.failf("%s was settled by hand, and is shown as a marker of its commit", b.ID)
	}
}
