package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/participant/redis"
)

// A server that is not there: the error says so, and not only that the time to wait for it is over.
func TestOpenSaysWhyNobodyWasReached(t *testing.T) {
	for range 20 { // the time ends where an attempt begins, so that it is chance which of the two is seen
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := redis.Open(ctx, "redis://127.0.0.1:1/0", redis.Options{Cluster: "test", Name: "points"})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Fatalf("open: %v; it must say that the connection was refused", err)
		}
	}
}
