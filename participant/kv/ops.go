package kv

import (
	"github.com/txc-dev/txc/participant/kv/engine"
)

// Op is one operation of a branch. Keys have 1 to engine.MaxKey bytes, values at most engine.MaxValue.
type Op struct{ op engine.Op }

// Put sets a value.
func Put(key, value string) Op {
	return Op{engine.Op{Kind: engine.Put, Key: []byte(key), Value: []byte(value)}}
}

// Delete removes a key, present or not.
func Delete(key string) Op { return Op{engine.Op{Kind: engine.Delete, Key: []byte(key)}} }

// Get reads a value; it comes back with the outcome.
func Get(key string) Op { return Op{engine.Op{Kind: engine.Get, Key: []byte(key)}} }

// Add adds to an integer that is kept as decimal text; an absent one is 0. The branch votes No where the value is not an
// integer, where the sum overflows 64 bits, and where it leaves the bounds that Min and Max set.
func Add(key string, by int64) Op {
	return Op{engine.Op{Kind: engine.Add, Key: []byte(key), By: by}}
}

// Min has an Add vote No where the sum is below n.
func (o Op) Min(n int64) Op {
	o.op.Min, o.op.HasMin = n, true
	return o
}

// Max has an Add vote No where the sum is above n.
func (o Op) Max(n int64) Op {
	o.op.Max, o.op.HasMax = n, true
	return o
}

// Exists votes No unless the key is present.
func Exists(key string) Op {
	return Op{engine.Op{Kind: engine.Check, Key: []byte(key), Exists: true}}
}

// Missing votes No unless the key is absent.
func Missing(key string) Op { return Op{engine.Op{Kind: engine.Check, Key: []byte(key)}} }

// Equals votes No unless the key has this value.
func Equals(key, value string) Op {
	return Op{engine.Op{Kind: engine.Check, Key: []byte(key), Exists: true, HasValue: true, Value: []byte(value)}}
}

// Work is a branch's operations, in order: what a client enlists.
type Work struct{ ops []engine.Op }

// Ops makes work of operations. They run in order, and later ones see what earlier ones did.
func Ops(ops ...Op) Work {
	w := Work{ops: make([]engine.Op, len(ops))}
	for i := range ops {
		w.ops[i] = ops[i].op
	}
	return w
}

// MarshalWork encodes it as a txc.v1.Work. The error wraps txc.ErrInvalid: a key, a value or the whole is outside its
// limits.
func (w Work) MarshalWork() ([]byte, error) { return engine.EncodeWork(w.ops) }

// Result is what one Get saw.
type Result struct {
	Op    int // its place among the operations, from 0
	Key   string
	Value string
	Found bool
}

// Results decodes the results of a branch. The error wraps txc.ErrInvalid.
func Results(b []byte) ([]Result, error) {
	raw, err := engine.DecodeResults(b)
	if err != nil {
		return nil, err
	}
	all := make([]Result, len(raw))
	for i, r := range raw {
		all[i] = Result{Op: int(r.Op), Key: string(r.Key), Value: string(r.Value), Found: r.Found}
	}
	return all, nil
}
