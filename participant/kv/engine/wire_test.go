package engine_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// generated turns operations into the generated message.
func generated(ops []engine.Op) *txcpb.Work {
	kv := &txcpb.KvWork{}
	for _, o := range ops {
		op := &txcpb.KvOp{}
		switch o.Kind {
		case engine.Put:
			op.Op = &txcpb.KvOp_Put_{Put: &txcpb.KvOp_Put{Key: o.Key, Value: o.Value}}
		case engine.Delete:
			op.Op = &txcpb.KvOp_Delete_{Delete: &txcpb.KvOp_Delete{Key: o.Key}}
		case engine.Get:
			op.Op = &txcpb.KvOp_Get_{Get: &txcpb.KvOp_Get{Key: o.Key}}
		case engine.Add:
			a := &txcpb.KvOp_Add{Key: o.Key, By: o.By}
			if o.HasMin {
				a.Min = proto.Int64(o.Min)
			}
			if o.HasMax {
				a.Max = proto.Int64(o.Max)
			}
			op.Op = &txcpb.KvOp_Add_{Add: a}
		case engine.Check:
			c := &txcpb.KvOp_Check{Key: o.Key, Exists: o.Exists}
			if o.HasValue {
				c.Value = append([]byte{}, o.Value...)
			}
			op.Op = &txcpb.KvOp_Check_{Check: c}
		}
		kv.Ops = append(kv.Ops, op)
	}
	return &txcpb.Work{Kind: &txcpb.Work_Kv{Kv: kv}}
}

// plain turns a generated message into operations; ok is false where the store takes it for another reason than its
// wire form.
func plain(w *txcpb.Work) (ops []engine.Op, ok bool) {
	if w.GetKv() == nil || len(w.ProtoReflect().GetUnknown())+len(w.GetKv().ProtoReflect().GetUnknown()) > 0 {
		return nil, false
	}
	for _, p := range w.GetKv().Ops {
		var o engine.Op
		var inner proto.Message
		switch k := p.Op.(type) {
		case *txcpb.KvOp_Put_:
			o, inner = engine.Op{Kind: engine.Put, Key: k.Put.Key, Value: k.Put.Value}, k.Put
		case *txcpb.KvOp_Delete_:
			o, inner = engine.Op{Kind: engine.Delete, Key: k.Delete.Key}, k.Delete
		case *txcpb.KvOp_Get_:
			o, inner = engine.Op{Kind: engine.Get, Key: k.Get.Key}, k.Get
		case *txcpb.KvOp_Add_:
			o, inner = engine.Op{Kind: engine.Add, Key: k.Add.Key, By: k.Add.By, Min: k.Add.GetMin(), Max: k.Add.GetMax(),
				HasMin: k.Add.Min != nil, HasMax: k.Add.Max != nil}, k.Add
		case *txcpb.KvOp_Check_:
			o, inner = engine.Op{Kind: engine.Check, Key: k.Check.Key, Exists: k.Check.Exists, Value: k.Check.Value, HasValue: k.Check.Value != nil}, k.Check
		default:
			return nil, false
		}
		if o.Valid() != nil || len(p.ProtoReflect().GetUnknown())+len(inner.ProtoReflect().GetUnknown()) > 0 {
			return nil, false
		}
		ops = append(ops, o)
	}
	return ops, len(ops) > 0 && len(ops) <= engine.MaxOps
}

func same(a, b []engine.Op) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if !bytes.Equal(x.Key, y.Key) || !bytes.Equal(x.Value, y.Value) {
			return false
		}
		x.Key, x.Value, y.Key, y.Value = nil, nil, nil, nil
		if x.Kind != y.Kind || x.By != y.By || x.Min != y.Min || x.Max != y.Max || x.HasMin != y.HasMin || x.HasMax != y.HasMax ||
			x.Exists != y.Exists || x.HasValue != y.HasValue {
			return false
		}
	}
	return true
}

var everyOp = []engine.Op{
	put("k", "v"), put("e", ""), del("k"), get("\xff\x00"), add("n", 0), add("n", -5), low(high(add("n", 1<<62), 9), -9), low(add("n", 1), 0),
	exists("k"), missing("k"), valued("k", "v"), valued("k", ""),
}

// FuzzWork: what the store reads, the generated code reads as the same; and the other way round, wherever the message
// is one that an encoder writes.
func FuzzWork(f *testing.F) {
	for i := range everyOp {
		f.Add(work(f, everyOp[i]))
	}
	f.Add(work(f, everyOp...))
	f.Add([]byte{0x0a, 9, 0x0a, 7, 0x12, 5, 0x0a, 1, 'k', 0x10, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		ops, err := engine.DecodeWork(b, nil)
		var w txcpb.Work
		errTheirs := proto.Unmarshal(b, &w)
		if err == nil {
			theirs, ok := plain(&w)
			if errTheirs != nil || !ok || !same(ops, theirs) {
				t.Fatalf("ours %v, theirs %v %v", ops, theirs, errTheirs)
			}
			again, err := engine.EncodeWork(ops)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := engine.DecodeWork(again, nil); err != nil || !same(ops, back) {
				t.Fatalf("round trip: %v, %v", back, err)
			}
		}
		if errTheirs != nil {
			return
		}
		if theirs, ok := plain(&w); ok {
			canonical, err := proto.Marshal(&w)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := engine.DecodeWork(canonical, nil); err != nil || !same(theirs, back) {
				t.Fatalf("what generated code wrote: %v, %v", back, err)
			}
		}
	})
}

// The bytes are those that the generated code writes.
func TestWorkIsWhatGeneratedCodeWrites(t *testing.T) {
	for i := range everyOp {
		ours := work(t, everyOp[i])
		theirs, err := proto.MarshalOptions{Deterministic: true}.Marshal(generated(everyOp[i : i+1]))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("operation %d: %x, generated %x", i, ours, theirs)
		}
	}
}

func FuzzResults(f *testing.F) {
	f.Add(engine.EncodeResults([]engine.Result{{Op: 3, Kind: "get", Key: []byte("k"), Found: true, Value: []byte("v")}, {Kind: "get", Key: []byte{}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, err := engine.DecodeResults(b)
		var theirs txcpb.Results
		if proto.Unmarshal(b, &theirs) != nil || err != nil {
			return // one of the two is stricter about what neither of them writes
		}
		if len(ours) != len(theirs.Items) {
			t.Fatalf("ours %v, theirs %v", ours, theirs.Items)
		}
		for i, r := range ours {
			o := theirs.Items[i]
			if r.Op != o.Op || r.Kind != o.Kind || !bytes.Equal(r.Key, o.Key) || r.Found != o.Found || !bytes.Equal(r.Value, o.Value) {
				t.Fatalf("result %d: ours %v, theirs %v", i, r, o)
			}
		}
		back, err := engine.DecodeResults(engine.EncodeResults(ours))
		if err != nil || len(back) != len(ours) {
			t.Fatalf("round trip: %v, %v", back, err)
		}
	})
}
