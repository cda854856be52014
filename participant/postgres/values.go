package postgres

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/txc-dev/txc/api/txcpb"
)

// encode writes arguments as the same literals would be in a statement: 5 is an integer, 5000000000 a bigint, 1.5 a numeric;
// text and null take the type that the statement has for them.
func encode(args []*txcpb.Value) (values [][]byte, types []uint32, formats []int16) {
	for _, a := range args {
		value, oid, format := literal(a)
		values, types, formats = append(values, value), append(types, oid), append(formats, format)
	}
	return values, types, formats
}

// The wire's formats.
const (
	asText   = 0
	asBinary = 1
)

func literal(v *txcpb.Value) (value []byte, oid uint32, format int16) {
	switch v := v.GetV().(type) {
	case *txcpb.Value_Boolean:
		return strconv.AppendBool(nil, v.Boolean), pgtype.BoolOID, asText
	case *txcpb.Value_Integer:
		oid = pgtype.Int4OID
		if v.Integer < math.MinInt32 || v.Integer > math.MaxInt32 {
			oid = pgtype.Int8OID
		}
		return strconv.AppendInt(nil, v.Integer, 10), oid, asText
	case *txcpb.Value_Number:
		return strconv.AppendFloat(nil, v.Number, 'g', -1, 64), pgtype.NumericOID, asText
	case *txcpb.Value_Text:
		return []byte(v.Text), 0, asText
	case *txcpb.Value_Binary:
		return append([]byte{}, v.Binary...), pgtype.ByteaOID, asBinary
	case *txcpb.Value_UnixUs:
		return []byte(time.UnixMicro(v.UnixUs).UTC().Format(timeText)), pgtype.TimestamptzOID, asText
	default:
		return nil, 0, asText
	}
}

// timeText is how our sessions read and write a time with its zone.
const timeText = "2006-01-02 15:04:05.999999-07"

// decode reads a value of a row from its text. What has no kind of its own in a Value stays text: a numeric, exactly; dates,
// JSON, arrays, infinite times.
func decode(oid uint32, text []byte) *txcpb.Value {
	if text == nil {
		return &txcpb.Value{V: &txcpb.Value_Null{Null: true}}
	}
	s := string(text)
	switch oid {
	case pgtype.BoolOID:
		return &txcpb.Value{V: &txcpb.Value_Boolean{Boolean: s == "t"}}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return &txcpb.Value{V: &txcpb.Value_Integer{Integer: n}}
		}
	case pgtype.Float4OID, pgtype.Float8OID:
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return &txcpb.Value{V: &txcpb.Value_Number{Number: n}}
		}
	case pgtype.ByteaOID:
		if b, err := hex.DecodeString(string(bytes.TrimPrefix(text, []byte(`\x`)))); err == nil {
			return &txcpb.Value{V: &txcpb.Value_Binary{Binary: b}}
		}
	case pgtype.TimestamptzOID:
		if at, err := time.Parse(timeText, s); err == nil {
			return &txcpb.Value{V: &txcpb.Value_UnixUs{UnixUs: at.UnixMicro()}}
		}
	}
	if !utf8.Valid(text) { // of a database without an encoding: text would not travel
		return &txcpb.Value{V: &txcpb.Value_Binary{Binary: text}}
	}
	return &txcpb.Value{V: &txcpb.Value_Text{Text: s}}
}
