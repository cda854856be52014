package rpc_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
)

// A Session in generated code, as another language's client would speak it.
func TestSessionSpeaksOrdinaryProtocolBuffers(t *testing.T) {
	v := newTown(t, "a", "b")
	st, err := txcpb.NewCoordinatorClient(v.dial()).Session(within(t))
	if err != nil {
		t.Fatal(err)
	}
	send := func(f *txcpb.Frame) {
		if err := st.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	send(&txcpb.Frame{Hello: &txcpb.Hello{VersionMin: 1, VersionMax: 1}})
	send(&txcpb.Frame{Entries: []*txcpb.Entry{
		{N: 7, What: &txcpb.Entry_Run{Run: &txcpb.RunRequest{Branches: worksPB("a", "put x 1", "b", "put y 2")}}},
		{N: 8, What: &txcpb.Entry_Run{Run: &txcpb.RunRequest{Branches: worksPB("A!", "put x 1")}}},
	}})
	hello, err := st.Recv()
	if err != nil || hello.GetHello().GetFrom().GetCluster() != "txc" {
		t.Fatalf("%v: %v", hello, err)
	}
	got := map[uint64]*txcpb.Entry{}
	for len(got) < 2 {
		f, err := st.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range f.GetEntries() {
			got[e.GetN()] = e
		}
	}
	if got[7].GetDone().GetOutcome() != txcpb.Outcome_COMMIT || got[7].GetSequence() == 0 {
		t.Fatalf("%v", got[7])
	}
	if r := got[8].GetRefused(); r.GetReason().GetCode() != "bad_name" || codes.Code(r.GetStatus()) != codes.InvalidArgument {
		t.Fatalf("%v", got[8])
	}
	if err := st.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("after CloseSend: %v", err)
	}
}

