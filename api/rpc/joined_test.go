package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/client"
)

// business is a service of its own beside a participant; its one method stands for any. Asked for "on NAME" it calls
// further, "fail" it fails, else it works in its store.
type business struct {
	healthpb.UnimplementedHealthServer
	v      *town
	name   string
	conn   *grpc.ClientConn
	others map[string]*business
}

func newBusiness(t testing.TB, v *town, name string, options ...grpc.ServerOption) *business {
	b := &business{v: v, name: name, others: map[string]*business{}}
	if n := v.shops[name]; n != nil {
		options = append(options, grpc.UnaryInterceptor(rpc.ServeJoined(n.agent, "txc")))
	}
	server := grpc.NewServer(options...)
	healthpb.RegisterHealthServer(server, b)
	l := listen(t, "127.0.0.1:0")
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(rpc.JoinCalls()), grpc.WithStreamInterceptor(rpc.JoinStreams()))
	if err != nil {
		t.Fatal(err)
	}
	b.conn = conn
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-ended
	})
	return b
}

func (b *business) call(ctx context.Context, what string) error {
	_, err := healthpb.NewHealthClient(b.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: what})
	return err
}

func (b *business) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	var to string
	switch _, err := fmt.Sscanf(r.GetService(), "on %s", &to); {
	case err == nil:
		if err := b.others[to].call(ctx, "work"); err != nil {
			return nil, err
		}
	case r.GetService() == "fail":
		return nil, status.Error(codes.NotFound, "the business says no")
	case r.GetService() == "swallow":
		_ = b.others["b"].call(ctx, "fail")
	}
	if n := b.v.shops[b.name]; n != nil && ctx.Value(handle{}) != n.store {
		return nil, status.Error(codes.Internal, "the store's handle is not in the context")
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

func joinedTown(t testing.TB) (*town, *business, *business, *client.Client) {
	v := newTown(t, "a", "b")
	a, b := newBusiness(t, v, "a"), newBusiness(t, v, "b")
	a.others["b"], b.others["a"] = b, a
	c, err := client.Dial([]string{v.address}, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return v, a, b, c
}

func TestCallsJoinATransaction(t *testing.T) {
	v, a, b, c := joinedTown(t)
	r, err := c.Run(within(t), func(ctx context.Context, tx *client.Tx) error {
		ctx, err := tx.Context(ctx)
		if err != nil {
			return err
		}
		return errors.Join(a.call(ctx, "work"), a.call(ctx, "on b"), b.call(ctx, "work"))
	})
	if err != nil || r.Outcome != txc.Committed || len(r.Branches) != 2 {
		t.Fatalf("%+v: %v", r, err)
	}
	if x, y := v.shops["a"].store.value("calls"), v.shops["b"].store.value("calls"); x != "2" || y != "2" {
		t.Fatalf("a was called %s times, b %s", x, y)
	}
}

func TestJoinedAndShippedWorkMix(t *testing.T) {
	v, a, _, c := joinedTown(t)
	_, err := c.Run(within(t), func(ctx context.Context, tx *client.Tx) error {
		ctx, err := tx.Context(ctx)
		if err != nil {
			return err
		}
		return errors.Join(a.call(ctx, "work"), tx.Enlist("b", client.Raw("put y 2")))
	})
	if err != nil || v.shops["a"].store.value("calls") != "1" || v.shops["b"].store.value("y") != "2" {
		t.Fatal(err)
	}
}

func TestAFailedCallDoomsTheTransaction(t *testing.T) {
	v, a, b, c := joinedTown(t)
	plain := newBusiness(t, v, "nobody")
	for _, row := range []struct {
		name string
		call func(ctx context.Context) error
	}{
		{"the call failed", func(ctx context.Context) error { return b.call(ctx, "fail") }},
		{"the callee's call failed, and it kept that to itself", func(ctx context.Context) error { return a.call(ctx, "swallow") }},
		{"the service does not take part", func(ctx context.Context) error { return plain.call(ctx, "work") }},
		{"the call was retried automatically", func(ctx context.Context) error {
			return a.call(metadata.AppendToOutgoingContext(ctx, "grpc-previous-rpc-attempts", "1"), "work")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			tx, err := c.Begin(within(t))
			if err != nil {
				t.Fatal(err)
			}
			ctx, err := tx.Context(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.call(ctx, "work"); err != nil {
				t.Fatal(err)
			}
			_ = row.call(ctx) // the program pays no heed
			_, err = tx.Commit(within(t))
			if !errors.Is(err, txc.ErrAborted) {
				t.Fatalf("committed: %v", err)
			}
			if err := a.call(ctx, "work"); err == nil {
				t.Fatal("a call joined a transaction that has ended")
			}
		})
	}
	v.until("nothing is left", func() bool {
		s := v.shops["a"].store
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.working) == 0 && len(s.promised) == 0 && s.values["calls"] == ""
	})
}

func TestStreamingCallsDoNotJoin(t *testing.T) {
	_, a, _, c := joinedTown(t)
	tx, err := c.Begin(within(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := tx.Context(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := healthpb.NewHealthClient(a.conn).Watch(ctx, &healthpb.HealthCheckRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Fatalf("got %v", err)
	}
	if err := tx.Rollback(within(t)); err != nil {
		t.Fatal(err)
	}
}

func TestJourneyRefusesWhatItCannotTrust(t *testing.T) {
	_, a, _, _ := joinedTown(t)
	good := map[string]string{"txc-tx": "c1.1.5.00000000000000aa", "txc-age": "1", "txc-time-left-ms": "1000", "txc-cluster": "txc"}
	for name, value := range map[string]string{
		"txc-tx": "c1.1.5", "txc-age": "old", "txc-time-left-ms": "-1", "txc-cluster": "other", "txc-branch": "a/b",
	} {
		md := metadata.MD{}
		for k, v := range good {
			md.Set(k, v)
		}
		md.Set(name, value)
		ctx := metadata.NewOutgoingContext(within(t), md)
		var trailer metadata.MD
		_, err := healthpb.NewHealthClient(a.conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Trailer(&trailer))
		if err == nil || len(trailer.Get("txc-abort-only")) != 1 {
			t.Errorf("%s: %s was taken: %v, %v", name, value, err, trailer)
		}
	}
	late := &rpc.Journey{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, Until: time.Now()}
	if err := a.call(late.With(within(t)), "work"); err == nil {
		t.Error("a call was made when no time was left")
	}
	if _, err := late.Close(); !errors.Is(err, txc.ErrAborted) {
		t.Errorf("the transaction can commit: %v", err)
	}
}
