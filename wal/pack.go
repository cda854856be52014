package wal

import (
	"encoding/binary"
	"errors"
	"time"
)

// Bodies are packed by hand: unsigned numbers as varints of the shortest form, times as microseconds, strings and
// bytes with their length before them, lists with their count before them. There is one encoding of a record only, so
// equal records have equal bytes.

var errTorn = errors.New("wrong length")

func putString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func putBytes(b, s []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func putTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, t.UnixMicro()) }

// unpacker takes a record apart. After the first error every further read gives zero values, so a decoder checks once.
type unpacker struct {
	rest []byte
	err  error
}

func (u *unpacker) fail() {
	if u.err == nil {
		u.err = errTorn
	}
	u.rest = nil
}

// number reads a varint of the shortest form.
func (u *unpacker) number() uint64 {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 || n > 1 && u.rest[n-1] == 0 {
		u.fail()
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) number32() uint32 {
	v := u.number()
	if v>>32 != 0 {
		u.fail()
		return 0
	}
	return uint32(v)
}

func (u *unpacker) signed() int64 {
	v := u.number()
	return int64(v>>1) ^ -int64(v&1)
}

func (u *unpacker) time() time.Time { return time.UnixMicro(u.signed()).UTC() }

func (u *unpacker) byte() byte { // one byte
	if len(u.rest) == 0 {
		u.fail()
		return 0
	}
	v := u.rest[0]
	u.rest = u.rest[1:]
	return v
}

func (u *unpacker) bool() bool {
	v := u.byte()
	if v > 1 {
		u.fail()
	}
	return v == 1
}

// take gives n bytes that still belong to the input.
func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.fail()
		return nil
	}
	v := u.rest[:n]
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) string() string { return string(u.take(u.number())) }

// bytes gives a copy; nothing is nil.
func (u *unpacker) bytes() []byte {
	v := u.take(u.number())
	if len(v) == 0 {
		return nil
	}
	return append([]byte(nil), v...)
}

func (u *unpacker) array(to []byte) { copy(to, u.take(uint64(len(to)))) }

// count reads how many elements follow, each of at least one byte: a wrong count cannot make a large allocation.
func (u *unpacker) count(limit int) int {
	n := u.number()
	if n > uint64(limit) || n > uint64(len(u.rest)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) strings(limit int) []string {
	n := u.count(limit)
	if n == 0 {
		return nil
	}
	all := make([]string, n)
	for i := range all {
		all[i] = u.string()
	}
	return all
}

func putStrings(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = putString(b, s)
	}
	return b
}
