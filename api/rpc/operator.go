package rpc

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// operator serves the service Operator.
type operator struct {
	txcpb.UnimplementedOperatorServer
	s *Server
	c *coordinator.Coordinator
}

func (o *operator) List(ctx context.Context, r *txcpb.ListRequest) (*txcpb.ListReply, error) {
	all, next, err := o.c.List(ctx, filterOf(r))
	if err != nil {
		return nil, err
	}
	reply := &txcpb.ListReply{NextPage: next}
	for i := range all {
		reply.Transactions = append(reply.Transactions, detailPB(&all[i]))
	}
	if slices.Contains(r.GetStates(), "in-doubt") && r.GetPage() == "" {
		return reply, o.report(ctx, reply, r.GetParticipant())
	}
	return reply, nil
}

// report adds what the participants say of themselves to what is unfinished here.
func (o *operator) report(ctx context.Context, reply *txcpb.ListReply, only string) error {
	doubts, err := o.c.InDoubt(ctx)
	if err != nil {
		return err
	}
	for _, d := range doubts {
		switch {
		case only != "" && d.Participant != only:
		case d.Err != nil:
			reply.Unreachable = append(reply.Unreachable, d.Participant)
		default:
			for i := range d.Branches {
				reply.InDoubt = append(reply.InDoubt, &txcpb.Reported{Participant: d.Participant, Branch: inDoubtPB(&d.Branches[i])})
			}
		}
	}
	return nil
}

func inDoubtPB(d *coordinator.InDoubt) *txcpb.InDoubt {
	return &txcpb.InDoubt{
		Id: d.ID.String(), Evidence: d.Evidence, SinceUnixMs: unixMilli(d.Since), Members: d.Members, Age: d.Age, Mark: d.Mark,
		Settled: txcpb.Fate(d.Settled), Why: reasonPB(d.Why),
	}
}

func (o *operator) Get(ctx context.Context, r *txcpb.GetRequest) (*txcpb.Detail, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	d, err := o.c.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return detailPB(&d), nil
}

func (o *operator) Watch(r *txcpb.ListRequest, st grpc.ServerStreamingServer[txcpb.Detail]) error {
	ctx, cancel := context.WithCancel(st.Context())
	defer cancel()
	o.s.wg.Go(func() {
		select {
		case <-o.s.quit:
			cancel()
		case <-ctx.Done():
		}
	})
	for d, err := range o.c.Watch(ctx, filterOf(r)) {
		if err != nil {
			return err
		}
		if err := st.Send(detailPB(&d)); err != nil {
			return err
		}
	}
	if err := st.Context().Err(); err != nil {
		return err
	}
	return errClosing
}

func (o *operator) Participants(ctx context.Context, _ *txcpb.ParticipantsRequest) (*txcpb.ParticipantsReply, error) {
	all, err := o.c.Participants(ctx)
	if err != nil {
		return nil, err
	}
	reply := &txcpb.ParticipantsReply{}
	for i := range all {
		p := &all[i]
		check := &txcpb.CheckReply{}
		if p.Err != nil {
			reply.Unreachable = append(reply.Unreachable, p.Name)
		} else {
			check = reportPB(&p.Report)
		}
		reply.Registered = append(reply.Registered, registerPB("", &p.Peer))
		reply.Checks = append(reply.Checks, check)
		reply.States = append(reply.States, p.State)
		reply.Loads = append(reply.Loads, uint32(p.Load))
		reply.AheadUs = append(reply.AheadUs, p.Report.Ahead.Microseconds())
		reply.WithinUs = append(reply.WithinUs, microseconds(p.Report.Within))
	}
	return reply, nil
}

func (o *operator) Remove(ctx context.Context, r *txcpb.RemoveRequest) (*txcpb.RegisterReply, error) {
	if err := o.c.Remove(ctx, r.GetName(), r.GetWho(), r.GetReason()); err != nil {
		return nil, err
	}
	st, err := o.c.Status(ctx)
	if err != nil {
		return nil, err
	}
	return &txcpb.RegisterReply{Coordinator: st.Number, Epoch: st.Epoch, Mark: st.Mark, State: "draining"}, nil
}

func (o *operator) Resolve(ctx context.Context, r *txcpb.ResolveRequest) (*txcpb.Detail, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	outcome := txc.Outcome(known(r.GetOutcome(), txcpb.Outcome_NOT_MINE))
	d, err := o.c.Resolve(ctx, id, r.GetParticipant(), outcome, r.GetWho(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return detailPB(&d), nil
}

func (o *operator) Acknowledge(ctx context.Context, r *txcpb.ResolveRequest) (*txcpb.Detail, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	d, err := o.c.Acknowledge(ctx, id, r.GetWho(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return detailPB(&d), nil
}

func (o *operator) Accept(ctx context.Context, r *txcpb.AcceptRequest) (*txcpb.StatusReply, error) {
	st, err := o.c.Accept(ctx, r.GetWhat(), r.GetParticipant(), r.GetWho(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return statusPB(&st), nil
}

func (o *operator) Status(ctx context.Context, _ *txcpb.StatusRequest) (*txcpb.StatusReply, error) {
	st, err := o.c.Status(ctx)
	if err != nil {
		return nil, err
	}
	return statusPB(&st), nil
}

func statusPB(s *coordinator.Status) *txcpb.StatusReply {
	p := &txcpb.StatusReply{
		Version: s.Software, Cluster: s.Cluster, Coordinator: s.Number, Epoch: s.Epoch, Lsn: s.LSN, State: s.State, WaitingFor: s.WaitingFor,
		Live: uint64(max(s.Live, 0)), InDoubt: uint64(max(s.InDoubt, 0)), DiskFree: s.DiskFree, Mark: s.Mark, DiskLow: s.DiskLow,
		StartedUnixMs: unixMilli(s.Started), NowUnixUs: s.Now.UnixMicro(), Log: reportPB(&s.Log),
		ProtocolMin: frame.VersionMin, ProtocolMax: frame.VersionMax,
		Limits: &txcpb.Limits{
			Branches: txc.MaxBranches, Work: txc.MaxWork, TxWork: txc.MaxTxWork, Results: txc.MaxResults,
			Live: uint32(s.MaxLive), Queue: uint32(s.MaxQueue),
			TimeoutMs: uint32(s.Timeout.Milliseconds()), MaxTimeoutMs: uint32(s.MaxTimeout.Milliseconds()),
		},
	}
	if !s.Floor.IsZero() {
		p.Floor = s.Floor.String()
	}
	return p
}
