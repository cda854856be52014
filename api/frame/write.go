package frame

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// The writers below append one field each and, as proto3 has it, nothing for a zero value.

func appendUint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendBool(b []byte, num protowire.Number, v bool) []byte {
	return appendUint(b, num, protowire.EncodeBool(v))
}

func appendFixed(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), v)
}

func appendString(b []byte, num protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

// appendPresent writes the bytes even where there are none: their presence means something.
func appendPresent(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendID(b []byte, num protowire.Number, id txc.ID) []byte {
	if id.IsZero() {
		return b
	}
	return appendString(b, num, id.String())
}

// open begins an inner message whose length is not known yet; shut ends it. One byte is kept for the length, which is
// enough for nearly all; a longer message is moved.
func open(b []byte, num protowire.Number) (out []byte, at int) {
	b = append(protowire.AppendTag(b, num, protowire.BytesType), 0)
	return b, len(b)
}

func shut(b []byte, at int) []byte {
	n := len(b) - at
	more := protowire.SizeVarint(uint64(n)) - 1
	if more > 0 {
		var room [maxVarint]byte
		b = append(b, room[:more]...)
		copy(b[at+more:], b[at:at+n])
	}
	protowire.AppendVarint(b[:at-1], uint64(n))
	return b
}

// CutText makes a text for people fit for the wire.
func CutText(s string) string { return cut(s, MaxText) }

// cut makes a text fit for the wire: valid UTF-8 of at most limit bytes.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func appendReason(b []byte, num protowire.Number, r txc.Reason) []byte {
	if r.IsZero() {
		return b
	}
	b, at := open(b, num)
	b = appendString(b, 1, cut(string(r.Code), MaxCode))
	b = appendString(b, 2, cut(r.Text, MaxText))
	b = appendString(b, 3, cut(r.Participant, txc.MaxParticipant))
	b = appendBool(b, 4, r.Retryable)
	return shut(b, at)
}

// appendSeen writes a witness, and leaves out what is the stream's own. One that names no opening is none.
func appendSeen(b []byte, num protowire.Number, s protocol.Seen, near Opening) []byte {
	if s.Coordinator == 0 || s.Epoch == 0 {
		return b
	}
	b, at := open(b, num)
	mine := s.Coordinator == near.Coordinator
	if !mine {
		b = appendUint(b, 1, uint64(s.Coordinator))
	}
	same := mine && s.Epoch == near.Epoch && s.Mark == near.Mark
	if !same {
		b = appendUint(b, 2, uint64(s.Epoch))
	}
	b = appendUint(b, 3, s.LSN)
	if !same {
		b = appendFixed(b, 4, s.Mark)
	}
	return shut(b, at)
}
