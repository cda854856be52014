package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// fake is a coordinator, or a participant, that says what a test has it say. What is not set is not implemented.
type fake struct {
	run         func(*txcpb.RunRequest) (*txcpb.TxReply, error)
	begin       func(*txcpb.BeginRequest) (*txcpb.TxReply, error)
	enlist      func(*txcpb.EnlistRequest) (*txcpb.TxReply, error)
	commit      func(*txcpb.EndRequest) (*txcpb.TxReply, error)
	abort       func(*txcpb.EndRequest) (*txcpb.TxReply, error)
	outcome     func(*txcpb.OutcomeRequest) (*txcpb.TxReply, error)
	list        func(*txcpb.ListRequest) (*txcpb.ListReply, error)
	get         func(*txcpb.GetRequest) (*txcpb.Detail, error)
	members     func(*txcpb.ParticipantsRequest) (*txcpb.ParticipantsReply, error)
	remove      func(*txcpb.RemoveRequest) (*txcpb.RegisterReply, error)
	resolve     func(*txcpb.ResolveRequest) (*txcpb.Detail, error)
	acknowledge func(*txcpb.ResolveRequest) (*txcpb.Detail, error)
	accept      func(*txcpb.AcceptRequest) (*txcpb.StatusReply, error)
	status      func(*txcpb.StatusRequest) (*txcpb.StatusReply, error)
	settle      func(*txcpb.ResolveRequest) (*txcpb.FateReply, error)
	watched     []*txcpb.Detail
}

// The three services of a fake.
type (
	fakeCoordinator struct {
		txcpb.UnimplementedCoordinatorServer
		f *fake
	}
	fakeOperator struct {
		txcpb.UnimplementedOperatorServer
		f *fake
	}
	fakeParticipant struct {
		txcpb.UnimplementedParticipantServer
		f *fake
	}
)

func said[Q, R any](f func(Q) (R, error), q Q) (R, error) {
	if f == nil {
		var none R
		return none, status.Error(codes.Unimplemented, "not set")
	}
	return f(q)
}

func (s fakeCoordinator) Run(_ context.Context, r *txcpb.RunRequest) (*txcpb.TxReply, error) {
	return said(s.f.run, r)
}

func (s fakeCoordinator) Begin(_ context.Context, r *txcpb.BeginRequest) (*txcpb.TxReply, error) {
	return said(s.f.begin, r)
}

func (s fakeCoordinator) Enlist(_ context.Context, r *txcpb.EnlistRequest) (*txcpb.TxReply, error) {
	return said(s.f.enlist, r)
}

func (s fakeCoordinator) Commit(_ context.Context, r *txcpb.EndRequest) (*txcpb.TxReply, error) {
	return said(s.f.commit, r)
}

func (s fakeCoordinator) Abort(_ context.Context, r *txcpb.EndRequest) (*txcpb.TxReply, error) {
	return said(s.f.abort, r)
}

func (s fakeCoordinator) Outcome(_ context.Context, r *txcpb.OutcomeRequest) (*txcpb.TxReply, error) {
	return said(s.f.outcome, r)
}

func (s fakeOperator) List(_ context.Context, r *txcpb.ListRequest) (*txcpb.ListReply, error) {
	return said(s.f.list, r)
}

func (s fakeOperator) Get(_ context.Context, r *txcpb.GetRequest) (*txcpb.Detail, error) {
	return said(s.f.get, r)
}

func (s fakeOperator) Participants(_ context.Context, r *txcpb.ParticipantsRequest) (*txcpb.ParticipantsReply, error) {
	return said(s.f.members, r)
}

func (s fakeOperator) Remove(_ context.Context, r *txcpb.RemoveRequest) (*txcpb.RegisterReply, error) {
	return said(s.f.remove, r)
}

func (s fakeOperator) Resolve(_ context.Context, r *txcpb.ResolveRequest) (*txcpb.Detail, error) {
	return said(s.f.resolve, r)
}

func (s fakeOperator) Acknowledge(_ context.Context, r *txcpb.ResolveRequest) (*txcpb.Detail, error) {
	return said(s.f.acknowledge, r)
}

func (s fakeOperator) Accept(_ context.Context, r *txcpb.AcceptRequest) (*txcpb.StatusReply, error) {
	return said(s.f.accept, r)
}

func (s fakeOperator) Status(_ context.Context, r *txcpb.StatusRequest) (*txcpb.StatusReply, error) {
	return said(s.f.status, r)
}

func (s fakeParticipant) Settle(_ context.Context, r *txcpb.ResolveRequest) (*txcpb.FateReply, error) {
	return said(s.f.settle, r)
}

func (s fakeOperator) Watch(_ *txcpb.ListRequest, st grpc.ServerStreamingServer[txcpb.Detail]) error {
	for _, d := range s.f.watched {
		if err := st.Send(d); err != nil {
			return err
		}
	}
	return nil
}

// serve starts the fake on a free port.
func (f *fake) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	txcpb.RegisterCoordinatorServer(s, fakeCoordinator{f: f})
	txcpb.RegisterOperatorServer(s, fakeOperator{f: f})
	txcpb.RegisterParticipantServer(s, fakeParticipant{f: f})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// refusal is an error as a server sends it.
func refusal(code codes.Code, reason txc.Code, text string) error {
	st, err := status.New(code, text).WithDetails(&errdetails.ErrorInfo{Reason: string(reason), Domain: "txc", Metadata: map[string]string{}})
	if err != nil {
		panic(err)
	}
	return st.Err()
}

// command runs the program with a clock that moves a millisecond at each look.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	var out, words bytes.Buffer
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &words, now: func() time.Time { now = now.Add(time.Millisecond); return now }}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	exit = p.run(ctx, append([]string{"txc"}, args...))
	return out.String(), words.String(), exit
}
