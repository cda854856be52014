package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows are a query's; the call keeps its turn until they are closed.
type rows struct {
	pgx.Rows
	exit func()
}

func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.exit()
	return false
}

func (r *rows) Scan(dest ...any) error {
	err := r.Rows.Scan(dest...)
	if err != nil { // pgx closes them then
		r.Close()
	}
	return err
}

func (r *rows) Close() {
	r.Rows.Close()
	r.exit()
}

func (r *rows) Conn() *pgx.Conn { return nil }

// row is the one row of a query.
type row struct {
	rows pgx.Rows
	err  error
}

func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// batch are a batch's results; the call keeps its turn until they are closed.
type batch struct {
	pgx.BatchResults
	exit func()
}

func (b *batch) Close() error {
	defer b.exit()
	return b.BatchResults.Close()
}

// noRows are those of a query that was not run.
type noRows struct{ err error }

func (r noRows) Close()                                       {}
func (r noRows) Err() error                                   { return r.err }
func (r noRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r noRows) Next() bool                                   { return false }
func (r noRows) Scan(...any) error                            { return r.err }
func (r noRows) Values() ([]any, error)                       { return nil, r.err }
func (r noRows) RawValues() [][]byte                          { return nil }
func (r noRows) Conn() *pgx.Conn                              { return nil }
func (r noRows) TypeMap() *pgtype.Map                         { return nil }

// noBatch are the results of a batch that was not run.
type noBatch struct{ err error }

func (b noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b noBatch) Query() (pgx.Rows, error)         { return noRows(b), b.err }
func (b noBatch) QueryRow() pgx.Row                { return row{err: b.err} }
func (b noBatch) Close() error                     { return b.err }
func (b noBatch) Tx() pgx.Tx                       { return nil }
