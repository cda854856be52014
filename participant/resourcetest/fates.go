package resourcetest

import (
	"context"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// fateCases are about Commit and Abort, and about what a store can prove (P7, P11).
var fateCases = []case_{
	{says: "P11: what was answered as committed is there after a crash, with its proof", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.value("k", "v")
		r.reopen()
		r.value("k", "v")
		r.doubtful()
		r.commit(b, p.Evidence, txc.CommittedBefore)
	}},
	{says: "P7: a repeated Commit, and an Abort that comes too late, hear committed before", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.commit(b, p.Evidence, txc.CommittedBefore)
		r.abort(b, p.Evidence, txc.CommittedBefore)
		r.reopen()
		r.abort(b, p.Evidence, txc.CommittedBefore)
		r.value("k", "v")
	}},
	{says: "P7: a Commit without a trace hears never prepared, and changes nothing", check: func(r *rig) {
		r.commit(r.branch(), nil, txc.NeverPrepared)
		r.doubtful()
	}},
	{says: "P4: an Abort without a trace hears aborted, every time", check: func(r *rig) {
		b := r.branch()
		r.abort(b, nil, txc.AbortedNow)
		r.abort(b, nil, txc.AbortedNow)
	}},
	{says: "P7: a promise that is rolled back is gone for ever, and no Commit hears otherwise", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.abort(b, p.Evidence, txc.AbortedNow)
		r.doubtful()
		r.abort(b, p.Evidence, txc.AbortedNow)
		r.commit(b, p.Evidence, txc.AbortedBefore, txc.NeverPrepared, txc.Hazard)
		r.reopen()
		r.doubtful()
		r.commit(b, p.Evidence, txc.AbortedBefore, txc.NeverPrepared, txc.Hazard)
		r.value("k", absent)
	}},
	{says: "P7: a branch is not taken for another one of the same id", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.commit(b, p.Evidence, txc.CommittedNow)
		b.Mark++
		r.commit(b, nil, txc.NeverPrepared)
		r.abort(b, nil, txc.AbortedNow)
	}},
	{says: "C6: an applied commit leaves a witness or a marker behind", check: func(r *rig) {
		b := r.written("k", "v")
		r.reopen()
		for _, s := range r.recall().Seen {
			if s.Coordinator == b.Seen.Coordinator && s.Epoch == b.Seen.Epoch && s.Mark == b.Seen.Mark && s.LSN >= b.Seen.LSN {
				return
			}
		}
		if !r.committed(txc.ID{})[key(b)] {
			r.failf("neither the notebook nor the markers know of %s", b.ID)
		}
	}},
	{says: "C6: the markers from an id on are those that committed, and no others", check: func(r *rig) {
		a, b := r.written("a", "1"), r.written("b", "1")
		c, p := r.promise("c", "1")
		r.abort(c, p.Evidence, txc.AbortedNow)
		d, _ := r.promise("d", "1")
		for range 2 {
			all := r.committed(txc.ID{})
			if !all[key(a)] || !all[key(b)] || all[key(c)] || all[key(d)] {
				r.failf("markers %v", all)
			}
			if all := r.committed(b.ID); all[key(a)] || !all[key(b)] {
				r.failf("markers from %s: %v", b.ID, all)
			}
			r.reopen()
		}
	}},
	{says: "P5: Forget drops no promise, no exception, and nothing of other coordinators or above", check: func(r *rig) {
		keep := r.written("a", "1")
		r.written("b", "1")
		promised, p := r.promise("c", "1")
		other := r.branch()
		other.ID.Coordinator, other.Seen.Coordinator = 2, 2
		r.prepare(other, r.s.Write("d", "1"))
		r.commit(other, r.inDoubt()[key(other)].Evidence, txc.CommittedNow)
		below := r.branch().ID
		above := r.written("e", "1")
		for range 2 {
			r.ok(r.r.Forget(r.ctx, below, []txc.ID{keep.ID}), "forget")
			all := r.committed(txc.ID{})
			for _, b := range []participant.Branch{keep, other, above} {
				if !all[key(b)] {
					r.failf("the proof of %s was dropped", b.ID)
				}
			}
			r.doubtful(promised)
			r.reopen()
		}
		r.commit(promised, p.Evidence, txc.CommittedNow)
		r.value("c", "1")
	}},
}

