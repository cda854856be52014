package sqlwork

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Results are what the statements of one branch have given. The zero value has none.
type Results struct{ all txcpb.Results }

// Table takes what one statement gives.
type Table struct {
	to      *Results
	n       int
	o       Order
	columns []string
	rows    []*txcpb.Row
	size    int
	over    bool
}

// Table begins what statement n, from 0, gives. columns are those of a query.
func (r *Results) Table(n int, o Order, columns []string) *Table {
	t := &Table{to: r, n: n, o: o, columns: columns, size: proto.Size(&r.all)}
	for _, c := range columns {
		t.size += len(c)
	}
	return t
}

// Wants reports whether Add would keep a row: of a query, until the results are too many.
func (t *Table) Wants() bool { return t.o.Query && !t.over }

// Add takes a row.
func (t *Table) Add(values []*txcpb.Value) {
	if !t.Wants() {
		return
	}
	row := &txcpb.Row{Values: values}
	if t.size += proto.Size(row); t.size > txc.MaxBranchRes {
		t.over, t.rows = true, nil
		return
	}
	t.rows = append(t.rows, row)
}

// End says how many rows an exec has changed. The reason is that of a No: an expectation that is not met, or results that
// are too many; it is zero if all is well.
func (t *Table) End(changed int64) txc.Reason {
	if t.over {
		return reason(txc.CodeBadWork, "statement %d: the values read are more than %d bytes", t.n, txc.MaxBranchRes)
	}
	item := &txcpb.Result{Op: uint32(t.n), Kind: "affected", Rows: changed}
	if t.o.Query {
		changed = int64(len(t.rows))
		item = &txcpb.Result{Op: uint32(t.n), Kind: "rows", Columns: t.columns, Table: t.rows}
	}
	if t.o.Rows != nil && changed != *t.o.Rows {
		return reason(txc.CodeRefused, "statement %d: %d rows, and %d were expected", t.n, changed, *t.o.Rows)
	}
	t.to.all.Items = append(t.to.all.Items, item)
	return txc.Reason{}
}

// Bytes are the results for the client; or the reason of a No.
func (r *Results) Bytes() ([]byte, txc.Reason) {
	data, err := proto.Marshal(&r.all)
	switch {
	case err != nil:
		return nil, reason(txc.CodeStore, "%v", err)
	case len(data) > txc.MaxBranchRes:
		return nil, reason(txc.CodeBadWork, "the values read are more than %d bytes", txc.MaxBranchRes)
	default:
		return data, txc.Reason{}
	}
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}
