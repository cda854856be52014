package kinds

import (
	"context"
	"testing"

	"github.com/txc-dev/txc/participant"
	store "github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var kv = Kind{Name: "kv", Store: participant.Resource((*store.Store)(nil)), Serve: func(testing.TB) House { return kvHouse{} }}

type kvHouse struct{}

func (kvHouse) Server() *servers.Server { return nil }

func (kvHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	c.AddKV(t, name)
	return kvHome{c, name}
}

type kvHome struct {
	c    *procs.Cluster
	name string
}

func (kvHome) Write(ops []campaign.Op) (string, any) { return "kv", ops }

func (h kvHome) Read(ctx context.Context) (procs.Dump, error) { return h.c.Dump(ctx, h.name) }
