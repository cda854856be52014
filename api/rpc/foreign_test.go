package rpc_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// foreign is a participant as another language would write it: the generated code's own server, the unary methods, no
// Session, no Check. It hands everything to this language's server, over another connection.
type foreign struct {
	txcpb.UnimplementedParticipantServer
	inner    *rpc.Server
	l        net.Listener
	conn     *grpc.ClientConn
	to       txcpb.ParticipantClient
	server   *grpc.Server
	prepares atomic.Int64
	fence    atomic.Bool
	fail     atomic.Bool
}

func newForeign(t testing.TB) func(s *rpc.Server, _ *participant.Agent) listener {
	return func(s *rpc.Server, _ *participant.Agent) listener {
		f := &foreign{inner: s, l: listen(t, "127.0.0.1:0"), server: grpc.NewServer()}
		conn, err := rpc.Dial(f.l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		f.conn, f.to = conn, txcpb.NewParticipantClient(conn)
		txcpb.RegisterParticipantServer(f.server, f)
		return f
	}
}

func (f *foreign) Serve(l net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- f.inner.Serve(f.l) }()
	err := f.server.Serve(l)
	return errors.Join(err, <-ended)
}

func (f *foreign) Close(ctx context.Context) {
	f.server.Stop()
	_ = f.conn.Close()
	f.inner.Close(ctx)
}

func (f *foreign) Prepare(ctx context.Context, r *txcpb.PrepareRequest) (*txcpb.PrepareReply, error) {
	f.prepares.Add(1)
	if f.fail.Load() {
		return nil, status.Error(codes.Internal, "the other language's runtime has a bad day")
	}
	if f.fence.Load() {
		return &txcpb.PrepareReply{Vote: txcpb.Vote_NO, Reason: &txcpb.Reason{Code: "fenced"}, Seen: &txcpb.Seen{Coordinator: 1, Epoch: 99, Mark: 1}}, nil
	}
	return f.to.Prepare(ctx, r)
}

func (f *foreign) Commit(ctx context.Context, r *txcpb.CommitRequest) (*txcpb.FateReply, error) {
	return f.to.Commit(ctx, r)
}

func (f *foreign) Abort(ctx context.Context, r *txcpb.CommitRequest) (*txcpb.FateReply, error) {
	return f.to.Abort(ctx, r)
}

func (f *foreign) Recover(ctx context.Context, r *txcpb.RecoverRequest) (*txcpb.RecoverReply, error) {
	return f.to.Recover(ctx, r)
}

// mixed is a town where a is ours and b is foreign.
func mixed(t testing.TB) *town {
	v := newTown(t, "a")
	b := v.newNode("b", 2)
	b.wrap = newForeign(t)
	v.shops["b"] = b
	b.open()
	v.await("a", "b")
	return v
}

func TestUnaryMethodsAloneTakePart(t *testing.T) {
	v := mixed(t)
	c := v.caller()
	tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", "put y 2")})
	committed(t, tx, err)
	if !tx.Applied || v.shops["b"].store.value("y") != "2" {
		t.Fatalf("%+v: y is %q", tx, v.shops["b"].store.value("y"))
	}
	tx, err = c.Do(within(t), frame.Run{Branches: works("a", "put x 9", "b", "refuse")})
	if err != nil || tx.Outcome != txc.Aborted || tx.Reason.Code != txc.CodeRefused {
		t.Fatalf("%v %v: %v", tx.Outcome, tx.Reason, err)
	}
	tx, err = c.Do(within(t), frame.Run{Branches: works("a", "get x", "b", "get y")})
	committed(t, tx, err)
	if string(tx.Branches[1].Results) != "2" {
		t.Fatalf("read %q", tx.Branches[1].Results)
	}
}

func TestUnaryParticipantSurvivesItsRestart(t *testing.T) {
	v := mixed(t)
	c := v.caller()
	for range 3 {
		v.shops["b"].close()
		v.shops["b"].open()
		began := time.Now()
		v.until("b takes part again", func() bool {
			tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", "put y 2")})
			return err == nil && tx.Outcome == txc.Committed
		})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took part again after %v", took)
		}
	}
}

func TestP4UnaryPrepareIsBoundedByItsTime(t *testing.T) {
	v := mixed(t)
	c := v.caller()
	tx, err := c.Do(within(t), frame.Run{Begin: frame.Begin{Timeout: 200 * time.Millisecond}, Branches: works("a", "put x 1", "b", "block")})
	if err != nil || tx.Outcome != txc.Aborted {
		t.Fatalf("%v %v: %v", tx.Outcome, tx.Reason, err)
	}
	v.until("the promise elsewhere ends", func() bool { return v.shops["a"].store.doubts() == 0 })
}

func TestUnaryParticipantLostBetweenVoteAndCommit(t *testing.T) {
	v := mixed(t)
	c := v.caller()
	ended := make(chan frame.Tx, 1)
	go func() {
		tx, err := c.Do(within(t), frame.Run{Branches: works("a", "block", "b", "put y 2")})
		if err != nil {
			t.Error(err)
		}
		ended <- tx
	}()
	<-v.shops["a"].store.blocked
	v.until("b has promised", func() bool { return v.shops["b"].store.doubts() == 1 })
	v.shops["b"].close()
	v.shops["a"].close()
	if tx := <-ended; tx.Outcome != txc.Aborted {
		t.Fatalf("%v", tx.Outcome)
	}
	v.shops["a"].open()
	v.shops["b"].open()
	v.until("P2: the promise learns that it was aborted", func() bool { return v.shops["b"].store.doubts() == 0 })
	if got := v.shops["b"].store.value("y"); got != "" {
		t.Fatalf("y is %q", got)
	}
}

