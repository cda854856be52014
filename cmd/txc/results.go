package main

import (
	"fmt"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
)

// resultObject is what one operation read.
type resultObject struct {
	Op          uint32   `json:"op"`
	Kind        string   `json:"kind"`
	Key         *string  `json:"key,omitempty"`
	KeyBase64   *[]byte  `json:"key_base64,omitempty"`
	Found       *bool    `json:"found,omitempty"`
	Value       *string  `json:"value,omitempty"`
	ValueBase64 *[]byte  `json:"value_base64,omitempty"`
	Columns     []string `json:"columns,omitempty"`
	Rows        any      `json:"rows,omitempty"`
}

// resultsOf decodes what a branch read. Results of a kind that we do not know are shown as far as they can be.
func resultsOf(data []byte) []resultObject {
	var results txcpb.Results
	if len(data) == 0 {
		return nil
	}
	if err := proto.Unmarshal(data, &results); err != nil {
		return []resultObject{{Kind: "unreadable", ValueBase64: &data}}
	}
	var all []resultObject
	for _, r := range results.GetItems() {
		o := resultObject{Op: r.GetOp(), Kind: r.GetKind()}
		switch r.GetKind() {
		case "rows":
			o.Columns, o.Rows = r.GetColumns(), rowsOf(r.GetTable())
		case "affected":
			o.Rows = r.GetRows()
		case "result": // of an operation of the participant's own
			if r.GetFound() {
				o.Value, o.ValueBase64 = textOrBase64(r.GetValue())
			}
		default:
			found := r.GetFound()
			o.Found = &found
			o.Key, o.KeyBase64 = textOrBase64(r.GetKey())
			if found {
				o.Value, o.ValueBase64 = textOrBase64(r.GetValue())
			}
		}
		all = append(all, o)
	}
	return all
}

func textOrBase64(b []byte) (*string, *[]byte) {
	if !utf8.Valid(b) {
		return nil, &b
	}
	s := string(b)
	return &s, nil
}

func rowsOf(table []*txcpb.Row) [][]any {
	rows := make([][]any, 0, len(table))
	for _, r := range table {
		row := make([]any, 0, len(r.GetValues()))
		for _, v := range r.GetValues() {
			row = append(row, valueOf(v))
		}
		rows = append(rows, row)
	}
	return rows
}

func valueOf(v *txcpb.Value) any {
	switch v := v.GetV().(type) {
	case *txcpb.Value_Boolean:
		return v.Boolean
	case *txcpb.Value_Integer:
		return v.Integer
	case *txcpb.Value_Number:
		return finite(v.Number)
	case *txcpb.Value_Text:
		return v.Text
	case *txcpb.Value_Binary:
		return map[string][]byte{"base64": v.Binary}
	case *txcpb.Value_UnixUs:
		return map[string]string{"time": time.UnixMicro(v.UnixUs).UTC().Format("2006-01-02T15:04:05.000000Z")}
	default:
		return nil
	}
}

// finite keeps out of JSON what it has no word for.
func finite(n float64) any {
	if n-n != 0 {
		return fmt.Sprint(n)
	}
	return n
}