func TestStreamsThatBreakTheRulesEndWithWords(t *testing.T) {
	v := newTown(t, "a")
	hello := &txcpb.Frame{Hello: &txcpb.Hello{VersionMin: 1, VersionMax: 1}}
	coordinator := &txcpb.Frame{Hello: &txcpb.Hello{VersionMin: 1, VersionMax: 1, From: &txcpb.Sender{Cluster: "other", Coordinator: 1, Epoch: 1, Mark: 1}}}
	client := func(ctx context.Context) (grpc.BidiStreamingClient[txcpb.Frame, txcpb.Frame], error) {
		return txcpb.NewCoordinatorClient(v.dial()).Session(ctx)
	}
	conn, err := rpc.Dial(v.shops["a"].address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	toShop := func(ctx context.Context) (grpc.BidiStreamingClient[txcpb.Frame, txcpb.Frame], error) {
		return txcpb.NewParticipantClient(conn).Session(ctx)
	}
	for _, row := range []struct {
		name   string
		open   func(ctx context.Context) (grpc.BidiStreamingClient[txcpb.Frame, txcpb.Frame], error)
		frames []*txcpb.Frame
		want   codes.Code
	}{
		{"no hello", client, []*txcpb.Frame{{}}, codes.InvalidArgument},
		{"two hellos", client, []*txcpb.Frame{hello, hello}, codes.InvalidArgument},
		{"a version of the future", client, []*txcpb.Frame{{Hello: &txcpb.Hello{VersionMin: 9, VersionMax: 9}}}, codes.FailedPrecondition},
		{"a vote from a client", client, []*txcpb.Frame{hello, {Entries: []*txcpb.Entry{{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{}}}}}}, codes.InvalidArgument},
		{"an entry above its bound", client, []*txcpb.Frame{hello, {Entries: []*txcpb.Entry{{N: 1, What: &txcpb.Entry_Begin{Begin: &txcpb.BeginRequest{Key: string(make([]byte, frame.MaxEntry))}}}}}}, codes.InvalidArgument},
		{"a participant hears another cluster", toShop, []*txcpb.Frame{coordinator}, codes.FailedPrecondition},
		{"a participant hears a hello without a sender", toShop, []*txcpb.Frame{hello}, codes.InvalidArgument},
	} {
		t.Run(row.name, func(t *testing.T) {
			st, err := row.open(within(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range row.frames {
				if err := st.Send(f); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			for err == nil {
				_, err = st.Recv()
			}
			if status.Code(err) != row.want || status.Convert(err).Message() == "" {
				t.Fatalf("ended with %v, want %v", err, row.want)
			}
		})
	}
	tx, err := v.caller().Do(within(t), frame.Run{Branches: works("a", "put x 1")})
	committed(t, tx, err)
}

func TestLinkRefusesWhoIsNotWhoWasMeant(t *testing.T) {
	v := newTown(t, "a")
	from := &txcpb.RegisterRequest{Name: "impostor", Address: v.shops["a"].address, Instance: make([]byte, 16), Incarnation: 1, Cluster: "txc"}
	if _, err := txcpb.NewDirectoryClient(v.dial()).Register(within(t), from); err != nil {
		t.Fatal(err)
	}
	tx, err := v.caller().Do(within(t), frame.Run{Branches: works("impostor", "put x 1")})
	if err != nil || tx.Outcome != txc.Aborted || tx.Reason.Code != txc.CodeUnreachable {
		t.Fatalf("%v %v: %v", tx.Outcome, tx.Reason, err)
	}
}

func TestDirectoryRefuses(t *testing.T) {
	v := newTown(t, "a")
	d := txcpb.NewDirectoryClient(v.dial())
	for _, row := range []struct {
		name string
		r    *txcpb.RegisterRequest
		code txc.Code
	}{
		{"another cluster", &txcpb.RegisterRequest{Name: "c", Address: "127.0.0.1:1", Instance: make([]byte, 16), Cluster: "other"}, txc.CodeWrongCluster},
		{"no name", &txcpb.RegisterRequest{Address: "127.0.0.1:1", Instance: make([]byte, 16)}, txc.CodeBadName},
		{"no address", &txcpb.RegisterRequest{Name: "c", Instance: make([]byte, 16)}, txc.CodeBadName},
		{"half an identity", &txcpb.RegisterRequest{Name: "c", Address: "127.0.0.1:1", Instance: make([]byte, 8)}, txc.CodeBadName},
	} {
		_, err := d.Register(within(t), row.r)
		wantCode(t, rpc.FromStatus(err), txc.ErrInvalid, row.code)
	}
}

func TestHealthIsServed(t *testing.T) {
	v := newTown(t)
	h := healthpb.NewHealthClient(v.dial())
	for _, service := range []string{"", txcpb.Coordinator_ServiceDesc.ServiceName, txcpb.Operator_ServiceDesc.ServiceName} {
		r, err := h.Check(within(t), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Fatalf("%q: %v: %v", service, r, err)
		}
	}
}

func TestReflectionIsOnlyThereWhenAskedFor(t *testing.T) {
	v := newTown(t, "a")
	shop, err := rpc.Dial(v.shops["a"].address)
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Close()
	for _, row := range []struct {
		conn *grpc.ClientConn
		want codes.Code
	}{{v.dial(), codes.OK}, {shop, codes.Unimplemented}} {
		st, err := reflectionpb.NewServerReflectionClient(row.conn).ServerReflectionInfo(within(t))
		if err != nil {
			t.Fatal(err)
		}
		ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
		if err := st.Send(ask); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if _, err := st.Recv(); status.Code(err) != row.want {
			t.Fatalf("got %v, want %v", err, row.want)
		}
	}
}

func TestCloseIsBoundedWhileStreamsAreOpen(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	if err := c.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	lost := make(chan error, 1)
	go func() {
		_, err := c.Do(within(t), frame.Run{Branches: works("a", "block")})
		lost <- err
	}()
	<-v.shops["a"].store.blocked
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	v.hall.server.Close(ctx)
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("closing took %v", took)
	}
	if err := <-lost; !errors.Is(err, txc.ErrUnknown) {
		t.Fatalf("P8: a request that was sent and lost: %v", err)
	}
}
