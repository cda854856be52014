package mysql

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/txc-dev/txc/api/txcpb"
)

// timeText is how our sessions, whose zone is UTC, read and write times.
const timeText = "2006-01-02 15:04:05.999999"

// argument is a value as the driver takes it. A time is written in UTC.
func argument(v *txcpb.Value) any {
	switch v := v.GetV().(type) {
	case *txcpb.Value_Boolean:
		return v.Boolean
	case *txcpb.Value_Integer:
		return v.Integer
	case *txcpb.Value_Number:
		return v.Number
	case *txcpb.Value_Text:
		return v.Text
	case *txcpb.Value_Binary:
		return append([]byte{}, v.Binary...) // nil would be null
	case *txcpb.Value_UnixUs:
		return time.UnixMicro(v.UnixUs).UTC().Format(timeText)
	default:
		return nil
	}
}

// decode makes a value of what the driver read, by the name of the column's type. What has no kind of its own in a Value is text:
// a decimal, exactly; dates, times without a zone, JSON, integers beyond 64 bits with a sign.
func decode(kind string, v any) *txcpb.Value {
	switch v := v.(type) {
	case nil:
		return &txcpb.Value{V: &txcpb.Value_Null{Null: true}}
	case int64:
		return &txcpb.Value{V: &txcpb.Value_Integer{Integer: v}}
	case float64:
		return &txcpb.Value{V: &txcpb.Value_Number{Number: v}}
	case float32: // as the server would write it
		if n, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64); err == nil {
			return &txcpb.Value{V: &txcpb.Value_Number{Number: n}}
		}
		return &txcpb.Value{V: &txcpb.Value_Number{Number: float64(v)}}
	case []byte:
		return decodeText(kind, v)
	default:
		return decodeText(kind, fmt.Append(nil, v))
	}
}

func decodeText(kind string, text []byte) *txcpb.Value {
	switch kind {
	case "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BINARY", "VARBINARY", "BIT", "GEOMETRY", "VECTOR":
		return &txcpb.Value{V: &txcpb.Value_Binary{Binary: text}}
	case "TIMESTAMP":
		if at, err := time.Parse(timeText, string(text)); err == nil {
			return &txcpb.Value{V: &txcpb.Value_UnixUs{UnixUs: at.UnixMicro()}}
		}
	}
	if !utf8.Valid(text) { // text would not travel
		return &txcpb.Value{V: &txcpb.Value_Binary{Binary: text}}
	}
	return &txcpb.Value{V: &txcpb.Value_Text{Text: string(text)}}
}
