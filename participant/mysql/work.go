package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// run runs one statement, and adds what it read to the results. A reason is a No; an error is the server's. It is a prepared
// statement always: the server takes one at a time of those.
func run(ctx context.Context, o sqlwork.Order, c *sql.Conn, n int, results *sqlwork.Results) (why txc.Reason, err error) {
	raw := c.Raw(func(raw any) error {
		stmt, bad := raw.(*session).PrepareContext(ctx, o.Text)
		if err = bad; err != nil {
			return nil
		}
		defer stmt.Close() // it sends a message without an answer; a lost session is seen by what comes next
		if want := stmt.NumInput(); want != len(o.Args) {
			why = reason(txc.CodeBadWork, "statement %d: it has %d placeholders, and %d arguments came", n, want, len(o.Args))
			return nil
		}
		args := make([]driver.NamedValue, len(o.Args))
		for i, a := range o.Args {
			args[i] = driver.NamedValue{Ordinal: i + 1, Value: argument(a)}
		}
		if o.Query {
			why, err = query(ctx, o, stmt, args, n, results)
		} else {
			why, err = exec(ctx, o, stmt, args, n, results)
		}
		return nil
	})
	if raw != nil {
		err = raw
	}
	return why, err
}

func exec(ctx context.Context, o sqlwork.Order, stmt driver.Stmt, args []driver.NamedValue, n int, results *sqlwork.Results) (txc.Reason, error) {
	r, err := stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		return txc.Reason{}, err
	}
	changed, err := r.RowsAffected()
	if err != nil {
		return txc.Reason{}, err
	}
	return results.Table(n, o, nil).End(changed), nil
}

func query(ctx context.Context, o sqlwork.Order, stmt driver.Stmt, args []driver.NamedValue, n int, results *sqlwork.Results) (txc.Reason, error) {
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return txc.Reason{}, err
	}
	defer rows.Close()
	columns := rows.Columns()
	table, values := results.Table(n, o, columns), make([]driver.Value, len(columns))
	typed, is := rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !is {
		return txc.Reason{}, fmt.Errorf("the driver's rows are %T", rows)
	}
	for {
		err := rows.Next(values)
		if err == io.EOF {
			break
		}
		if err != nil {
			return txc.Reason{}, err
		}
		if !table.Wants() {
			continue
		}
		row := make([]*txcpb.Value, len(values))
		for i, v := range values {
			row[i] = decode(typed.ColumnTypeDatabaseTypeName(i), v)
		}
		table.Add(row)
	}
	return table.End(0), rows.Close() // what more a procedure gives is dropped
}
