package redis_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/redis"
)

func TestWhatACommandMayBe(t *testing.T) {
	rows := []struct {
		line string
		ok   bool
	}{
		{"get a", true}, {"GET a", true}, {"get", false}, {"get a b", false}, {"get txc:locks", false}, {"get txc/x", false},
		{"set a b", true}, {"set a b NX", true}, {"set a b xx", true}, {"set a b EX 10", false}, {"set a b NX XX", false}, {"set a", false},
		{"incr a", true}, {"incr a 1", false}, {"incr a MIN 0", true}, {"incrby a 10", true}, {"incrby a -10 MIN 0 MAX 99", true}, {"incrby a 1 MAX 5 min 0", true},
		{"incrby a", false}, {"incrby a 1.5", false}, {"incrby a 9223372036854775808", false}, {"incrby a 1 MIN", false}, {"incrby a 1 MIN 0 MIN 1", false}, {"incrby a 1 LOW 0", false},
		{"decr a", true}, {"decrby a 10 MIN 0", true}, {"decrby a -9223372036854775808", false}, {"decrby a x", false}, {"decrby a", false},
		{"hset a f 1", true}, {"hset a f", false}, {"hset a f 1 g", false}, {"hincrby a f 5 MIN 0", true}, {"hincrby a f", false}, {"hincrby a", false}, {"hdel a", false},
		{"zadd a 1.5 m", true}, {"zadd a 1e3 m 2 n", true}, {"zadd a inf m", false}, {"zadd a nan m", false}, {"zadd a 1", false}, {"zadd a NX 1 m", false}, {"zincrby a 1 m", true}, {"zincrby a m", false},
		{"lpush a 1 2", true}, {"lpush a", false}, {"lpop a", true}, {"lpop a 2", false}, {"lrange a 0 -1", true}, {"lrange a 0 x", false}, {"lrange a 0", false}, {"lrange a 0 99999999999", false}, {"lrange a 00 1", false},
		{"incrbyfloat a 1", false}, {"expire a 1", false}, {"spop a", false}, {"eval x 0", false}, {"flushall", false}, {"flushall a", false}, {"rename a b", false}, {"publish a b", false}, {"", false},
	}
	for _, row := range rows {
		var words []string
		if row.line != "" {
			words = strings.Split(row.line, " ")
		} else {
			words = []string{""}
		}
		if _, err := redis.Read(encode(op(words[0], words[1:]...))); (err == nil) != row.ok {
			t.Errorf("%q: %v", row.line, err)
		}
	}
}

func TestWhatWorkMayBe(t *testing.T) {
	many := func(n int) []*txcpb.RedisOp {
		all := make([]*txcpb.RedisOp, n)
		for i := range all {
			all[i] = op("get", fmt.Sprint(i))
		}
		return all
	}
	told := op("lrange", "a", "0", "-1")
	told.Expect = []byte("x")
	more := op("get", "a")
	more.ProtoReflect().SetUnknown([]byte{0x78, 1})
	rows := map[string]struct {
		data []byte
		ok   bool
	}{
		"nothing": {nil, false}, "not work": {[]byte("\xff"), false}, "no commands": {encode(), false}, "another kind": {[]byte{0x0a, 0}, false},
		"as many as there may be": {encode(many(redis.MaxOps)...), true}, "one more": {encode(many(redis.MaxOps + 1)...), false},
		"a list to be expected": {encode(told), false}, "something that a newer client says": {encode(more), false},
	}
	for says, row := range rows {
		if _, err := redis.Read(row.data); (err == nil) != row.ok {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// Only what never left is known not to have been done.
func TestOnlyWhatWasNeverSentIsCertain(t *testing.T) {
	rows := map[error]bool{
		&net.OpError{Op: "dial", Err: errors.New("refused")}: true,
		&net.OpError{Op: "read", Err: errors.New("reset")}:   false,
		errors.New("EOF"): false,
	}
	for err, want := range rows {
		if got := redis.Unsent(fmt.Errorf("x: %w", err)); got != want {
			t.Errorf("%v: unsent %v", err, got)
		}
	}
}
