package stores_test

import (
	"context"
	"strings"
	"testing"

	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// A Redis that loads its data answers questions about itself, and nothing else: whoever opens waits for the end of that.
func TestRedisOpensWhileTheServerLoads(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "key-load-delay 50") // microseconds for each command; after each 1,024 it answers
	c := client(t, server)
	pipe := c.Pipeline()
	for i := range 30000 {
		pipe.RPush(t.Context(), "list", i)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	started := make(chan error, 1)
	go func() { started <- server.Start() }()
	loads := false
	for !loads {
		info, err := c.Info(t.Context(), "persistence").Result()
		loads = strings.Contains(info, "loading:1")
		if err == nil && !loads {
			t.Fatal("it has loaded before it was looked at")
		}
	}
	s, err := redis.Open(t.Context(), server.URL(), redis.Options{Cluster: "test", Name: "points"})
	if err != nil {
		t.Error(err)
	} else if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-started; err != nil {
		t.Error(err)
	}
}
