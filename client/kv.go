package client

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Raw is work that is encoded already: a serialized txc.v1.Work.
type Raw []byte

// MarshalWork returns the bytes.
func (r Raw) MarshalWork() ([]byte, error) { return r, nil }

// Op is one operation of a key-value participant. Keys have at most 1 KiB, values 64 KiB.
type Op struct{ pb *txcpb.KvOp }

// Put sets a key.
func Put(key string, value []byte) Op {
	return Op{&txcpb.KvOp{Op: &txcpb.KvOp_Put_{Put: &txcpb.KvOp_Put{Key: []byte(key), Value: value}}}}
}

// Delete removes a key, if it is there.
func Delete(key string) Op {
	return Op{&txcpb.KvOp{Op: &txcpb.KvOp_Delete_{Delete: &txcpb.KvOp_Delete{Key: []byte(key)}}}}
}

// Get reads a key; its value comes back with the outcome (Result.Read).
func Get(key string) Op {
	return Op{&txcpb.KvOp{Op: &txcpb.KvOp_Get_{Get: &txcpb.KvOp_Get{Key: []byte(key)}}}}
}

// Add adds to an integer in decimal text; an absent key is 0. Overflow aborts the transaction.
func Add(key string, by int64) Sum {
	return Sum{Op{&txcpb.KvOp{Op: &txcpb.KvOp_Add_{Add: &txcpb.KvOp_Add{Key: []byte(key), By: by}}}}}
}

// Sum is an Add, which can be bounded.
type Sum struct{ Op }

// AtLeast aborts the transaction where the sum would be less.
func (s Sum) AtLeast(limit int64) Sum {
	s = s.clone()
	s.pb.GetAdd().Min = proto.Int64(limit)
	return s
}

// AtMost aborts the transaction where the sum would be more.
func (s Sum) AtMost(limit int64) Sum {
	s = s.clone()
	s.pb.GetAdd().Max = proto.Int64(limit)
	return s
}

func (s Sum) clone() Sum { return Sum{Op{proto.CloneOf(s.pb)}} }

// CheckExists aborts the transaction unless the key is there, or is not.
func CheckExists(key string, exists bool) Op {
	return Op{&txcpb.KvOp{Op: &txcpb.KvOp_Check_{Check: &txcpb.KvOp_Check{Key: []byte(key), Exists: exists}}}}
}

// CheckValue aborts the transaction unless the key has this value.
func CheckValue(key string, value []byte) Op {
	if value == nil {
		value = []byte{} // absent would mean: any
	}
	return Op{&txcpb.KvOp{Op: &txcpb.KvOp_Check_{Check: &txcpb.KvOp_Check{Key: []byte(key), Exists: true, Value: value}}}}
}

func (o Op) op() *txcpb.KvOp { return o.pb }

// Operation is an Op or a Sum.
type Operation interface{ op() *txcpb.KvOp }

// KV is work for a key-value participant: operations in order, of which later ones see earlier ones.
func KV(ops ...Operation) Work { return kvWork(ops) }

type kvWork []Operation

func (w kvWork) MarshalWork() ([]byte, error) {
	work := &txcpb.KvWork{}
	for _, o := range w {
		work.Ops = append(work.Ops, o.op())
	}
	return marshal(&txcpb.Work{Kind: &txcpb.Work_Kv{Kv: work}})
}

// marshal gives the same bytes each time: a key is bound to a digest of them.
func marshal(w *txcpb.Work) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	}
	return b, nil
}