// lockCases are about isolation, for stores that keep locks (S1, S3).
var lockCases = []case_{
	{says: "S1: what is promised is nobody else's until it ends, over a crash", needs: locks, check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.blocked(r.s.Write("k", "w"))
		r.reopen()
		r.blocked(r.s.Write("k", "w"))
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.written("k", "w")
	}},
	{says: "S1: what was read is nobody else's to write until it ends, absent or not, over a crash", needs: func(s *Store) bool { return s.Locks && s.Read != nil }, check: func(r *rig) {
		r.written("there", "v")
		for _, k := range []string{"there", "absent"} {
			b := r.branch()
			p := r.prepare(b, r.s.Read(k))
			r.blocked(r.s.Write(k, "w"))
			r.reopen()
			r.blocked(r.s.Write(k, "w"))
			r.commit(b, p.Evidence, txc.CommittedNow)
			r.written(k, "x")
		}
	}},
	{says: "S3: a lock is not waited for beyond the caller's time", needs: locks, check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.blocked(r.s.Write("k", "w"))
		r.doubtful(b)
		r.abort(b, p.Evidence, txc.AbortedNow)
		r.written("k", "w")
	}},
}

func locks(s *Store) bool { return s.Locks }

// blockedFor is how long a branch may wait for a lock that does not come: less than any lock wait need be.
const blockedFor = 200 * time.Millisecond

// blocked checks that a branch cannot promise while another one stands in its way.
func (r *rig) blocked(work []byte) {
	ctx, cancel := context.WithTimeout(r.ctx, blockedFor)
	defer cancel()
	b := r.branch()
	p, err := r.blocking().Prepare(ctx, b, work, false)
	if err == nil && p.Vote != txc.No {
		r.failf("%s: %v, though another branch has promised", b.ID, p.Vote)
	}
	if err == nil && !p.Reason.Retryable {
		r.failf("%s: a lock in the way is retryable: %+v", b.ID, p.Reason)
	}
	r.abort(b, nil, txc.AbortedNow)
}

// batchCases are about Submit alone.
var batchCases = []case_{
	{says: "a group is answered one by one, once each", check: func(r *rig) {
		var reqs []participant.Request
		for range 64 {
			b := r.branch()
			reqs = append(reqs, participant.Request{Verb: participant.VerbPrepare, Branch: b, Work: r.s.Write(b.ID.String(), "v"), Deadline: time.Now().Add(CaseTime)})
		}
		for i, a := range r.all(reqs) {
			r.ok(a.Err, "prepare")
			if a.Promise.Vote != txc.Yes {
				r.failf("vote %v %v", a.Promise.Vote, a.Promise.Reason)
			}
			reqs[i].Verb, reqs[i].Work, reqs[i].Evidence = participant.VerbCommit, nil, a.Promise.Evidence
		}
		for _, a := range r.all(reqs) {
			r.ok(a.Err, "commit")
			if a.Fate != txc.CommittedNow {
				r.failf("fate %v", a.Fate)
			}
		}
		r.reopen()
		r.doubtful()
		for _, q := range reqs {
			r.value(q.Branch.ID.String(), "v")
		}
	}},
	{says: "P3: an Abort may come while its Prepare runs, and wins unless the answer was no", check: func(r *rig) {
		for range 20 {
			b := r.branch()
			replies := r.all([]participant.Request{
				{Verb: participant.VerbPrepare, Branch: b, Work: r.s.Write("k", "v"), Deadline: time.Now().Add(CaseTime)},
				{Verb: participant.VerbAbort, Branch: b},
			})
			for _, a := range replies {
				r.ok(a.Err, "prepare and abort")
			}
			if f := replies[1].Fate; f != txc.AbortedNow {
				r.failf("abort: %v", f)
			}
			r.doubtful()
			r.value("k", absent)
		}
		r.written("k", "v")
	}},
}
