package stores_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// A branch's commands reply, fail and leave behind what the same commands do when Redis itself runs them one by one.
func TestCommandsMeanWhatTheyMeanToRedis(t *testing.T) {
	t.Parallel()
	given := suite.Seed(t, *seed)
	server := servers.Redis(t, "appendfsync no") // nothing is killed here
	m := &mirror{T: t, db: client(t, server), rng: rand.New(rand.NewPCG(given, 0))}
	var err error
	if m.store, err = redis.Open(t.Context(), server.URL(), redis.Options{Cluster: "test", Name: "points"}); err != nil {
		t.Fatal(err)
	}
	defer m.store.Close(t.Context())
	votes := map[txc.Vote]int{}
	for n := range uint64(1500) {
		votes[m.branch(n+1)]++
		if t.Failed() {
			t.Fatalf("seed %d, branch %d", given, n+1)
		}
	}
	t.Logf("seed %d: %v", given, votes)
	if votes[txc.Yes] < 200 || votes[txc.No] < 200 || votes[txc.Held] < 50 {
		t.Errorf("votes are one-sided: %v", votes)
	}
}

// mirror holds the same keys twice: a branch works on those that begin with a, Redis on b; c is where it tries.
type mirror struct {
	*testing.T
	db    *driver.Client
	store *redis.Store
	rng   *rand.Rand
}

var mirrorKeys = []string{"1", "2", "3"}

func (m *mirror) do(args ...any) (any, error) {
	v, err := m.db.Do(m.Context(), args...).Result()
	if err != nil && !errors.Is(err, driver.Nil) && !isAnswer(err) {
		m.Fatal(err)
	}
	return v, err
}

func isAnswer(err error) bool {
	var e driver.Error
	return errors.As(err, &e)
}

func (m *mirror) must(args ...any) any {
	v, err := m.do(args...)
	if err != nil && !errors.Is(err, driver.Nil) {
		m.Fatalf("%v: %v", args, err)
	}
	return v
}

func (m *mirror) branch(n uint64) txc.Vote {
	for _, k := range mirrorKeys {
		if m.rng.IntN(20) == 0 { // far away: it must be kept, or dropped, in the same way
			at := time.Now().Add(time.Hour).UnixMilli() + int64(m.rng.IntN(1e6))
			m.must("pexpireat", "a"+k, at)
			m.must("pexpireat", "b"+k, at)
		}
		m.must("del", "c"+k)
		m.must("copy", "b"+k, "c"+k)
	}
	lines := make([][]string, 1+m.rng.IntN(6))
	var want []string
	failed := false
	var ops []*txcpb.RedisOp
	for i := range lines {
		line := m.command()
		lines[i] = line
		ops = append(ops, command(line[0], append([]string{"a" + line[1]}, line[2:]...)...))
		if failed {
			continue
		}
		args := []any{line[0], "c" + line[1]}
		for _, a := range line[2:] {
			args = append(args, a)
		}
		v, err := m.do(args...)
		if failed = err != nil && !errors.Is(err, driver.Nil); !failed {
			want = append(want, told(i, line[0], v)...)
		}
	}
	b := participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: n}, Mark: 7, Cluster: "test", Participant: "points", Members: []string{"points"}}
	p, err := m.store.Prepare(m.Context(), b, redisWork(ops...), false)
	if err != nil {
		m.Fatalf("%q: %v", lines, err)
	}
	if failed != (p.Vote == txc.No) {
		m.Errorf("%q: %v %v, and Redis itself failed: %v", lines, p.Vote, p.Reason, failed)
		return p.Vote
	}
	if failed {
		if p.Reason.Code != txc.CodeRefused {
			m.Errorf("%q: %v", lines, p.Reason)
		}
		m.same(lines, "b")
		return p.Vote
	}
	if got := m.results(p.Results); !slices.Equal(got, want) {
		m.Errorf("%q: replies\n%q, want\n%q", lines, got, want)
	}
	m.same(lines, "b") // nothing is done yet
	if f, err := m.store.Commit(m.Context(), b, p.Evidence); err != nil || f != txc.CommittedNow {
		m.Errorf("%q: %v %v", lines, f, err)
	}
	for _, k := range mirrorKeys {
		m.must("del", "b"+k)
		m.must("copy", "c"+k, "b"+k)
	}
	m.same(lines, "c")
	return p.Vote
}

func (m *mirror) results(data []byte) (all []string) {
	var r txcpb.Results
	if err := proto.Unmarshal(data, &r); err != nil {
		m.Fatal(err)
	}
	for _, item := range r.GetItems() {
		name := ""
		if item.GetKind() == "hgetall" {
			name = string(item.GetKey())
		}
		all = append(all, fmt.Sprintf(toldFormat, item.GetOp(), item.GetKind(), name, item.GetFound(), string(item.GetValue())))
	}
	return all
}

