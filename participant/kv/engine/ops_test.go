package engine_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func low(op engine.Op, n int64) engine.Op  { op.Min, op.HasMin = n, true; return op }
func high(op engine.Op, n int64) engine.Op { op.Max, op.HasMax = n, true; return op }
func valued(k, v string) engine.Op {
	return engine.Op{Kind: engine.Check, Key: []byte(k), Exists: true, HasValue: true, Value: []byte(v)}
}

func TestOperations(t *testing.T) {
	before := []engine.Op{put("text", "ten"), put("ten", "10"), put("most", fmt.Sprint(math.MaxInt64)), put("least", fmt.Sprint(math.MinInt64))}
	rows := []struct {
		says string
		ops  []engine.Op
		no   txc.Code // "": it commits
		want string   // key=value afterwards, or what was read
	}{
		{"put sets", []engine.Op{put("k", "v")}, "", "k=v"},
		{"put overwrites", []engine.Op{put("ten", "x")}, "", "ten=x"},
		{"put of nothing is a value", []engine.Op{put("k", "")}, "", "k="},
		{"delete removes", []engine.Op{del("ten")}, "", "ten=-"},
		{"delete of an absent key is fine", []engine.Op{del("k")}, "", "k=-"},
		{"later operations see earlier ones", []engine.Op{put("k", "1"), add("k", 2), valued("k", "3"), del("k"), missing("k"), add("k", 5)}, "", "k=5"},
		{"add counts an absent key as 0", []engine.Op{add("k", -3)}, "", "k=-3"},
		{"add to a number", []engine.Op{add("ten", 5)}, "", "ten=15"},
		{"add of 0 writes", []engine.Op{add("k", 0)}, "", "k=0"},
		{"add within its bounds", []engine.Op{high(low(add("ten", -10), 0), 0)}, "", "ten=0"},
		{"add to text is refused", []engine.Op{add("text", 1)}, txc.CodeRefused, "text=ten"},
		{"add below min is refused", []engine.Op{low(add("ten", -11), 0)}, txc.CodeRefused, "ten=10"},
		{"add above max is refused", []engine.Op{high(add("ten", 1), 10)}, txc.CodeRefused, "ten=10"},
		{"min counts where the key is absent", []engine.Op{low(add("k", 1), 2)}, txc.CodeRefused, "k=-"},
		{"add beyond the greatest integer is refused", []engine.Op{add("most", 1)}, txc.CodeRefused, ""},
		{"add beyond the least integer is refused", []engine.Op{add("least", -1)}, txc.CodeRefused, ""},
		{"the least integer itself can be reached", []engine.Op{put("k", "-1"), add("k", math.MinInt64+1)}, "", "k=-9223372036854775808"},
		{"check of presence holds", []engine.Op{exists("ten"), put("k", "v")}, "", "k=v"},
		{"check of presence fails", []engine.Op{put("k", "v"), exists("no")}, txc.CodeRefused, "k=-"},
		{"check of absence fails", []engine.Op{missing("ten"), put("k", "v")}, txc.CodeRefused, "k=-"},
		{"check of a value fails", []engine.Op{valued("ten", "11"), put("k", "v")}, txc.CodeRefused, "k=-"},
		{"an empty value is not an absent one", []engine.Op{put("k", ""), missing("k")}, txc.CodeRefused, "k=-"},
		{"what is read comes back", []engine.Op{get("ten"), put("k", "v"), get("k"), get("no"), del("k"), get("k")}, "", "0 ten=10, 2 k=v, 3 no=-, 5 k=-"},
	}
	for i, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			s.apply(tx{seq: 1, age: 1}, before...)
			x := tx{seq: uint64(i) + 2, age: 2}
			n := s.prepare(x, r.ops...)
			s.sync()
			if r.no != "" {
				s.refused(n, r.no)
			} else if v := s.vote(n); v.Vote != txc.Yes {
				t.Fatalf("vote %v %v", v.Vote, v.Reason)
			}
			read := shownResults(t, s.vote(n).Results)
			s.commit(x)
			s.flush()
			if key, value, one := strings.Cut(r.want, "="); one && !strings.Contains(r.want, " ") {
				read = key + "=" + s.value(key)
				r.want = key + "=" + value
			}
			if r.want != "" && read != r.want {
				t.Errorf("got %s, want %s", read, r.want)
			}
		})
	}
}

func shownResults(t *testing.T, b []byte) string {
	t.Helper()
	results, err := engine.DecodeResults(b)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range results {
		v := "-"
		if r.Found {
			v = string(r.Value)
		}
		all = append(all, fmt.Sprintf("%d %s=%s", r.Op, r.Key, v))
	}
	return strings.Join(all, ", ")
}

