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

// NewCoordinatorServer makes a server of the services Coordinator, Directory and Operator. The coordinator stays the
// caller's, who closes it after the server.
func NewCoordinatorServer(ctx context.Context, c *coordinator.Coordinator, o Options) (*Server, error) {
	st, err := c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s := newServer(o)
	from := &protocol.Sender{Cluster: st.Cluster, Coordinator: st.Number, Epoch: st.Epoch, Mark: st.Mark, LSN: st.LSN}
	txcpb.RegisterCoordinatorServer(s.grpc, &clients{s: s, c: c, from: from})
	txcpb.RegisterDirectoryServer(s.grpc, &directory{c: c, cluster: st.Cluster})
	txcpb.RegisterOperatorServer(s.grpc, &operator{s: s, c: c})
	return s, nil
}

// clients serves the service Coordinator.
type clients struct {
	txcpb.UnimplementedCoordinatorServer
	s    *Server
	c    *coordinator.Coordinator
	from *protocol.Sender // the opening, as it stands in a hello
}

// call asks the coordinator and waits.
func (s *clients) call(ctx context.Context, body frame.RequestBody) (*txcpb.TxReply, error) {
	if refusal := frame.Check(body); refusal != nil {
		return nil, refusal
	}
	type answer struct {
		r   coordinator.Result
		err error
	}
	ch := make(chan answer, 1)
	err := s.c.Ask(func(a coordinator.Answered) { ch <- answer{a.Result, a.Err} }, func(t coordinator.Token) coordinator.Event { return ask(body, t) })
	if err != nil {
		return nil, err
	}
	select {
	case a := <-ch:
		if a.err != nil {
			return nil, a.err
		}
		t := txOf(&a.r)
		return txPB(&t), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.c.Done():
		return nil, errEnded
	}
}

// errEnded is heard of what was asked before the coordinator ended and not answered by then.
var errEnded = fmt.Errorf("%w: the coordinator has ended", txc.ErrUnknown)

func (s *clients) Begin(ctx context.Context, r *txcpb.BeginRequest) (*txcpb.TxReply, error) {
	return s.call(ctx, beginOf(r))
}

func (s *clients) Run(ctx context.Context, r *txcpb.RunRequest) (*txcpb.TxReply, error) {
	return s.call(ctx, frame.Run{Begin: beginOf(r.GetBegin()), Branches: branchesOf(r.GetBranches()), Decided: r.GetWait() == txcpb.Wait_DECIDED})
}

func (s *clients) Enlist(ctx context.Context, r *txcpb.EnlistRequest) (*txcpb.TxReply, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	return s.call(ctx, frame.Enlist{ID: id, Mark: r.GetMark(), Branch: branchOf(r.GetBranch())})
}

func (s *clients) Commit(ctx context.Context, r *txcpb.EndRequest) (*txcpb.TxReply, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	return s.call(ctx, frame.End{ID: id, Mark: r.GetMark(), Decided: r.GetWait() == txcpb.Wait_DECIDED, Joined: branchesOf(r.GetJoined())})
}

func (s *clients) Abort(ctx context.Context, r *txcpb.EndRequest) (*txcpb.TxReply, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	return s.call(ctx, frame.End{ID: id, Mark: r.GetMark(), Abort: true, Why: frame.CutText(r.GetReason())})
}

func (s *clients) Outcome(ctx context.Context, r *txcpb.OutcomeRequest) (*txcpb.TxReply, error) {
	o := frame.Outcome{Mark: r.GetMark(), Key: r.GetKey()}
	if r.GetId() != "" || r.GetKey() == "" {
		id, err := parseID(r.GetId())
		if err != nil {
			return nil, err
		}
		o.ID = id
	}
	return s.call(ctx, o)
}
