package stores_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	driver "github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// command makes one of Redis's; expecting makes one with an expectation.
func command(name string, args ...string) *txcpb.RedisOp {
	op := &txcpb.RedisOp{Command: name}
	for _, a := range args {
		op.Args = append(op.Args, []byte(a))
	}
	return op
}

func expecting(reply string, name string, args ...string) *txcpb.RedisOp {
	op := command(name, args...)
	op.Expect = []byte(reply)
	return op
}

func redisWork(ops ...*txcpb.RedisOp) []byte {
	data, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Redis{Redis: &txcpb.RedisWork{Ops: ops}}})
	if err != nil {
		panic(err)
	}
	return data
}

// client connects to a server as somebody who has nothing to do with us.
func client(t testing.TB, s *servers.RedisServer) *driver.Client {
	t.Helper()
	c := s.Client()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// All cases share one database, each as a participant of its own: so it is with many participants, too.
func TestRedisResource(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	beside := client(t, server)
	var n atomic.Int64
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		return redisStore(t, server, beside, fmt.Sprintf("points%d", n.Add(1)))
	})
}

func redisStore(t *testing.T, server *servers.RedisServer, beside *driver.Client, name string) *resourcetest.Store {
	var opened sync.Map
	in := func(key string) string { return name + ":" + key }
	return &resourcetest.Store{
		Cluster: "test", Participant: name, Broken: []byte("no work"), Locks: true,
		Open: func() (participant.Resource, error) {
			s, err := redis.Open(t.Context(), server.URL(), redis.Options{Cluster: "test", Name: name, Connections: 16})
			if err == nil {
				opened.Store(s, true)
			}
			return s, err
		},
		Crash: func(participant.Resource) error { server.Kill(); return server.Start() }, // its process lives on, and can do nothing more
		Done: func() {
			opened.Range(func(s, _ any) bool {
				if err := s.(*redis.Store).Close(context.Background()); err != nil {
					t.Error(err)
				}
				return true
			})
		},
		Write: func(key, value string) []byte { return redisWork(command("SET", in(key), value)) },
		Read:  func(key string) []byte { return redisWork(command("GET", in(key))) },
		Refuse: func(key string) []byte {
			return redisWork(command("set", in(key), "x"), expecting("2", "exists", in(key)))
		},
		Value: func(_ participant.Resource, key string) (string, bool, error) {
			v, err := beside.Get(t.Context(), in(key)).Result()
			if err == driver.Nil {
				return "", false, nil
			}
			return v, err == nil, err
		},
		Values: func(results []byte) (map[string]string, error) {
			var all txcpb.Results
			err := proto.Unmarshal(results, &all)
			got := map[string]string{}
			for _, r := range all.GetItems() {
				got[string(r.GetKey()[len(name)+1:])] = string(r.GetValue())
			}
			return got, err
		},
		Foreign: func(participant.Resource) (func() bool, error) {
			other, err := redis.Open(t.Context(), server.URL(), redis.Options{Cluster: "other", Name: name})
			if err != nil {
				return nil, err
			}
			opened.Store(other, true)
			b := participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, Mark: 1, Cluster: "other", Participant: name, Members: []string{name}}
			p, err := other.Prepare(t.Context(), b, redisWork(command("set", in("foreign"), "x")), false)
			if err == nil && p.Vote != txc.Yes {
				err = fmt.Errorf("%v %v", p.Vote, p.Reason)
			}
			return func() bool {
				n := 0
				for d, err := range other.InDoubt(t.Context()) {
					if err == nil && d.ID == b.ID {
						n++
					}
				}
				return n == 1
			}, err
		},
	}
}
