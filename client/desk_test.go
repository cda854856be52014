package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit bounds every wait of these tests.
const limit = 20 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// desk is a coordinator that does as it is told, in generated code: it remembers keys and ids, and decides by script.
type desk struct {
	txcpb.UnimplementedCoordinatorServer
	t       testing.TB
	number  uint32
	unary   bool // it has no Session
	address string
	server  *grpc.Server
	done    sync.WaitGroup

	mu     sync.Mutex
	script func(d *desk, n int, r *txcpb.RunRequest) *txcpb.TxReply // of the n-th Run that is not a repetition; nil: commit
	lose   func(n int) bool                                         // of the n-th request: do it, and cut the connection before the reply
	drop   func(n int) bool                                         // of the n-th request: cut the connection instead of doing it
	keys   map[string]*txcpb.TxReply
	ids    map[string]*txcpb.TxReply
	asked  []*txcpb.RunRequest // everything that arrived
	runs   int                 // that were not repetitions
	n      int
	dumb   int // so many answers to Commit say that nothing is known yet
}

func newDesk(t testing.TB, number uint32) *desk {
	d := &desk{t: t, number: number, address: "127.0.0.1:0", keys: map[string]*txcpb.TxReply{}, ids: map[string]*txcpb.TxReply{}}
	t.Cleanup(d.close)
	return d
}

func (d *desk) open() *desk {
	l, err := net.Listen("tcp", d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.address = l.Addr().String()
	d.server = grpc.NewServer()
	txcpb.RegisterCoordinatorServer(d.server, d)
	server := d.server
	d.done.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			d.t.Error(err)
		}
	})
	return d
}

func (d *desk) close() {
	if d.server != nil {
		d.server.Stop()
		d.done.Wait()
		d.server = nil
	}
}

func (d *desk) client(more ...*desk) *client.Client {
	addresses := []string{d.address}
	for _, m := range more {
		addresses = append(addresses, m.address)
	}
	c, err := client.Dial(addresses, client.Options{Software: "test"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			d.t.Error(err)
		}
	})
	return c
}

// fate says what happens to the connection around a request.
type fate int

const (
	served fate = iota
	lostReply
	lostRequest
)

func (d *desk) next() fate {
	n := d.n
	d.n++
	switch {
	case d.drop != nil && d.drop(n):
		return lostRequest
	case d.lose != nil && d.lose(n):
		return lostReply
	}
	return served
}

func (d *desk) id() string {
	return (&ids{d.number, uint64(len(d.ids) + 1)}).String()
}

func (d *desk) run(r *txcpb.RunRequest) *txcpb.TxReply {
	d.asked = append(d.asked, r)
	key := r.GetBegin().GetKey()
	if old := d.keys[key]; old != nil {
		old.Replayed = true
		return old
	}
	n := d.runs
	d.runs++
	reply := &txcpb.TxReply{Outcome: txcpb.Outcome_COMMIT, Applied: true}
	if d.script != nil {
		if told := d.script(d, n, r); told != nil {
			reply = told
		}
	}
	reply.Id, reply.Age, reply.Mark = d.id(), 1000+uint64(n), 7
	if r.GetBegin().GetAge() != 0 {
		reply.Age = r.GetBegin().GetAge()
	}
	for _, b := range r.GetBranches() {
		reply.Branches = append(reply.Branches, &txcpb.BranchReply{Participant: b.GetParticipant(), Vote: txcpb.Vote_YES, State: "committed"})
	}
	d.ids[reply.Id] = reply
	if reply.Outcome == txcpb.Outcome_COMMIT {
		d.keys[key] = reply
	}
	return reply
}

func (d *desk) Run(_ context.Context, r *txcpb.RunRequest) (*txcpb.TxReply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.run(r), nil
}

func (d *desk) Session(st grpc.BidiStreamingServer[txcpb.Frame, txcpb.Frame]) error {
	if d.unary {
		return d.UnimplementedCoordinatorServer.Session(st)
	}
	if _, err := st.Recv(); err != nil {
		return err
	}
	from := &txcpb.Sender{Cluster: "txc", Coordinator: d.number, Epoch: 1, Mark: 7}
	if err := st.Send(&txcpb.Frame{Hello: &txcpb.Hello{VersionMin: 1, VersionMax: 1, From: from}}); err != nil {
		return err
	}
	for {
		f, err := st.Recv()
		if err != nil {
			return err
		}
		out := &txcpb.Frame{}
		d.mu.Lock()
		for _, e := range f.GetEntries() {
			how := d.next()
			if how == lostRequest {
				d.mu.Unlock()
				return errCut
			}
			reply := d.serve(e)
			if how == lostReply {
				d.mu.Unlock()
				return errCut
			}
			out.Entries = append(out.Entries, reply)
		}
		d.mu.Unlock()
		if err := st.Send(out); err != nil {
			return err
		}
	}
}

func (d *desk) serve(e *txcpb.Entry) *txcpb.Entry {
	reply := &txcpb.Entry{N: e.GetN()}
	done := func(t *txcpb.TxReply) *txcpb.TxReply {
		c := cloned(t)
		reply.Sequence, c.Id, c.Mark = sequence(c.GetId()), "", 0
		return c
	}
	switch w := e.GetWhat().(type) {
	case *txcpb.Entry_Run:
		t := d.run(w.Run)
		if t.GetOutcome() == txcpb.Outcome_UNDECIDED && t.GetReason() != nil {
			reply.What = &txcpb.Entry_Refused{Refused: &txcpb.Refusal{Status: int32(14), Reason: t.GetReason()}}
			return reply
		}
		reply.What = &txcpb.Entry_Done{Done: done(t)}
	case *txcpb.Entry_Begin:
		t := &txcpb.TxReply{Id: d.id(), Mark: 7, Key: w.Begin.GetKey()}
		d.ids[t.Id] = t
		reply.What = &txcpb.Entry_Begun{Begun: done(t)}
	case *txcpb.Entry_EndCommit:
		t := d.ids[(&ids{d.number, e.GetSequence()}).String()]
		t.Outcome, t.Applied = txcpb.Outcome_COMMIT, true
		if d.dumb > 0 {
			d.dumb--
			t.Outcome, t.Applied = []txcpb.Outcome{txcpb.Outcome_UNDECIDED, txcpb.Outcome_UNKNOWN}[d.dumb%2], false
		}
		reply.What = &txcpb.Entry_Done{Done: done(t)}
	case *txcpb.Entry_EndAbort:
		t := d.ids[(&ids{d.number, e.GetSequence()}).String()]
		t.Outcome = txcpb.Outcome_ABORT
		reply.What = &txcpb.Entry_Done{Done: done(t)}
	case *txcpb.Entry_Outcome:
		t := d.ids[(&ids{d.number, e.GetSequence()}).String()]
		if w.Outcome.GetKey() != "" {
			t = d.keys[w.Outcome.GetKey()]
		}
		if t == nil {
			reply.What = &txcpb.Entry_Refused{Refused: &txcpb.Refusal{Status: 5, Reason: &txcpb.Reason{Code: "not_found", Text: "no such transaction"}}}
			return reply
		}
		reply.What = &txcpb.Entry_Done{Done: done(t)}
	}
	return reply
}

func (d *desk) seen() []*txcpb.RunRequest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

func aborted(code string, retryable bool) *txcpb.TxReply {
	return &txcpb.TxReply{Outcome: txcpb.Outcome_ABORT, Reason: &txcpb.Reason{Code: code, Text: "no", Participant: "a", Retryable: retryable}}
}
