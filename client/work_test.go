package client_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
)

// Work for databases and brokers says what it was made of, in the same bytes each time.
func TestWorkForDatabasesAndBrokers(t *testing.T) {
	at, rows := time.UnixMicro(1_700_000_000_000_001), int64(1)
	text := func(s string) *txcpb.Value { return &txcpb.Value{V: &txcpb.Value_Text{Text: s}} }
	all := []struct {
		work client.Work
		want *txcpb.Work
	}{
		{client.SQL(client.Exec("take", 1, "a").Rows(1), client.Query("stock", nil, true, int64(2), 0.5, []byte{0}, at), client.ExecText("x"), client.QueryText("y")),
			&txcpb.Work{Kind: &txcpb.Work_Sql{Sql: &txcpb.SqlWork{Ops: []*txcpb.SqlOp{
				{Name: "take", Args: []*txcpb.Value{{V: &txcpb.Value_Integer{Integer: 1}}, text("a")}, Rows: &rows},
				{Name: "stock", Query: true, Args: []*txcpb.Value{{V: &txcpb.Value_Null{Null: true}}, {V: &txcpb.Value_Boolean{Boolean: true}}, {V: &txcpb.Value_Integer{Integer: 2}},
					{V: &txcpb.Value_Number{Number: 0.5}}, {V: &txcpb.Value_Binary{Binary: []byte{0}}}, {V: &txcpb.Value_UnixUs{UnixUs: at.UnixMicro()}}}},
				{Text: "x"}, {Text: "y", Query: true},
			}}}}},
		{client.Publish(client.Message{To: "a", Headers: map[string]string{"x": "1", "y": "2"}, ContentType: "text/plain", Body: []byte("b")}, client.Message{To: "c"}),
			&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: &txcpb.PublishWork{Messages: []*txcpb.Publication{
				{To: "a", Headers: map[string]string{"x": "1", "y": "2"}, ContentType: "text/plain", Body: []byte("b")}, {To: "c"},
			}}}}},
	}
	for _, row := range all {
		first, err := row.work.MarshalWork()
		if err != nil {
			t.Fatal(err)
		}
		var got txcpb.Work
		if err := proto.Unmarshal(first, &got); err != nil || !proto.Equal(&got, row.want) {
			t.Errorf("%v, %v\nwant %v", &got, err, row.want)
		}
		for range 10 {
			if again, err := row.work.MarshalWork(); err != nil || !bytes.Equal(first, again) {
				t.Errorf("other bytes: %v", err)
			}
		}
	}
	if _, err := client.SQL(client.Exec("take", uint8(1))).MarshalWork(); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("an argument of no type that there is: %v", err)
	}
	for says, w := range map[string]client.Work{
		"text that is no UTF-8": client.SQL(client.Exec("take", "\xff")), "an address that is none": client.Publish(client.Message{To: "\xff"}),
	} {
		if _, err := w.MarshalWork(); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