// toldFormat sorts as names do.
const toldFormat = "%d %s %q %v %q"

// told is what a branch tells of a reply of Redis.
func told(op int, kind string, v any) []string {
	one := func(name string, found bool, value any) string {
		return fmt.Sprintf(toldFormat, op, kind, name, found, fmt.Sprint(value))
	}
	switch v := v.(type) {
	case nil:
		return []string{one("", false, "")}
	case []any:
		var all []string
		for i := 0; i < len(v); i++ {
			name := ""
			if kind == "hgetall" {
				name = v[i].(string)
				i++
			}
			all = append(all, one(name, true, v[i]))
		}
		if kind != "lrange" {
			slices.Sort(all)
		}
		return all
	default:
		if v == "OK" {
			return nil
		}
		return []string{one("", true, fmt.Sprint(v))}
	}
}

// same compares the branches' keys with others.
func (m *mirror) same(lines [][]string, other string) {
	for _, k := range mirrorKeys {
		if a, b := m.all("a"+k), m.all(other+k); a != b {
			m.Errorf("after %q\na%s is %s\n%s%s is %s", lines, k, a, other, k, b)
		}
	}
}

// all is everything about a key.
func (m *mirror) all(key string) string {
	kind := m.must("type", key).(string)
	read := map[string][]any{
		"none": {"exists", key}, "string": {"get", key}, "hash": {"hgetall", key}, "set": {"smembers", key},
		"zset": {"zrange", key, 0, -1, "withscores"}, "list": {"lrange", key, 0, -1},
	}[kind]
	return fmt.Sprint(kind, told(0, fmt.Sprint(read[0]), m.must(read...)), m.must("pexpiretime", key))
}

// command draws one, for a key that may well be of another type.
func (m *mirror) command() []string {
	pick := func(from ...string) string { return from[m.rng.IntN(len(from))] }
	field := func() string { return pick("f", "g", "h", "") }
	value := func() string {
		return pick("1", "-1", "10", "9223372036854775807", "-9223372036854775808", "9999999999", "10000000000", "x", "", "01", "+1", "\x00\xff", "1e3")
	}
	by := func() string {
		if m.rng.IntN(3) == 0 {
			return strconv.FormatInt(int64(m.rng.Uint64()), 10)
		}
		return pick("1", "-1", "9223372036854775807", "-9223372036854775808", "9999999999", "-10000000001")
	}
	score := func() string { return pick("1", "-2.5", "0.1", "1e300", "3", "-0.2") }
	place := func() string { return strconv.Itoa(m.rng.IntN(9) - 4) }
	key := mirrorKeys[m.rng.IntN(len(mirrorKeys))]
	line := func(words ...string) []string { return slices.Insert(words, 1, key) }
	draws := map[string][]func() []string{
		"any": {
			func() []string { return line(pick("exists", "del")) },
			func() []string { return line("set", value(), pick("nx", "xx")) },
		},
		"string": {
			func() []string { return line("get") },
			func() []string { return line("set", value()) },
			func() []string { return line(pick("incr", "decr")) },
			func() []string { return line("incrby", by()) },
			func() []string { return line("decrby", strings.Replace(by(), "-9223372036854775808", "7", 1)) },
		},
		"hash": {
			func() []string { return line(pick("hlen", "hgetall")) },
			func() []string { return line(pick("hget", "hexists"), field()) },
			func() []string { return line("hset", field(), value(), field(), value()) },
			func() []string { return line("hsetnx", field(), value()) },
			func() []string { return line("hincrby", field(), by()) },
			func() []string { return line("hdel", field(), field()) },
		},
		"set": {
			func() []string { return line(pick("scard", "smembers")) },
			func() []string { return line("sismember", field()) },
			func() []string { return line(pick("srem", "sadd"), field(), field()) },
		},
		"zset": {
			func() []string { return line("zcard") },
			func() []string { return line("zscore", field()) },
			func() []string { return line("zrem", field(), field()) },
			func() []string { return line("zadd", score(), field(), score(), field()) },
			func() []string { return line("zincrby", score(), field()) },
		},
		"list": {
			func() []string { return line("llen") },
			func() []string { return line(pick("lpush", "rpush"), field(), value()) },
			func() []string { return line(pick("lpop", "rpop")) },
			func() []string { return line("lrange", place(), place()) },
		},
	}
	kind := m.must("type", "c"+key).(string)
	if kind == "none" || m.rng.IntN(20) == 0 {
		kind = pick("string", "hash", "set", "zset", "list")
	}
	if m.rng.IntN(8) == 0 {
		kind = "any"
	}
	return draws[kind][m.rng.IntN(len(draws[kind]))]()
}
