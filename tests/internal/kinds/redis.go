package kinds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	driver "github.com/redis/go-redis/v9"

	store "github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var redis = Kind{Name: "redis", Store: (*store.Store)(nil), Serve: func(t testing.TB) House {
	return &redisHouse{server: servers.Redis(t)}
}}

// redisHouse has all its homes in one database, where each has a prefix and a participant's name of its own: locks are
// everybody's there.
type redisHouse struct {
	server *servers.RedisServer
	homes  atomic.Int64
}

func (h *redisHouse) Server() *servers.Server { return h.server.Server }

func (h *redisHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	t.Helper()
	n := h.homes.Add(1)
	if n > redisDatabases {
		t.Fatalf("a Redis server has %d databases", redisDatabases)
	}
	c.Add(t, name, "--store", h.server.StoreOf(int(n-1)), "--password-file", passwordFile(t))
	return redisHome{h.server, int(n - 1)}
}

// redisDatabases is how many there are where nobody has said otherwise.
const redisDatabases = 16

type redisHome struct {
	server   *servers.RedisServer
	database int
}

func (h redisHome) Write(ops []campaign.Op) (string, any) {
	var all []map[string]any
	do := func(command string, args ...string) {
		all = append(all, map[string]any{"do": map[string]any{"command": command, "args": args}})
	}
	for _, op := range ops {
		switch {
		case op.Put != nil:
			do("set", op.Put.Key, op.Put.Value)
		case op.Add != nil && op.Add.Min != nil:
			do("incrby", op.Add.Key, fmt.Sprint(op.Add.By), "MIN", fmt.Sprint(*op.Add.Min))
		case op.Add != nil:
			do("incrby", op.Add.Key, fmt.Sprint(op.Add.By))
		default:
			panic("these operations only write")
		}
	}
	return "redis", all
}

func (h redisHome) Read(ctx context.Context) (_ procs.Dump, err error) {
	d := procs.Dump{Data: map[string]string{}}
	c := h.server.ClientOf(h.database)
	defer func() { err = errors.Join(err, c.Close()) }()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		return d, err
	}
	for _, key := range keys {
		switch {
		case strings.HasPrefix(key, "txc/"):
			d.InDoubt = append(d.InDoubt, procs.Line{ID: key})
		case key == "txc:locks":
			locks, err := c.HGetAll(ctx, key).Result()
			if err != nil {
				return d, err
			}
			for locked := range locks {
				d.Locks = append(d.Locks, procs.Line{Key: locked})
			}
		case strings.HasPrefix(key, "txc:"):
		default:
			if d.Data[key], err = c.Get(ctx, key).Result(); err != nil && !errors.Is(err, driver.Nil) {
				return d, err
			}
		}
	}
	return d, nil
}
