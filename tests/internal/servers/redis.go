package servers

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// RedisServer is one Redis server, whose only user is default.
type RedisServer struct{ *Server }

// Redis makes a server and starts it; settings (a line of its configuration each) are added to those that tests need, and win.
func Redis(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	s, err := StartRedis(settings...)
	s.keep(t, err)
	return s
}

// StartRedis is the same without a test: Close ends it. The error wraps suite.ErrMissing where it is not installed.
func StartRedis(settings ...string) (*RedisServer, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return &RedisServer{}, fmt.Errorf("%w: Redis (Debian: redis-server)", suite.ErrMissing)
	}
	s, err := start(shape{
		name: "redis",
		init: func(_ context.Context, s *Server) error {
			lines := append([]string{
				"bind 127.0.0.1", "port " + s.Port(), "dir " + s.Dir, `requirepass "` + Password + `"`, `masterauth "` + Password + `"`,
				`save ""`, "appendonly yes", "appendfsync always", "maxmemory-policy noeviction",
			}, settings...)
			return s.write("redis.conf", strings.Join(lines, "\n")+"\n")
		},
		start: func(s *Server) *exec.Cmd {
			return s.command(context.Background(), bin, filepath.Join(s.Dir, "redis.conf"))
		},
		ready: func(ctx context.Context, s *Server) error {
			c := (&RedisServer{s}).Client()
			defer c.Close()
			return c.Ping(ctx).Err()
		},
	})
	return &RedisServer{s}, err
}

// Client connects as somebody who has nothing to do with us; the caller closes it.
func (s *RedisServer) Client() *redis.Client { return s.ClientOf(0) }

// ClientOf is Client of a database.
func (s *RedisServer) ClientOf(database int) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Address, Password: Password, Protocol: 2, DB: database})
}

// URL is the address of database 0, with the password.
func (s *RedisServer) URL() string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("default", Password), Host: s.Address, Path: "/0"}
	return u.String()
}

// Store is the same without the password.
func (s *RedisServer) Store() string { return s.StoreOf(0) }

// StoreOf is Store of a database.
func (s *RedisServer) StoreOf(database int) string {
	return fmt.Sprintf("redis://default@%s/%d", s.Address, database)
}
