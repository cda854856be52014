package rpc_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/wal/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit bounds every wait of these tests.
const limit = 20 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func logger(t testing.TB) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("test", t.Name())
	}
	return slog.New(slog.DiscardHandler)
}

// town is a coordinator behind a real server, and participants behind theirs.
type town struct {
	t       testing.TB
	disk    *mem.Disk
	address string
	hall    *hall
	shops   map[string]*node
}

// hall is one run of the coordinator.
type hall struct {
	log    *mem.Log
	c      *coordinator.Coordinator
	server *rpc.Server
	done   sync.WaitGroup
}

// node is one participant: its store lives on, its agent and server come and go.
type node struct {
	t       testing.TB
	name    string
	address string
	store   *shop
	town    *town
	wrap    func(*rpc.Server, *participant.Agent) listener // another language's server, for example
	agent   *participant.Agent
	way     *rpc.Directory
	server  listener
	done    sync.WaitGroup
}

type listener interface {
	Serve(l net.Listener) error
	Close(ctx context.Context)
}

func newTown(t testing.TB, names ...string) *town {
	v := &town{t: t, disk: mem.NewDisk(), address: "127.0.0.1:0", shops: map[string]*node{}}
	v.open()
	t.Cleanup(v.close)
	for i, name := range names {
		v.shops[name] = v.newNode(name, byte(i+1))
		v.shops[name].open()
	}
	v.await(names...)
	return v
}

func listen(t testing.TB, address string) net.Listener {
	l, err := rpc.Listen(address, false)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (v *town) open() {
	h := &hall{}
	log, rec, err := mem.Open(v.disk, mem.Options{Cluster: "txc", Number: 1, Mark: uint64(time.Now().UnixNano()), Now: time.Now})
	if err != nil {
		v.t.Fatal(err)
	}
	h.log = log
	o := rpc.Options{Software: "test", Logger: logger(v.t), Reflection: true}
	if h.c, err = coordinator.Open(within(v.t), log, rec, rpc.Dialer(o), coordinator.Options{Logger: o.Logger, AskFor: 50 * time.Millisecond, RetryMin: 100 * time.Millisecond}); err != nil {
		v.t.Fatal(err)
	}
	if h.server, err = rpc.NewCoordinatorServer(within(v.t), h.c, o); err != nil {
		v.t.Fatal(err)
	}
	l := listen(v.t, v.address)
	v.address = l.Addr().String()
	h.done.Go(func() {
		if err := h.server.Serve(l); err != nil {
			v.t.Error(err)
		}
	})
	v.hall = h
}

// halt ends the coordinator's process, so to say: nothing is drained.
func (v *town) halt() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := v.hall.c.Close(ctx); err != nil {
		v.t.Error(err)
	}
	v.hall.server.Close(ctx)
	v.hall.done.Wait()
	v.disk = v.disk.Copy() // the log is not closed: what was synced is all that remains
}

func (v *town) close() {
	for _, n := range v.shops {
		n.close()
	}
	v.halt()
}

func (v *town) newNode(name string, instance byte) *node {
	return &node{t: v.t, name: name, address: "127.0.0.1:0", store: newShop(instance), town: v}
}

func (n *node) open() {
	l := listen(n.t, n.address)
	n.address = l.Addr().String()
	way, err := rpc.DialDirectory(n.town.address, "txc")
	if err != nil {
		n.t.Fatal(err)
	}
	n.way = way
	n.agent, err = participant.Open(within(n.t), n.store, []participant.Coordinator{way}, participant.Options{
		Cluster: "txc", Name: n.name, Advertise: n.address, Logger: logger(n.t),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	s := rpc.NewParticipantServer(n.agent, "txc", rpc.Options{Software: "test", Logger: logger(n.t)})
	n.server = s
	if n.wrap != nil {
		n.server = n.wrap(s, n.agent)
	}
	n.done.Go(func() {
		if err := n.server.Serve(l); err != nil {
			n.t.Error(err)
		}
	})
}

func (n *node) close() {
	if n.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n.server.Close(ctx)
	n.done.Wait()
	if err := n.agent.Close(ctx); err != nil {
		n.t.Error(err)
	}
	if err := n.way.Close(); err != nil {
		n.t.Error(err)
	}
	n.server = nil
}

// await waits until the coordinator has heard these.
func (v *town) await(names ...string) {
	v.t.Helper()
	v.until("heard", func() bool {
		all, err := v.hall.c.Participants(within(v.t))
		if err != nil {
			v.t.Fatal(err)
		}
		heard := map[string]bool{}
		for _, p := range all {
			heard[p.Name] = p.State == "heard"
		}
		for _, name := range names {
			if !heard[name] {
				return false
			}
		}
		return true
	})
}

// until waits for a condition that nothing announces: it looks every few milliseconds, for as long as limit.
func (v *town) until(what string, ok func() bool) {
	v.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(limit)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			v.t.Fatalf("not in %v: %s", limit, what)
		}
	}
}

func (v *town) dial() *grpc.ClientConn {
	conn, err := rpc.Dial(v.address)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			v.t.Error(err)
		}
	})
	return conn
}

func (v *town) caller() *rpc.Caller {
	c, err := rpc.NewCaller(v.address, "test")
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			v.t.Error(err)
		}
	})
	return c
}

func works(pairs ...string) (all []frame.Branch) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, frame.Branch{Participant: pairs[i], Work: []byte(pairs[i+1])})
	}
	return all
}

func worksPB(pairs ...string) (all []*txcpb.Enlistment) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, &txcpb.Enlistment{Participant: pairs[i], Work: []byte(pairs[i+1])})
	}
	return all
}

func committed(t testing.TB, tx frame.Tx, err error) {
	t.Helper()
	if err != nil || tx.Outcome != txc.Committed {
		t.Fatalf("%v, %v: %v", tx.Outcome, tx.Reason, err)
	}
}