func TestBadWorkIsRefused(t *testing.T) {
	key, value := strings.Repeat("k", engine.MaxKey), strings.Repeat("v", engine.MaxValue)
	fine := work(t, put(key, value))
	rows := []struct {
		says string
		work []byte
	}{
		{"nothing", nil},
		{"no operations", []byte{0x0a, 0}},
		{"another kind of work", []byte{0x12, 0}},
		{"two lists", append(append([]byte{}, fine...), fine...)},
		{"an operation without a kind", []byte{0x0a, 2, 0x0a, 0}},
		{"an operation of a newer kind", []byte{0x0a, 4, 0x0a, 2, 0x32, 0}},
		{"two operations in one", []byte{0x0a, 12, 0x0a, 10, 0x12, 3, 0x0a, 1, 'k', 0x1a, 3, 0x0a, 1, 'k'}},
		{"an unknown field of an operation", []byte{0x0a, 9, 0x0a, 7, 0x12, 5, 0x0a, 1, 'k', 0x10, 1}},
		{"a field twice", []byte{0x0a, 10, 0x0a, 8, 0x12, 6, 0x0a, 1, 'k', 0x0a, 1, 'k'}},
		{"no key", []byte{0x0a, 4, 0x0a, 2, 0x12, 0}},
		{"cut off", fine[:len(fine)-1]},
		{"larger than a branch may be", make([]byte, txc.MaxWork+1)},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			s.refused(s.ask(1, tx{seq: 1, age: 1}, r.work, nil), txc.CodeBadWork)
		})
	}
	for says, op := range map[string]engine.Op{
		"key too long": put(key+"k", "v"), "value too long": put("k", value+"v"), "no key at all": put("", "v"),
		"a value of what must not exist": {Kind: engine.Check, Key: []byte("k"), HasValue: true},
	} {
		if _, err := engine.EncodeWork([]engine.Op{op}); err == nil {
			t.Errorf("%s: encoded", says)
		}
	}
	if _, err := engine.EncodeWork(make([]engine.Op, engine.MaxOps+1)); err == nil {
		t.Error("too many operations: encoded")
	}
}

func TestValuesReadAreBounded(t *testing.T) {
	s := open(t, newDisk())
	big := strings.Repeat("v", txc.MaxBranchRes/2)
	s.apply(tx{seq: 1, age: 1}, put("a", big), put("b", big))
	s.refused(s.prepare(tx{seq: 2, age: 2}, get("a"), get("b")), txc.CodeBadWork)
}

func TestWhateverCanBeWrittenCanBeRead(t *testing.T) {
	key, value := strings.Repeat("k", engine.MaxKey), strings.Repeat("v", engine.MaxValue)
	s := open(t, newDisk())
	s.apply(tx{seq: 1, age: 1}, put(key, value))
	n := s.prepare(tx{seq: 2, age: 2}, get(key))
	s.sync()
	if v := s.vote(n); v.Vote != txc.Held || shownResults(t, v.Results) != "0 "+key+"="+value {
		t.Errorf("vote %v, %v, with %d bytes of results", v.Vote, v.Reason, len(v.Results))
	}
}

// The largest work that a branch can bring is promised and committed in one step of the store each.
func TestLargestBranchFitsOneBatch(t *testing.T) {
	ops := make([]engine.Op, engine.MaxOps)
	for i := range ops {
		ops[i] = put(fmt.Sprintf("%04d%s", i, strings.Repeat("k", 40)), "0123456789")
	}
	for name, ops := range map[string][]engine.Op{"many small": ops, "few large": {
		put("a", strings.Repeat("v", engine.MaxValue)), put("b", strings.Repeat("v", engine.MaxValue)),
		put("c", strings.Repeat("v", engine.MaxValue)), put("d", strings.Repeat("v", engine.MaxValue-200)),
	}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, newDisk())
			s.prepare(tx{seq: 1, age: 1}, ops...)
			for range 2 {
				bytes := 0
				for _, p := range s.batch.Pairs {
					bytes += len(p.Key) + len(p.Value)
				}
				if bytes > engine.MaxBatchBytes || len(s.batch.Pairs) > engine.MaxBatchPairs+2 {
					t.Errorf("batch of %d bytes, %d pairs", bytes, len(s.batch.Pairs))
				}
				s.sync()
				s.commit(tx{seq: 1, age: 1})
			}
		})
	}
}
