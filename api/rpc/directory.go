package rpc

import (
	"context"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// directory serves the service Directory.
type directory struct {
	txcpb.UnimplementedDirectoryServer
	c       *coordinator.Coordinator
	cluster string
}

// maxAddress bounds a participant's host:port.
const maxAddress = 280

func (d *directory) Register(ctx context.Context, r *txcpb.RegisterRequest) (*txcpb.RegisterReply, error) {
	if err := d.mine(r.GetCluster()); err != nil {
		return nil, err
	}
	p, err := peerOf(r)
	if err != nil {
		return nil, err
	}
	from, err := d.c.Register(ctx, p)
	if err != nil {
		return nil, err
	}
	return &txcpb.RegisterReply{Coordinator: from.Coordinator, Epoch: from.Epoch, Mark: from.Mark}, nil
}

func (d *directory) mine(cluster string) error {
	if cluster != "" && cluster != d.cluster {
		return txc.Refuse(txc.ErrInvalid, txc.CodeWrongCluster, fmt.Sprintf("this coordinator is of cluster %q, you of %q", d.cluster, cluster))
	}
	return nil
}

func peerOf(r *txcpb.RegisterRequest) (coordinator.Peer, error) {
	p := coordinator.Peer{Name: r.GetName(), Address: r.GetAddress(), Kind: r.GetKind(), Version: r.GetVersion(), Incarnation: r.GetIncarnation(), Stamp: r.GetStamp()}
	if err := txc.CheckParticipant(p.Name); err != nil {
		return p, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
	}
	if p.Address == "" || len(p.Address) > maxAddress || len(p.Kind) > frame.MaxSoftware || len(p.Version) > frame.MaxSoftware {
		return p, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, "an address (host:port), kind and version of reasonable length are needed")
	}
	var err error
	if p.Instance, err = instanceOf(r.GetInstance()); err != nil {
		return p, err
	}
	p.Seen, err = seenOf(r.GetSeen())
	return p, err
}

func (d *directory) Inquire(ctx context.Context, r *txcpb.InquireRequest) (*txcpb.InquireReply, error) {
	if err := d.mine(r.GetCluster()); err != nil {
		return nil, err
	}
	q, err := questionOf(r)
	if err != nil {
		return nil, err
	}
	a, err := d.c.Inquire(ctx, q)
	if err != nil {
		return nil, err
	}
	return &txcpb.InquireReply{Outcome: txcpb.Outcome(a.Outcome), From: senderPB(&a.From), Recorded: a.Recorded, Acknowledged: a.Acknowledged}, nil
}

func questionOf(r *txcpb.InquireRequest) (q coordinator.Question, err error) {
	if q.ID, err = parseID(r.GetId()); err != nil {
		return q, err
	}
	if q.Instance, err = instanceOf(r.GetInstance()); err != nil {
		return q, err
	}
	if len(r.GetMembers()) > txc.MaxBranches {
		return q, txc.Refuse(txc.ErrInvalid, txc.CodeTooManyBranches, fmt.Sprintf("%d members, at most %d", len(r.GetMembers()), txc.MaxBranches))
	}
	q.Participant, q.Mark, q.Members = r.GetParticipant(), r.GetMark(), r.GetMembers()
	q.Settled, q.Why = txc.Fate(known(r.GetSettled(), txcpb.Fate_HAZARD)), ReasonOf(r.GetWhy())
	if s := r.GetSeen(); s != nil {
		q.Seen = protocol.Seen{Coordinator: s.GetCoordinator(), Epoch: s.GetEpoch(), Mark: s.GetMark(), LSN: s.GetLsn()}
	}
	return q, nil
}
