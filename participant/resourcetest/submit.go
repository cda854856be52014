package resourcetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// submitting is a Resource whose Prepare, Commit and Abort go through Submit.
type submitting struct {
	participant.Resource
	b participant.Batcher
}

func (s submitting) one(ctx context.Context, q participant.Request) (participant.Reply, error) {
	replies := make(chan participant.Reply, 2)
	s.b.Submit([]participant.Request{q}, func(i int, r participant.Reply) {
		if i != 0 {
			r.Err = errors.Join(r.Err, fmt.Errorf("done was called for request %d of one", i))
		}
		replies <- r
	})
	select {
	case r := <-replies:
		return r, r.Err
	case <-ctx.Done():
		return participant.Reply{}, context.Cause(ctx)
	}
}

func (s submitting) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	q := participant.Request{Verb: participant.VerbPrepare, Branch: b, Work: work, Joined: joined}
	q.Deadline, _ = ctx.Deadline()
	if ctx.Err() != nil {
		q.Deadline = time.Now().Add(-time.Second)
	}
	r, err := s.one(context.WithoutCancel(ctx), q)
	return r.Promise, err
}

func (s submitting) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	r, err := s.one(ctx, participant.Request{Verb: participant.VerbCommit, Branch: b, Evidence: evidence})
	return r.Fate, err
}

func (s submitting) Abort(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	r, err := s.one(ctx, participant.Request{Verb: participant.VerbAbort, Branch: b, Evidence: evidence})
	return r.Fate, err
}

// all submits a group and waits for every reply.
func (r *rig) all(reqs []participant.Request) []participant.Reply {
	type numbered struct {
		i int
		r participant.Reply
	}
	got := make(chan numbered, 2*len(reqs))
	r.r.(participant.Batcher).Submit(reqs, func(i int, r participant.Reply) { got <- numbered{i, r} })
	replies := make([]participant.Reply, len(reqs))
	seen := make([]bool, len(reqs))
	for range reqs {
		select {
		case n := <-got:
			if n.i < 0 || n.i >= len(reqs) || seen[n.i] {
				r.failf("done was called for request %d out of turn", n.i)
			}
			replies[n.i], seen[n.i] = n.r, true
		case <-r.ctx.Done():
			r.failf("not every request of a group was answered")
		}
	}
	return replies
}