func TestC5FencedByAUnaryParticipant(t *testing.T) {
	v := newTown(t, "a")
	b := v.newNode("b", 2)
	var f *foreign
	make := newForeign(t)
	b.wrap = func(s *rpc.Server, a *participant.Agent) listener {
		l := make(s, a)
		f = l.(*foreign)
		return l
	}
	v.shops["b"] = b
	b.open()
	v.await("a", "b")
	f.fence.Store(true)
	_, err := v.caller().Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", "put y 2")})
	if !errors.Is(err, txc.ErrUnknown) && !errors.Is(err, txc.ErrUnavailable) {
		t.Fatalf("a coordinator that met a later opening answered: %v", err)
	}
	select {
	case err := <-v.hall.c.Failed():
		if !errors.Is(err, txc.ErrStopped) {
			t.Fatalf("it stopped with %v", err)
		}
	case <-within(t).Done():
		t.Fatal("it serves on")
	}
}

func TestUnaryMethodsOfOurOwnServerRefuse(t *testing.T) {
	v := newTown(t, "a")
	conn, err := rpc.Dial(v.shops["a"].address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := txcpb.NewParticipantClient(conn)
	from := &txcpb.Sender{Cluster: "txc", Coordinator: 5, Epoch: 3, Mark: 7}
	ask := func(f *txcpb.Sender, id, name string, mark uint64) error {
		_, err := p.Commit(within(t), &txcpb.CommitRequest{From: f, Id: id, Participant: name, Mark: mark})
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want codes.Code
	}{
		{"another cluster", ask(&txcpb.Sender{Cluster: "other", Coordinator: 5, Epoch: 3, Mark: 7}, "c5.3.1", "a", 0), codes.FailedPrecondition},
		{"another participant's name", ask(from, "c5.3.1", "b", 0), codes.FailedPrecondition},
		{"no sender", ask(nil, "c5.3.1", "a", 0), codes.InvalidArgument},
		{"no id", ask(from, "", "a", 0), codes.InvalidArgument},
		{"an id of another coordinator", ask(from, "c6.3.1", "a", 0), codes.InvalidArgument},
		{"an id of another epoch without its mark", ask(from, "c5.2.1", "a", 0), codes.InvalidArgument},
		{"all is well", ask(from, "c5.3.1", "a", 0), codes.OK},
	} {
		if got := status.Code(row.err); got != row.want {
			t.Errorf("%s: %v, want %v (%v)", row.name, got, row.want, row.err)
		}
	}
	r, err := p.Commit(within(t), &txcpb.CommitRequest{From: from, Id: "c5.3.1", Participant: "a"})
	if err != nil || r.GetFate() != txcpb.Fate_NEVER_PREPARED {
		t.Fatalf("P7: %v: %v", r, err)
	}
	older := &txcpb.Sender{Cluster: "txc", Coordinator: 5, Epoch: 2, Mark: 7}
	r, err = p.Commit(within(t), &txcpb.CommitRequest{From: older, Id: "c5.2.1", Participant: "a"})
	if err != nil || r.GetFate() != 0 || r.GetReason().GetCode() != "fenced" || r.GetSeen().GetEpoch() != 3 || r.GetSeen().GetMark() != 7 {
		t.Fatalf("P6: %v: %v", r, err)
	}
	rec, err := p.Recover(within(t), &txcpb.RecoverRequest{From: older, Participant: "a"})
	if err != nil || rec.GetReason().GetCode() != "fenced" {
		t.Fatalf("P6: %v: %v", rec, err)
	}
}

func TestP8AFailedUnaryPrepareIsANoThatIsNotCertain(t *testing.T) {
	v := newTown(t)
	n := v.newNode("a", 1)
	var f *foreign
	make := newForeign(t)
	n.wrap = func(s *rpc.Server, a *participant.Agent) listener {
		l := make(s, a)
		f = l.(*foreign)
		return l
	}
	v.shops["a"] = n
	n.open()
	l, ch := rawLink(t, n, "a")
	w := greet(t, l, ch)
	f.fail.Store(true)
	m := protocol.Message{From: five, ID: txc.ID{Coordinator: 5, Epoch: 1, Sequence: 1}, Mark: 9,
		Body: protocol.Prepare{Incarnation: w.Incarnation, TimeLeft: 5 * time.Second, Work: []byte("put x 1")}}
	if !l.Send([]protocol.Message{m, m}) {
		t.Fatal("no room")
	}
	for range 2 {
		vote, ok := next(t, ch).batch[0].Body.(protocol.Vote)
		if !ok || vote.Vote != txc.No || vote.Certain || vote.Reason.Code != txc.CodeLostVote {
			t.Fatalf("got %+v", vote)
		}
	}
	if got := f.prepares.Load(); got != 2 {
		t.Fatalf("two Prepares became %d calls", got)
	}
	f.fail.Store(false)
	f.fence.Store(true)
	if !l.Send([]protocol.Message{m}) {
		t.Fatal("no room")
	}
	want := protocol.Fenced{About: protocol.AboutPrepare, Seen: protocol.Seen{Coordinator: 1, Epoch: 99, Mark: 1}}
	if got := next(t, ch).batch[0].Body; got != want {
		t.Fatalf("P6: got %+v, want %+v", got, want)
	}
}
