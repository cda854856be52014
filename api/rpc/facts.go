package rpc

import (
	"context"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// Facts tells what memory and log have of ids that participants show.
func (o *operator) Facts(ctx context.Context, r *txcpb.FactsRequest) (*txcpb.FactsReply, error) {
	reply := &txcpb.FactsReply{}
	if r.GetUnfinished() {
		var above txc.ID
		var err error
		if r.GetPage() != "" {
			if above, err = parseID(r.GetPage()); err != nil {
				return nil, err
			}
		}
		all, more, err := o.c.Unfinished(ctx, above)
		if err != nil {
			return nil, err
		}
		if more {
			reply.NextPage = all[len(all)-1].ID.String()
		}
		reply.Facts = factsPB(all)
		return reply, nil
	}
	ids := make([]protocol.Proof, 0, len(r.GetIds()))
	for _, text := range r.GetIds() {
		p, err := frame.ParseProof(text)
		if err != nil {
			return nil, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
		}
		ids = append(ids, p)
	}
	all, err := o.c.Facts(ctx, ids)
	if err != nil {
		return nil, err
	}
	reply.Facts = factsPB(all)
	return reply, nil
}

func factsPB(all []coordinator.Fact) []*txcpb.Fact {
	facts := make([]*txcpb.Fact, 0, len(all))
	for _, f := range all {
		p := &txcpb.Fact{Id: f.ID.String(), Mark: f.Mark, Standing: string(f.Standing)}
		for _, b := range f.Branches {
			p.Branches = append(p.Branches, &txcpb.BranchFact{Participant: b.Participant, State: b.State})
		}
		facts = append(facts, p)
	}
	return facts
}
