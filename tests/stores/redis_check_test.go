package stores_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// A participant whose promises would not be durable does not start, unless it is told to by name.
func TestUnfitRedisIsRefused(t *testing.T) {
	server := servers.Redis(t, "appendfsync everysec", "no-appendfsync-on-rewrite yes", "appendonly no", "maxmemory-policy allkeys-lru", "maxmemory 100mb")
	demo := procs.Binary(t, "participant-demo")
	t.Setenv("REDISCLI_AUTH", servers.Password)
	args := []string{"--name", "points", "--coordinator", "127.0.0.1:1", "--store", server.Store()}
	for _, row := range [][2]string{ // in the order in which they are told
		{"redis-appendonly", "appendonly is off"}, {"redis-appendfsync", "appendfsync is everysec: a promise could be lost"},
		{"redis-rewrite-fsync", "while the file is rewritten"}, {"redis-eviction", "allkeys-lru"},
	} {
		name, says := row[0], row[1]
		r := procs.RunContext(t.Context(), demo, "", args...)
		if r.Code != 2 || !strings.Contains(r.Stderr, name) || !strings.Contains(r.Stderr, says) {
			t.Errorf("%s: code %d: %s", name, r.Code, r.Stderr)
		}
		args = append(args, "--waive", name)
	}
	p := procs.NewServer(t, "points", "127.0.0.1:0", demo, args...)
	if err := p.Start(); err != nil {
		t.Fatalf("with everything waived: %v", err)
	}
	if code, err := p.Stop(); code != 0 || err != nil {
		t.Errorf("code %d: %v", code, err)
	}
}

// names are those of what Check finds.
func (d *till) names(s *redis.Store) (names []string) {
	d.Helper()
	r, err := s.Check(d.ctx)
	if err != nil || r.Kind != "redis" || !strings.HasPrefix(r.Version, "7.") {
		d.Fatalf("%+v %v", r, err)
	}
	for _, f := range r.Findings {
		names = append(names, f.Name)
	}
	return names
}

// What Check finds is what the server is: a replica, watched by a Sentinel, followed by others.
func TestRolesOfRedis(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	s := d.open(server.URL())
	if names := d.names(s); len(names) != 0 {
		t.Errorf("as it should be: %q", names)
	}
	sentinel := d.db.Subscribe(t.Context(), "__sentinel__:hello") // as each of them does
	if _, err := sentinel.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := d.names(s); !slices.Equal(names, []string{"redis-sentinel"}) {
		t.Errorf("watched: %q", names)
	}
	if err := sentinel.Close(); err != nil {
		t.Fatal(err)
	}
	d.until("the Sentinel is gone", func() bool { return len(d.names(s)) == 0 })
	other := servers.Redis(t, "replicaof 127.0.0.1 "+server.Port())
	d.until("it is followed", func() bool { return slices.Equal(d.names(s), []string{"redis-replicas"}) })
	if _, err := redis.Open(t.Context(), other.URL(), redis.Options{Cluster: "test", Name: "points"}); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("a replica was opened: %v", err)
	}
}

func TestRedisInClusterModeIsRefused(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "cluster-enabled yes")
	_, err := redis.Open(t.Context(), server.URL(), redis.Options{Cluster: "test", Name: "points"})
	if !errors.Is(err, txc.ErrRefused) || !strings.Contains(err.Error(), "cluster mode") {
		t.Errorf("%v", err)
	}
}

// The user that the documentation makes is all that a participant needs; one who may not read the settings is told so.
func TestAnOrdinaryUserOfRedis(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	rights := []any{"on", ">app", "~*", "&*", "+@read", "+@write", "+@scripting", "+@connection", "+time", "+info", "+config|get", "+pubsub|numsub"}
	d.ask(append([]any{"acl", "setuser", "app"}, rights...)...)
	d.ask(append(append([]any{"acl", "setuser", "blind"}, rights...), "-config|get", "-pubsub|numsub")...)
	as := func(who string) string {
		return strings.Replace(server.Store(), "redis://default@", "redis://"+who+":app@", 1)
	}
	if names := d.names(d.open(as("blind"))); !slices.Equal(names, []string{"redis-config-hidden"}) {
		t.Errorf("%q", names)
	}
	s := d.open(as("app"))
	if names := d.names(s); len(names) != 0 {
		t.Errorf("%q", names)
	}
	b, evidence := d.promise(s, "a")
	d.listed(s, b)
	d.commit(s, b, evidence, txc.CommittedNow)
	if err := s.Forget(t.Context(), d.branch().ID, nil); err != nil {
		t.Error(err)
	}
}
