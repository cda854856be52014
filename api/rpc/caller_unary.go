package rpc

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
)

// unary makes a request by its unary method.
func (c *Caller) unary(ctx context.Context, body frame.RequestBody) (frame.Tx, error) {
	p, err := c.method(ctx, body)
	if err != nil {
		return frame.Tx{}, FromStatus(err)
	}
	tx, err := TxOf(p)
	if err != nil {
		return tx, fmt.Errorf("%w: an answer that cannot be read: %w", txc.ErrUnknown, err)
	}
	return tx, nil
}

func (c *Caller) method(ctx context.Context, body frame.RequestBody) (*txcpb.TxReply, error) {
	switch b := body.(type) {
	case frame.Run:
		return c.client.Run(ctx, &txcpb.RunRequest{Begin: beginPB(&b.Begin), Branches: branchesPB(b.Branches), Wait: waitPB(b.Decided)})
	case frame.Begin:
		return c.client.Begin(ctx, beginPB(&b))
	case frame.Enlist:
		return c.client.Enlist(ctx, &txcpb.EnlistRequest{Id: b.ID.String(), Mark: b.Mark, Branch: branchPB(&b.Branch)})
	case frame.End:
		r := &txcpb.EndRequest{Id: b.ID.String(), Mark: b.Mark, Wait: waitPB(b.Decided), Joined: branchesPB(b.Joined), Reason: b.Why}
		if b.Abort {
			return c.client.Abort(ctx, r)
		}
		return c.client.Commit(ctx, r)
	case frame.Outcome:
		r := &txcpb.OutcomeRequest{Key: b.Key, Mark: b.Mark}
		if !b.ID.IsZero() {
			r.Id = b.ID.String()
		}
		return c.client.Outcome(ctx, r)
	default:
		return nil, fmt.Errorf("%w: %T cannot be asked", txc.ErrInvalid, body)
	}
}

func waitPB(decided bool) txcpb.Wait {
	if decided {
		return txcpb.Wait_DECIDED
	}
	return txcpb.Wait_APPLIED
}

// beginPB rounds up to whole milliseconds: zero has a meaning of its own.
func beginPB(b *frame.Begin) *txcpb.BeginRequest {
	ms := func(d time.Duration) uint64 { return uint64((d + time.Millisecond - 1) / time.Millisecond) }
	return &txcpb.BeginRequest{
		Key: b.Key, OwnKey: b.OwnKey, TimeoutMs: uint32(ms(b.Timeout)), Labels: b.Labels, Age: b.Age, FirstSentMsAgo: ms(b.FirstSentAgo),
	}
}

func branchPB(b *frame.Branch) *txcpb.Enlistment {
	e := &txcpb.Enlistment{Participant: b.Participant, Calls: b.Calls, Incarnation: b.Incarnation}
	if !b.Joined {
		e.Work = b.Work
		if e.Work == nil {
			e.Work = []byte{}
		}
	}
	return e
}

func branchesPB(branches []frame.Branch) []*txcpb.Enlistment {
	all := make([]*txcpb.Enlistment, len(branches))
	for i := range branches {
		all[i] = branchPB(&branches[i])
	}
	return all
}
