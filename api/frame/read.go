package frame

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// fields walks over the fields of one message. The first thing that is wrong ends the walk and stays in err.
//
//	for f.next() {
//		switch f.num {
//		case 1: x.Key = f.text(txc.MaxKey)
//		}
//	}
//	return f.err
//
// A number that no case names is skipped: a later version's field.
type fields struct {
	b    []byte
	num  protowire.Number
	typ  protowire.Type
	u    uint64 // value of a varint, fixed32 or fixed64
	v    []byte // value of bytes; aliases b
	once uint64 // numbers below 64 that single() has seen
	err  error
}

func (f *fields) next() bool {
	if f.err != nil || len(f.b) == 0 {
		return false
	}
	num, typ, n := protowire.ConsumeTag(f.b)
	if n < 0 {
		f.err = protowire.ParseError(n)
		return false
	}
	if num > protowire.MaxValidNumber {
		f.err = fmt.Errorf("field number %d", num)
		return false
	}
	f.num, f.typ, f.b = num, typ, f.b[n:]
	switch typ {
	case protowire.VarintType:
		f.u, n = protowire.ConsumeVarint(f.b)
	case protowire.Fixed64Type:
		f.u, n = protowire.ConsumeFixed64(f.b)
	case protowire.BytesType:
		f.v, n = protowire.ConsumeBytes(f.b)
	default:
		n = protowire.ConsumeFieldValue(num, typ, f.b)
	}
	if n < 0 {
		f.err = protowire.ParseError(n)
		return false
	}
	f.b = f.b[n:]
	return true
}

// verdict is the error of a whole frame.
func (f *fields) verdict(met bool) error {
	switch {
	case errors.Is(f.err, ErrDisagree):
		return f.err
	case f.err != nil:
		return fmt.Errorf("%w: frame: %w", txc.ErrInvalid, f.err)
	case !met:
		return wrong("no hello at the beginning of a stream")
	}
	return nil
}

func (f *fields) fail(format string, a ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("field %d: "+format, append([]any{f.num}, a...)...)
	}
}

func (f *fields) want(typ protowire.Type) bool {
	if f.typ != typ {
		f.fail("wire type %d where %d belongs", f.typ, typ)
	}
	return f.err == nil
}

// single refuses a second value of a field: protobuf would merge the two.
func (f *fields) single() {
	if f.once>>f.num&1 == 1 {
		f.fail("said twice")
	}
	f.once |= 1 << f.num
}

func (f *fields) uint64() uint64 {
	if !f.want(protowire.VarintType) {
		return 0
	}
	return f.u
}

func (f *fields) uint32() uint32 { return uint32(f.uint64()) }
func (f *fields) bool() bool     { return f.uint64() != 0 }

// enum gives zero, the careful value, for what is above the highest known.
func (f *fields) enum(highest uint8) uint8 {
	if v := int32(f.uint64()); v > 0 && v <= int32(highest) {
		return uint8(v)
	}
	return 0
}

func (f *fields) fixed64() uint64 {
	if !f.want(protowire.Fixed64Type) {
		return 0
	}
	return f.u
}

// bytes aliases the frame.
func (f *fields) bytes(limit int) []byte {
	switch {
	case !f.want(protowire.BytesType):
		return nil
	case len(f.v) > limit:
		f.fail("%d bytes, at most %d", len(f.v), limit)
		return nil
	}
	return f.v[:len(f.v):len(f.v)]
}

// message enters an inner message.
func (f *fields) message() fields {
	f.single()
	return f.element()
}

// element enters one of several inner messages of the same number.
func (f *fields) element() fields {
	if !f.want(protowire.BytesType) {
		return fields{err: f.err}
	}
	return fields{b: f.v}
}

// leave takes over what went wrong inside.
func (f *fields) leave(inner *fields) {
	if inner.err != nil {
		f.fail("%w", inner.err)
	}
}

func (f *fields) raw(limit int) []byte {
	b := f.bytes(limit)
	if !utf8.Valid(b) {
		f.fail("not UTF-8")
		return nil
	}
	return b
}

func (f *fields) text(limit int) string { return string(f.raw(limit)) }

// cutText takes a text for people of any length, and keeps what is allowed.
func (f *fields) cutText() string { return cut(string(f.raw(MaxFrame)), MaxText) }

func (f *fields) id() txc.ID {
	b := f.raw(64)
	if f.err != nil || len(b) == 0 {
		return txc.ID{}
	}
	id, err := txc.ParseID(string(b))
	if err != nil {
		f.fail("%w", err)
	}
	return id
}

func (f *fields) instance() (id [16]byte) {
	if b := f.bytes(16); len(b) == 16 {
		copy(id[:], b)
	} else if f.err == nil && len(b) > 0 {
		f.fail("an identity of %d bytes, 16 expected", len(b))
	}
	return id
}

func (f *fields) seen(near Opening) protocol.Seen {
	in := f.element()
	s := protocol.Seen{}
	for in.next() {
		switch in.num {
		case 1:
			s.Coordinator = in.uint32()
		case 2:
			s.Epoch = in.uint32()
		case 3:
			s.LSN = in.uint64()
		case 4:
			s.Mark = in.fixed64()
		}
	}
	f.leave(&in)
	if s.Coordinator == 0 && s.Epoch == 0 && s.Mark == 0 {
		s.Epoch, s.Mark = near.Epoch, near.Mark
	}
	if s.Coordinator == 0 {
		s.Coordinator = near.Coordinator
	}
	return s
}
