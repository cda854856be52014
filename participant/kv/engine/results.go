package engine

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// Result is what one reading operation saw.
type Result struct {
	Op    uint32 // index in the work
	Kind  string // "get"
	Key   []byte
	Found bool
	Value []byte // where Found
}

// kindGet is how a Get is called in results.
const kindGet = "get"

// appendResult writes one item of a txc.v1.Results.
func appendResult(b []byte, r Result) []byte {
	n := sizeBytes(2, len(r.Kind)) + sizeBytes(3, len(r.Key))
	if r.Op > 0 {
		n += protowire.SizeTag(1) + protowire.SizeVarint(uint64(r.Op))
	}
	if r.Found {
		n += protowire.SizeTag(4) + 1
		if len(r.Value) > 0 {
			n += sizeBytes(5, len(r.Value))
		}
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.BytesType), uint64(n))
	if r.Op > 0 {
		b = putUint(b, 1, uint64(r.Op))
	}
	b = putString(b, 2, r.Kind)
	b = putBytes(b, 3, r.Key)
	if r.Found {
		b = putUint(b, 4, 1)
		if len(r.Value) > 0 {
			b = putBytes(b, 5, r.Value)
		}
	}
	return b
}

// EncodeResults writes a txc.v1.Results.
func EncodeResults(results []Result) []byte {
	var b []byte
	for _, r := range results {
		b = appendResult(b, r)
	}
	return b
}

// DecodeResults reads a txc.v1.Results; fields of other kinds of results are skipped. Keys and values are views of b.
// The error wraps txc.ErrInvalid.
func DecodeResults(b []byte) ([]Result, error) {
	var all []Result
	c := cursor{rest: b}
	for c.next() {
		if !c.is(1, protowire.BytesType) {
			continue
		}
		r, err := decodeResult(c.v)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, c.err
}

func decodeResult(b []byte) (Result, error) {
	var r Result
	c := cursor{rest: b}
	for c.next() {
		switch {
		case c.is(1, protowire.VarintType):
			if c.u > math.MaxUint32 {
				return r, fmt.Errorf("%w: operation number %d", txc.ErrInvalid, c.u)
			}
			r.Op = uint32(c.u)
		case c.is(2, protowire.BytesType):
			r.Kind = string(c.v)
		case c.is(3, protowire.BytesType):
			r.Key = c.v
		case c.is(4, protowire.VarintType):
			r.Found = protowire.DecodeBool(c.u)
		case c.is(5, protowire.BytesType):
			r.Value = c.v
		}
	}
	return r, c.err
}
