package engine

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// cursor walks the fields of one protobuf message. After next has returned true, num and typ tell the field, and u or
// v hold its value: u of a number, v of bytes (a view of the input).
type cursor struct {
	rest []byte
	num  protowire.Number
	typ  protowire.Type
	u    uint64
	v    []byte
	err  error
}

func (c *cursor) next() bool {
	if c.err != nil || len(c.rest) == 0 {
		return false
	}
	num, typ, n := protowire.ConsumeTag(c.rest)
	if n < 0 {
		return c.broken(protowire.ParseError(n))
	}
	c.rest = c.rest[n:]
	c.num, c.typ, c.u, c.v = num, typ, 0, nil
	switch typ {
	case protowire.VarintType:
		c.u, n = protowire.ConsumeVarint(c.rest)
	case protowire.Fixed64Type:
		c.u, n = protowire.ConsumeFixed64(c.rest)
	case protowire.BytesType:
		c.v, n = protowire.ConsumeBytes(c.rest)
	default:
		n = protowire.ConsumeFieldValue(num, typ, c.rest)
	}
	if n < 0 {
		return c.broken(protowire.ParseError(n))
	}
	c.rest = c.rest[n:]
	return true
}

func (c *cursor) broken(err error) bool {
	c.err = fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	return false
}

func (c *cursor) is(num protowire.Number, typ protowire.Type) bool {
	return c.num == num && c.typ == typ
}

func putBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func putString(b []byte, num protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func putUint(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func putFixed(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), v)
}

func sizeBytes(num protowire.Number, n int) int {
	return protowire.SizeTag(num) + protowire.SizeBytes(n)
}
