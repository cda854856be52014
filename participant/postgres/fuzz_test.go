package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/postgres"
)

// Whatever a server writes for a value travels to the client, and arrives as it was.
func FuzzDecode(f *testing.F) {
	for oid, text := range map[uint32]string{
		pgtype.BoolOID: "t", pgtype.Int8OID: "-9223372036854775808", pgtype.Int4OID: "1e3", pgtype.Float8OID: "Infinity",
		pgtype.ByteaOID: `\x00ff`, pgtype.TimestamptzOID: "2026-11-20 10:00:00.123456+00", pgtype.TextOID: "caf\xe9",
	} {
		f.Add(oid, []byte(text))
	}
	f.Fuzz(func(t *testing.T, oid uint32, text []byte) {
		v := postgres.Decode(oid, text)
		b, err := proto.Marshal(v)
		if err != nil {
			t.Fatalf("%q of type %d does not travel: %v", text, oid, err)
		}
		var got txcpb.Value
		if err := proto.Unmarshal(b, &got); err != nil || !proto.Equal(v, &got) {
			t.Fatalf("%v became %v: %v", v, &got, err)
		}
	})
}
