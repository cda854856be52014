package kinds

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	driver "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/participant/staged/once"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var nats = Kind{Name: "nats", Store: (*staged.Store)(nil), Lockless: true, Serve: func(t testing.TB) House {
	return &natsHouse{server: servers.NATS(t)}
}}

type natsHouse struct {
	server *servers.NATSServer
	homes  atomic.Int64
}

func (h *natsHouse) Server() *servers.Server { return h.server.Server }

func (h *natsHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	t.Helper()
	home := natsHome{h.server, fmt.Sprintf("home-%d", h.homes.Add(1)), c, name}
	js, done, err := home.connect()
	if err == nil {
		defer done()
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: home.stream, Subjects: []string{home.stream}})
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Add(t, name, "--store", h.server.Store(), "--staging", c.Data(name), "--password-file", passwordFile(t))
	return home
}

type natsHome struct {
	server *servers.NATSServer
	stream string
	c      *procs.Cluster
	name   string
}

func (h natsHome) Write(ops []campaign.Op) (string, any) {
	return "publish", publications(ops, h.stream, "nowhere")
}

func (h natsHome) Read(ctx context.Context) (procs.Dump, error) {
	staging, err := h.c.Dump(ctx, h.name)
	if err != nil {
		return staging, err
	}
	js, done, err := h.connect()
	if err != nil {
		return staging, err
	}
	defer done()
	s, err := js.Stream(ctx, h.stream)
	if err != nil {
		return staging, err
	}
	all := newConsumed()
	of := s.CachedInfo().State
	for n := of.FirstSeq; n <= of.LastSeq; n++ {
		m, err := s.GetMsg(ctx, n)
		if err != nil {
			return staging, err
		}
		if err := all.take(m.Header.Get(once.Header), string(m.Data)); err != nil {
			return staging, err
		}
	}
	return all.dump(staging), nil
}

func (h natsHome) connect() (jetstream.JetStream, func(), error) {
	c, err := driver.Connect(h.server.URL())
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(c)
	if err != nil {
		c.Close()
	}
	return js, c.Close, err
}
