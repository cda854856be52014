package engine

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// Limits of one branch's work. Together they keep what a commit has to write far below what the store takes in one
// step, so that a promise can always be kept.
const (
	MaxKey   = 1 << 10  // bytes of a key; at least one
	MaxValue = 64 << 10 // bytes of a value
	MaxOps   = 4096     // operations of one branch
)

// Kind says what an operation does.
type Kind uint8

// The kinds. Their numbers are the fields of txc.v1.KvOp.
const (
	Put    Kind = iota + 1 // sets a value
	Delete                 // removes a key, present or not
	Get                    // reads a value; it comes back with the vote
	Add                    // adds to an integer in decimal text; an absent one is 0
	Check                  // votes No unless the key is as expected
)

// Op is one operation. Key and Value are views of the decoded work.
type Op struct {
	Kind           Kind
	Key            []byte
	Value          []byte // Put; Check if HasValue
	By, Min, Max   int64  // Add
	HasMin, HasMax bool   // Add
	Exists         bool   // Check
	HasValue       bool   // Check
}

// Valid tells what is wrong with an operation; the error wraps txc.ErrInvalid.
func (o *Op) Valid() error {
	switch {
	case o.Kind < Put || o.Kind > Check:
		return fmt.Errorf("%w: unknown operation", txc.ErrInvalid)
	case len(o.Key) == 0 || len(o.Key) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes: use 1 to %d", txc.ErrInvalid, len(o.Key), MaxKey)
	case len(o.Value) > MaxValue:
		return fmt.Errorf("%w: value of %d bytes under %q: at most %d", txc.ErrInvalid, len(o.Value), shown(o.Key), MaxValue)
	case o.HasValue && !o.Exists:
		return fmt.Errorf("%w: check of %q expects a value of a key that must not exist", txc.ErrInvalid, shown(o.Key))
	}
	return nil
}

// EncodeWork writes operations as a txc.v1.Work. The error wraps txc.ErrInvalid: an operation or the whole is outside
// the limits.
func EncodeWork(ops []Op) ([]byte, error) {
	if len(ops) == 0 || len(ops) > MaxOps {
		return nil, fmt.Errorf("%w: %d operations: use 1 to %d", txc.ErrInvalid, len(ops), MaxOps)
	}
	var list, one, inner []byte
	for i := range ops {
		if err := ops[i].Valid(); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
		inner = appendOp(inner[:0], &ops[i])
		one = putBytes(one[:0], protowire.Number(ops[i].Kind), inner)
		list = putBytes(list, 1, one)
	}
	work := putBytes(nil, 1, list)
	if len(work) > txc.MaxWork {
		return nil, fmt.Errorf("%w: work of %d bytes: at most %d", txc.ErrInvalid, len(work), txc.MaxWork)
	}
	return work, nil
}

func appendOp(b []byte, o *Op) []byte {
	b = putBytes(b, 1, o.Key)
	switch o.Kind {
	case Put:
		if len(o.Value) > 0 {
			b = putBytes(b, 2, o.Value)
		}
	case Add:
		if o.By != 0 {
			b = putUint(b, 2, protowire.EncodeZigZag(o.By))
		}
		if o.HasMin {
			b = putUint(b, 3, protowire.EncodeZigZag(o.Min))
		}
		if o.HasMax {
			b = putUint(b, 4, protowire.EncodeZigZag(o.Max))
		}
	case Check:
		if o.Exists {
			b = putUint(b, 2, 1)
		}
		if o.HasValue {
			b = putBytes(b, 3, o.Value)
		}
	}
	return b
}

// DecodeWork reads a txc.v1.Work into ops, which it returns extended. Whatever it does not know is an error: a newer
// client may have meant a condition by it. The error wraps txc.ErrInvalid.
func DecodeWork(work []byte, ops []Op) ([]Op, error) {
	if len(work) > txc.MaxWork {
		return ops, fmt.Errorf("%w: work of %d bytes: at most %d", txc.ErrInvalid, len(work), txc.MaxWork)
	}
	c := cursor{rest: work}
	var list []byte
	seen := false
	for c.next() {
		if !c.is(1, protowire.BytesType) || seen {
			return ops, fmt.Errorf("%w: not work for a key-value participant", txc.ErrInvalid)
		}
		list, seen = c.v, true
	}
	if c.err != nil {
		return ops, c.err
	}
	return decodeOps(list, ops)
}

func decodeOps(list []byte, ops []Op) ([]Op, error) {
	first := len(ops)
	c := cursor{rest: list}
	for c.next() {
		if !c.is(1, protowire.BytesType) {
			return ops, fmt.Errorf("%w: unknown field %d", txc.ErrInvalid, c.num)
		}
		if len(ops)-first == MaxOps {
			return ops, fmt.Errorf("%w: more than %d operations", txc.ErrInvalid, MaxOps)
		}
		op, err := decodeOp(c.v)
		if err != nil {
			return ops, fmt.Errorf("operation %d: %w", len(ops)-first, err)
		}
		ops = append(ops, op)
	}
	if c.err == nil && len(ops) == first {
		return ops, fmt.Errorf("%w: no operations", txc.ErrInvalid)
	}
	return ops, c.err
}

func decodeOp(b []byte) (Op, error) {
	var op Op
	c := cursor{rest: b}
	var body []byte
	for c.next() {
		if c.typ != protowire.BytesType || c.num > protowire.Number(Check) || op.Kind != 0 {
			return op, fmt.Errorf("%w: unknown operation, or several in one", txc.ErrInvalid)
		}
		op.Kind, body = Kind(c.num), c.v
	}
	if c.err != nil {
		return op, c.err
	}
	return op, decodeBody(&op, body)
}

// decodeBody reads the fields of one kind of operation, each at most once.
func decodeBody(op *Op, body []byte) error {
	c := cursor{rest: body}
	var seen uint8
	for c.next() {
		once := uint8(1) << min(c.num, 7)
		if seen&once != 0 || !op.take(&c) {
			return fmt.Errorf("%w: unknown or repeated field %d", txc.ErrInvalid, c.num)
		}
		seen |= once
	}
	if c.err != nil {
		return c.err
	}
	return op.Valid()
}

// take sets what one field says; false if this kind of operation has no such field.
func (o *Op) take(c *cursor) bool {
	number := c.typ == protowire.VarintType
	switch {
	case c.is(1, protowire.BytesType):
		o.Key = c.v
	case o.Kind == Put && c.is(2, protowire.BytesType):
		o.Value = c.v
	case o.Kind == Add && number && c.num == 2:
		o.By = protowire.DecodeZigZag(c.u)
	case o.Kind == Add && number && c.num == 3:
		o.Min, o.HasMin = protowire.DecodeZigZag(c.u), true
	case o.Kind == Add && number && c.num == 4:
		o.Max, o.HasMax = protowire.DecodeZigZag(c.u), true
	case o.Kind == Check && number && c.num == 2:
		o.Exists = protowire.DecodeBool(c.u)
	case o.Kind == Check && c.is(3, protowire.BytesType):
		o.Value, o.HasValue = c.v, true
	default:
		return false
	}
	return true
}

// shown is as much of a key as a message for people bears.
func shown(key []byte) []byte { return key[:min(len(key), 64)] }
