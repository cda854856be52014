package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// grammar is how a statement of a branch may begin.
var grammar = sqlwork.Grammar{
	Verbs:  []string{"select", "insert", "update", "delete", "merge", "with", "values", "table", "call", "do", "lock"},
	Nested: true,
}

// run runs one statement, and adds what it read to the results. A reason is a No; an error is the server's.
func run(ctx context.Context, o sqlwork.Order, c *pgconn.PgConn, n int, results *sqlwork.Results) (txc.Reason, error) {
	values, types, formats := encode(o.Args)
	r := c.ExecParams(ctx, o.Text, values, types, formats, nil)
	fields := r.FieldDescriptions()
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = f.Name
	}
	table := results.Table(n, o, columns)
	for r.NextRow() {
		if !table.Wants() {
			continue
		}
		row := make([]*txcpb.Value, len(fields))
		for i, text := range r.Values() {
			row[i] = decode(fields[i].DataTypeOID, text)
		}
		table.Add(row)
	}
	tag, err := r.Close()
	if stateOf(err) == protocolViolation && certain(err) {
		return reason(txc.CodeBadWork, "statement %d: its placeholders and the %d arguments do not match: %v", n, len(o.Args), err), nil
	}
	if err != nil {
		return txc.Reason{}, err
	}
	return table.End(tag.RowsAffected()), nil
}
