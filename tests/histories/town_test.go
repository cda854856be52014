package histories_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// town is a coordinator that is a process, and participants of this process that may be broken.
type town struct {
	*procs.Cluster
	campaign.Library
	stores map[string]*broken
}

// newTown opens a participant for each name, flawed as it says.
func newTown(t *testing.T, flaws map[string]flaw) *town {
	t.Helper()
	c := procs.DescribeCluster(t, nil)
	if err := c.Coordinator.Start(); err != nil {
		t.Fatal(err)
	}
	town := &town{Cluster: c, stores: map[string]*broken{}}
	for _, name := range []string{"site-a", "site-b", "site-c"} {
		town.open(t, name, flaws[name])
	}
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	town.Library = campaign.NewLibrary(t, c)
	return town
}

// open opens store and agent, and serves them as a participant's process does.
func (w *town) open(t *testing.T, name string, f flaw) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := kv.Open(t.Context(), w.Data(name), kv.Options{Cluster: "txc", Name: name, MinFree: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	resource := newBroken(store, f)
	if f == "" {
		resource.flaw = sound
	}
	directory, err := rpc.DialDirectory(w.Coordinator.Address, "txc")
	if err != nil {
		t.Fatal(errors.Join(err, store.Close(t.Context())))
	}
	listener, err := rpc.Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(errors.Join(err, store.Close(t.Context())))
	}
	address := listener.Addr().String()
	agent, err := participant.Open(t.Context(), resource, []participant.Coordinator{directory}, participant.Options{Name: name, Advertise: address, Logger: log})
	if err != nil {
		t.Fatal(errors.Join(err, store.Close(t.Context())))
	}
	server := rpc.NewParticipantServer(agent, "txc", rpc.Options{Logger: log})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Close(ctx)
		if err := errors.Join(<-served, agent.Close(ctx), directory.Close()); err != nil {
			t.Errorf("close %s: %v", name, err)
		}
	})
	w.stores[name] = resource
	w.Participants = append(w.Participants, procs.NewServer(t, name, address, "")) // a name: it is no process
}
