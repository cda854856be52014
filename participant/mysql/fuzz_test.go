package mysql_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/mysql"
)

// Whatever a server sends for a value travels to the client, and arrives as it was.
func FuzzDecode(f *testing.F) {
	for kind, text := range map[string]string{
		"BIGINT": "18446744073709551615", "DECIMAL": "1.10", "VARCHAR": "caf\xe9", "BLOB": "\x00\xff", "TIMESTAMP": "2026-11-20 10:00:00.123456", "DATETIME": "0000-00-00 00:00:00", "BIT": "\x01",
	} {
		f.Add(kind, []byte(text), int64(1), 0.5)
	}
	f.Fuzz(func(t *testing.T, kind string, text []byte, n int64, x float64) {
		for _, from := range []any{text, string(text), n, x, float32(x), nil} {
			v := mysql.Decode(kind, from)
			b, err := proto.Marshal(v)
			if err != nil {
				t.Fatalf("%q of type %s does not travel: %v", from, kind, err)
			}
			var got txcpb.Value
			if err := proto.Unmarshal(b, &got); err != nil || !proto.Equal(v, &got) {
				t.Fatalf("%v became %v: %v", v, &got, err)
			}
		}
	})
}
