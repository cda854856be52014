package redis_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/redis"
)

func encode(ops ...*txcpb.RedisOp) []byte {
	data, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Redis{Redis: &txcpb.RedisWork{Ops: ops}}})
	if err != nil {
		panic(err)
	}
	return data
}

func op(command string, args ...string) *txcpb.RedisOp {
	o := &txcpb.RedisOp{Command: command}
	for _, a := range args {
		o.Args = append(o.Args, []byte(a))
	}
	return o
}

// Whatever comes as work is refused, or names keys that are not the participants' own, each once.
func FuzzWork(f *testing.F) {
	f.Add(encode(op("incrby", "a", "1", "MIN", "0"), op("SET", "b", "x", "nx"), op("zadd", "a", "1e3", "m")))
	f.Add(encode(op("get", "txc:locks")))
	f.Add([]byte("no work"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := redis.Read(data)
		if err != nil {
			return
		}
		keys := w.Keys()
		for i, k := range keys {
			if redis.Reserved(k) || slices.Contains(keys[:i], k) {
				t.Errorf("keys %q", keys)
			}
		}
		kept, err := redis.Keep(keys)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := redis.Kept(string(kept)); err != nil || !slices.Equal(again, keys) {
			t.Errorf("%q were kept as %q: %v", keys, again, err)
		}
	})
}

// What stands in a database is read back as it was written, or refused.
func FuzzRows(f *testing.F) {
	f.Add("0000000100000003000000000000000c000000000000feed", "00000001", "00000003 000000000000feed 000000000000000c", "\x12\x01a")
	f.Add("txc", "", "", "")
	f.Fuzz(func(t *testing.T, name, coordinator, seen, keys string) {
		if id, mark, err := redis.ParseSortable(name); err == nil && redis.Sortable(id)+txc.FormatMark(mark) != name {
			t.Errorf("%q was read as %v %x", name, id, mark)
		}
		if w, err := redis.ParseWitness(coordinator, seen); err == nil {
			if c, s := redis.Witness(w); c != coordinator || s != seen {
				t.Errorf("%q %q was read as %v", coordinator, seen, w)
			}
		}
		if _, err := redis.Kept(keys); err != nil {
			return
		}
		d, err := redis.Describe(txc.BranchName("txc", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, 7, "a"), []string{"promised", "", coordinator, seen, keys, "", "", "", name})
		if err == nil && (d.Settled != 0 || d.ID.Sequence != 1) {
			t.Errorf("%+v", d)
		}
	})
}
