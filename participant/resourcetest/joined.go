package resourcetest

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

func joins(s *Store) bool { return s.Call != nil }

// joinCases are about branches that a service's own calls work on (participant.Joiner).
var joinCases = []case_{
	{says: "P1: what calls have written is promised together, is there after a crash, and is committed", needs: joins, check: func(r *rig) {
		r.written("k", "old")
		b := r.branch()
		r.calls(b, "k", "first")
		r.value("k", "old")
		r.calls(b, "k", "second")
		p := r.joined(b, txc.Yes)
		r.value("k", "old")
		r.reopen()
		r.doubtful(b)
		if d := r.inDoubt()[key(b)]; !slices.Equal(d.Members, b.Members) || !bytes.Equal(d.Evidence, p.Evidence) {
			r.failf("it is listed with the members %q and the evidence %x, not %q and %x", d.Members, d.Evidence, b.Members, p.Evidence)
		}
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.value("k", "second")
	}},
	{says: "P4: a repeated Prepare of what calls have done does not deny the promise", needs: joins, check: func(r *rig) {
		b := r.branch()
		r.calls(b, "k", "v")
		first := r.joined(b, txc.Yes)
		p, err := r.blocking().Prepare(r.ctx, b, nil, true)
		if err == nil && p.Vote == txc.Yes && !bytes.Equal(p.Evidence, first.Evidence) {
			r.failf("evidence %x after %x", p.Evidence, first.Evidence)
		}
		r.doubtful(b)
		r.abort(b, first.Evidence, txc.AbortedNow)
		r.value("k", absent)
	}},
	{says: "P4: a Prepare of calls that never came is a No", needs: joins, check: func(r *rig) {
		b := r.branch()
		r.joined(b, txc.No)
		r.doubtful()
	}},
	{says: "P3: an Abort is the end of what calls have done, and of what they held", needs: joins, check: func(r *rig) {
		b := r.branch()
		r.calls(b, "k", "v")
		r.abort(b, nil, txc.AbortedNow)
		r.joined(b, txc.No)
		r.value("k", absent)
		r.written("k", "other's")
	}},
	{says: "a call that failed has its branch abort", needs: joins, check: func(r *rig) {
		b := r.branch()
		r.calls(b, "k", "v")
		ctx, err := r.r.(participant.Joiner).Join(r.ctx, b)
		r.ok(err, "join")
		r.ok(r.s.Call(ctx, "k", "w"), "call")
		_ = r.r.(participant.Joiner).Leave(ctx, b, errors.New("the business says no")) // it may say so again
		r.joined(b, txc.No)
		r.value("k", absent)
		r.written("k", "other's")
	}},
	{says: "P10: nothing of what calls have done outlives the store's end before the promise", needs: joins, check: func(r *rig) {
		b := r.branch()
		r.calls(b, "k", "v")
		r.reopen()
		r.joined(b, txc.No)
		r.doubtful()
		r.value("k", absent)
		r.written("k", "other's")
	}},
	{says: "a call that has returned writes no more", needs: joins, check: func(r *rig) {
		b := r.branch()
		ctx := r.calls(b, "k", "v")
		if err := r.s.Call(ctx, "k", "late"); err == nil {
			r.failf("it wrote")
		}
		p := r.joined(b, txc.Yes)
		r.commit(b, p.Evidence, txc.CommittedNow)
		r.value("k", "v")
	}},
}

// calls has one call set a value, from its beginning to its end; the context is the call's.
func (r *rig) calls(b participant.Branch, key, value string) context.Context {
	ctx, err := r.r.(participant.Joiner).Join(r.ctx, b)
	r.ok(err, "join "+b.ID.String())
	r.ok(r.s.Call(ctx, key, value), "call")
	r.ok(r.r.(participant.Joiner).Leave(ctx, b, nil), "leave")
	return ctx
}

// joined prepares what calls have done.
func (r *rig) joined(b participant.Branch, want txc.Vote) participant.Promise {
	p, err := r.blocking().Prepare(r.ctx, b, nil, true)
	r.ok(err, "prepare "+b.ID.String())
	if p.Vote != want || want == txc.No && p.Reason.IsZero() {
		r.failf("prepare %s: %v %v, want %v", b.ID, p.Vote, p.Reason, want)
	}
	return p
}
