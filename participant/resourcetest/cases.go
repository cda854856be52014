package resourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

var cases = slices.Concat(promiseCases, fateCases, memoryCases, settleCases, lockCases, joinCases)

// promiseCases are about Prepare and what it leaves.
var promiseCases = []case_{
	{says: "P1: a promise, with all that a commit needs, is there after a crash", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.reopen()
		r.doubtful(b)
		d := r.inDoubt()[key(b)]
		switch {
		case !slices.Equal(d.Members, b.Members):
			r.failf("members %q, want %q", d.Members, b.Members)
		case d.Age != b.Age:
			r.failf("age %d, want %d", d.Age, b.Age)
		case !bytes.Equal(d.Evidence, p.Evidence):
			r.failf("evidence %x, the vote had %x", d.Evidence, p.Evidence)
		case d.Since.IsZero() || time.Since(d.Since) > time.Hour || time.Until(d.Since) > time.Hour:
			r.failf("in doubt since %v", d.Since)
		case d.Settled != 0:
			r.failf("settled as %v", d.Settled)
		}
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.value("k", "v")
	}},
	{says: "P1: a promise is there after Close, too", check: func(r *rig) {
		b, p := r.promise("k", "v")
		r.ok(r.r.Close(r.ctx), "close")
		r.r = nil
		r.open()
		r.doubtful(b)
		r.abort(b, p.Evidence, txc.AbortedNow)
	}},
	{says: "what is promised is not seen before it commits", check: func(r *rig) {
		r.written("k", "old")
		b, p := r.promise("k", "new")
		r.value("k", "old")
		r.reopen()
		r.value("k", "old")
		r.abort(b, p.Evidence, txc.AbortedNow)
		r.value("k", "old")
	}},
	{says: "a No leaves nothing", needs: func(s *Store) bool { return s.Refuse != nil }, check: func(r *rig) {
		b := r.branch()
		if p := r.prepare(b, r.s.Refuse("k")); p.Vote != txc.No || p.Reason.Retryable {
			r.failf("an expectation that is not met: %v %+v, want No, not retryable", p.Vote, p.Reason)
		}
		r.doubtful()
		r.value("k", absent)
		r.abort(b, nil, txc.AbortedNow)
		r.written("k", "v")
	}},
	{says: "work that cannot be read is a No, not an error", needs: func(s *Store) bool { return s.Broken != nil }, check: func(r *rig) {
		if p := r.prepare(r.branch(), r.s.Broken); p.Vote != txc.No || p.Reason.Code != txc.CodeBadWork {
			r.failf("%v %+v, want No, %s", p.Vote, p.Reason, txc.CodeBadWork)
		}
		r.doubtful()
	}},
	{says: "P3: when the caller's time is over before the promise, the vote is No and nothing is left", check: func(r *rig) {
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		b := r.branch()
		p, err := r.blocking().Prepare(ctx, b, r.s.Write("k", "v"), false)
		if err == nil && p.Vote != txc.No {
			r.failf("vote %v", p.Vote)
		}
		r.doubtful()
		r.abort(b, nil, txc.AbortedNow)
		r.written("k", "w")
		r.value("k", "w")
	}},
	{says: "P4: a repeated Prepare executes nothing, and does not deny the promise", check: func(r *rig) {
		b, first := r.promise("k", "v")
		p, err := r.blocking().Prepare(r.ctx, b, r.s.Write("k", "other"), false)
		if err == nil && (p.Vote != txc.Yes || !bytes.Equal(p.Evidence, first.Evidence)) {
			r.failf("repeated prepare: %v, evidence %x after %x", p.Vote, p.Evidence, first.Evidence)
		}
		r.doubtful(b)
		r.commit(b, first.Evidence, txc.CommittedNow)
		r.value("k", "v")
	}},
	{says: "S1: a vote that wrote nothing is read-only where it may release, and keeps nothing", needs: reads, check: func(r *rig) {
		b := r.branch()
		b.MayRelease = true
		if p := r.prepare(b, r.s.Read("k")); p.Vote != txc.ReadOnly {
			r.failf("vote %v %v", p.Vote, p.Reason)
		}
		r.doubtful()
		r.written("k", "v")
	}},
	{says: "S1: a vote that wrote nothing is held where it may not release, and is a promise", needs: reads, check: func(r *rig) {
		var all []participant.Branch
		var evidence [][]byte
		for _, key := range []string{"a", "b"} { // two: a store may let one reader of a key at a time
			b := r.branch()
			p := r.prepare(b, r.s.Read(key))
			if p.Vote != txc.Held && p.Vote != txc.Yes {
				r.failf("vote %v %v", p.Vote, p.Reason)
			}
			all, evidence = append(all, b), append(evidence, p.Evidence)
		}
		r.reopen()
		r.doubtful(all...)
		r.commit(all[0], evidence[0], txc.CommittedNow)
		r.abort(all[1], evidence[1], txc.AbortedNow)
		r.doubtful()
	}},
	{says: "what was read comes back with the vote", needs: func(s *Store) bool { return s.Read != nil && s.Values != nil }, check: func(r *rig) {
		r.written("k", "v")
		for _, free := range []bool{true, false} {
			b := r.branch()
			b.MayRelease = free
			got, err := r.s.Values(r.prepare(b, r.s.Read("k")).Results)
			r.ok(err, "decode results")
			if got["k"] != "v" {
				r.failf("read %v, want k=v", got)
			}
		}
	}},
	{says: "P9: exactly the promised branches are listed, of this cluster and participant", check: func(r *rig) {
		a, pa := r.promise("a", "1")
		b, pb := r.promise("b", "1")
		c, _ := r.promise("c", "1")
		d := r.branch()
		d.ID.Coordinator = 2
		r.prepare(d, r.s.Write("d", "1"))
		r.commit(a, pa.Evidence, txc.CommittedNow)
		r.abort(b, pb.Evidence, txc.AbortedNow)
		r.doubtful(c, d)
		r.reopen()
		r.doubtful(c, d)
	}},
	{says: "P9: what others have prepared in the store is neither listed nor touched", needs: func(s *Store) bool { return s.Foreign != nil }, check: func(r *rig) {
		still, err := r.s.Foreign(r.r)
		r.ok(err, "plant a foreign branch")
		b, p := r.promise("k", "v")
		r.doubtful(b)
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.ok(r.r.Forget(r.ctx, r.branch().ID, nil), "forget")
		r.reopen()
		r.doubtful()
		if !still() {
			r.failf("the foreign branch is gone")
		}
	}},
	{says: "C5: one id under two marks is two branches", check: func(r *rig) {
		a, pa := r.promise("a", "1")
		b := a
		b.Mark = 0xbeef
		pb := r.prepare(b, r.s.Write("b", "1"))
		r.doubtful(a, b)
		r.commit(a, pa.Evidence, txc.CommittedNow)
		r.reopen()
		r.doubtful(b)
		r.abort(b, pb.Evidence, txc.AbortedNow)
		r.value("a", "1")
		r.value("b", absent)
	}},
	{says: "different branches may run at the same time", check: concurrent},
	{says: "after Close every call is an error, and never a vote or a fate", check: func(r *rig) {
		b, p := r.promise("k", "v")
		res := r.blocking()
		r.ok(r.r.Close(r.ctx), "close")
		r.ok(r.r.Close(r.ctx), "close again")
		if f, err := res.Commit(r.ctx, b, p.Evidence); err == nil {
			r.failf("commit after close: %v", f)
		}
		if p, err := res.Prepare(r.ctx, r.branch(), r.s.Write("a", "b"), false); err == nil && p.Vote != txc.No {
			r.failf("prepare after close: %v", p.Vote)
		}
		r.open()
		r.doubtful(b)
	}},
}

