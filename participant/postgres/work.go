package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// MaxOps bounds the statements of one branch.
const MaxOps = 1024

// order is a statement that is fit to be run.
type order struct {
	text  string
	query bool
	rows  *int64 // so many, or No
	args  []*txcpb.Value
}

// orders reads a branch's work. What it does not know is an error: a newer client may have meant a condition by it.
func (s *Store) orders(work []byte) ([]order, error) {
	var w txcpb.Work
	if err := proto.Unmarshal(work, &w); err != nil {
		return nil, fmt.Errorf("it is not work: %w", err)
	}
	ops := w.GetSql().GetOps()
	switch {
	case w.GetSql() == nil || unknown(&w) || unknown(w.GetSql()):
		return nil, fmt.Errorf("it is not SQL")
	case len(ops) == 0 || len(ops) > MaxOps:
		return nil, fmt.Errorf("%d statements: use 1 to %d", len(ops), MaxOps)
	}
	all := make([]order, 0, len(ops))
	for i, op := range ops {
		o, err := s.order(op)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i, err)
		}
		all = append(all, o)
	}
	return all, nil
}

func (s *Store) order(op *txcpb.SqlOp) (order, error) {
	o := order{text: op.GetText(), query: op.GetQuery(), rows: op.Rows, args: op.GetArgs()}
	if unknown(op) {
		return o, fmt.Errorf("it says more than this participant knows")
	}
	for _, v := range op.GetArgs() {
		if unknown(v) || v.GetV() == nil {
			return o, fmt.Errorf("an argument of an unknown kind")
		}
	}
	switch named, is := s.o.Statements[op.GetName()]; {
	case (op.GetName() == "") == (op.GetText() == ""):
		return o, fmt.Errorf("say either its name or its text")
	case op.GetName() != "" && !is:
		return o, fmt.Errorf("no statement is called %q here", op.GetName())
	case op.GetName() != "" && named.Query != op.GetQuery():
		return o, fmt.Errorf("%q is called by the other of exec and query", op.GetName())
	case op.GetName() != "":
		o.text = named.Text
		return o, nil
	case !s.o.AllowFreeSQL:
		return o, fmt.Errorf("this participant takes named statements only (allow_free_sql is off)")
	default:
		return o, admissible(o.text)
	}
}

func unknown(m proto.Message) bool { return len(m.ProtoReflect().GetUnknown()) > 0 }

// run runs one statement, and adds what it read to the results. A reason is a No; an error is the server's.
func (o order) run(ctx context.Context, c *pgconn.PgConn, n int, results *txcpb.Results) (txc.Reason, error) {
	values, types, formats := encode(o.args)
	r := c.ExecParams(ctx, o.text, values, types, formats, nil)
	table, columns, reason := o.read(r, n, results)
	tag, err := r.Close()
	if err != nil || !reason.IsZero() {
		return reason, err
	}
	count := tag.RowsAffected()
	if o.query {
		count = int64(len(table))
	}
	if o.rows != nil && count != *o.rows {
		return refuse(n, "%d rows, and %d were expected", count, *o.rows), nil
	}
	item := &txcpb.Result{Op: uint32(n), Kind: "affected", Rows: count}
	if o.query {
		item = &txcpb.Result{Op: uint32(n), Kind: "rows", Columns: columns, Table: table}
	}
	results.Items = append(results.Items, item)
	return txc.Reason{}, nil
}

// read reads the rows of a query, as many as results may have; of anything else they are dropped.
func (o order) read(r *pgconn.ResultReader, n int, results *txcpb.Results) (table []*txcpb.Row, columns []string, bad txc.Reason) {
	size := proto.Size(results)
	fields := r.FieldDescriptions()
	for _, f := range fields {
		columns = append(columns, f.Name)
		size += len(f.Name)
	}
	for r.NextRow() {
		if !o.query || !bad.IsZero() {
			continue
		}
		row := &txcpb.Row{}
		for i, text := range r.Values() {
			row.Values = append(row.Values, decode(fields[i].DataTypeOID, text))
		}
		if size += proto.Size(row); size > txc.MaxBranchRes {
			bad, table = reason(txc.CodeBadWork, "statement %d: the values read are more than %d bytes", n, txc.MaxBranchRes), nil
			continue
		}
		table = append(table, row)
	}
	return table, columns, bad
}

func refuse(n int, format string, args ...any) txc.Reason {
	return reason(txc.CodeRefused, "statement %d: "+format, append([]any{n}, args...)...)
}