func reads(s *Store) bool { return s.Read != nil }

// concurrent runs many branches at once; every third is aborted.
func concurrent(r *rig) {
	const n = 48
	branches := make([]participant.Branch, n)
	for i := range branches {
		branches[i] = r.branch()
	}
	errs := make([]error, n)
	var wg sync.WaitGroup
	res := r.blocking()
	for i, b := range branches {
		wg.Go(func() {
			p, err := res.Prepare(r.ctx, b, r.s.Write(b.ID.String(), "v"), false)
			if err != nil || p.Vote != txc.Yes {
				errs[i] = errors.Join(err, fmt.Errorf("%s: vote %v %v", b.ID, p.Vote, p.Reason))
				return
			}
			end, want := res.Commit, txc.CommittedNow
			if i%3 == 0 {
				end, want = res.Abort, txc.AbortedNow
			}
			if f, err := end(r.ctx, b, p.Evidence); err != nil || f != want {
				errs[i] = errors.Join(err, fmt.Errorf("%s: fate %v, want %v", b.ID, f, want))
			}
		})
	}
	wg.Wait()
	r.ok(errors.Join(errs...), "at once")
	r.doubtful()
	r.reopen()
	r.doubtful()
	for i, b := range branches {
		want := "v"
		if i%3 == 0 {
			want = absent
		}
		r.value(b.ID.String(), want)
	}
}
