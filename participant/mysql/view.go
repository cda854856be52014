package mysql

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/txc-dev/txc"
)

// view is a connection of one call: a driver's connection, on the branch's session.
type view struct{ *call }

// do has the driver do something on the session, unless the branch is over.
func (o *open) do(what func(s *session) error) error {
	select {
	case o.io <- struct{}{}:
		defer func() { <-o.io }()
	case <-o.Over(): // who ends the branch keeps the session for good
	}
	if why := o.Doomed(); why != nil {
		return why
	}
	err := what(o.session)
	if errors.Is(err, driver.ErrBadConn) { // database/sql would look for another connection
		err = errors.New("the branch's session was lost")
	}
	o.noticed(err)
	return err
}

// statement has a statement run. What is read by another one is in its way.
func (o *open) statement(what func(s *session) error) error {
	return o.do(func(s *session) error {
		if o.rows {
			return fmt.Errorf("%w: rows are open: read them to their end, or close them, first", txc.ErrInvalid)
		}
		return what(s)
	})
}

// until is a context that ends with the branch, too, for what the driver may wait for; stop must be called.
func (o *open) until(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		select {
		case <-o.Over():
			cancel(o.Doomed())
		case <-ended:
			cancel(nil)
		}
	}()
	return ctx, sync.OnceFunc(func() { close(ended) })
}

// fit waits for the turn if the statement may be part of a branch.
func (v *view) fit(ctx context.Context, text string) error {
	if err := grammar.Admissible(text); err != nil {
		return fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	}
	return v.Enter(ctx)
}

// ExecContext is driver.ExecerContext's. Every statement is a prepared one: the server takes one at a time of those.
func (v *view) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (result driver.Result, err error) {
	if err := v.fit(ctx, text); err != nil {
		return nil, err
	}
	defer v.Exit()
	ctx, stop := v.until(ctx)
	defer stop()
	err = v.statement(func(s *session) error {
		stmt, err := prepare(ctx, s, text, args)
		if err != nil {
			return err
		}
		defer stmt.Close() // it sends a message without an answer; a lost session is seen by what comes next
		result, err = stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	})
	return result, err
}

// QueryContext is driver.QueryerContext's.
func (v *view) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := v.fit(ctx, text); err != nil {
		return nil, err
	}
	ctx, stop := v.until(ctx)
	r := &viewRows{view: v, stop: stop}
	err := v.statement(func(s *session) error {
		stmt, err := prepare(ctx, s, text, args)
		if err != nil {
			return err
		}
		all, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		if err != nil {
			return errors.Join(err, stmt.Close())
		}
		r.fullRows, r.stmt, v.open.rows = all.(fullRows), stmt, true
		return nil
	})
	if err != nil {
		stop()
		v.Exit()
		return nil, err
	}
	return r, nil
}

func prepare(ctx context.Context, s *session, text string, args []driver.NamedValue) (driver.Stmt, error) {
	stmt, err := s.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if want := stmt.NumInput(); want != len(args) {
		return nil, errors.Join(fmt.Errorf("%w: %d placeholders, and %d arguments", txc.ErrInvalid, want, len(args)), stmt.Close())
	}
	return stmt, nil
}

// BeginTx is driver.ConnBeginTx's: a savepoint. The call keeps its turn until it is ended.
func (v *view) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o != (driver.TxOptions{}) {
		return nil, fmt.Errorf("%w: a branch's savepoint takes no options", txc.ErrInvalid)
	}
	if err := v.Enter(ctx); err != nil {
		return nil, err
	}
	p := &point{view: v, name: "txc_" + strconv.FormatUint(v.points.Add(1), 10)}
	if err := p.say("savepoint "); err != nil {
		v.Exit()
		return nil, err
	}
	return p, nil
}

// point is a savepoint.
type point struct {
	*view
	name string
}

// Commit is driver.Tx's.
func (p *point) Commit() error {
	defer p.Exit()
	return p.say("release savepoint ")
}

// Rollback is driver.Tx's.
func (p *point) Rollback() error {
	defer p.Exit()
	return p.say("rollback to savepoint ")
}

func (p *point) say(verb string) error {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	ctx, stop := p.until(ctx)
	defer stop()
	err := p.statement(func(s *session) error {
		_, err := s.ExecContext(ctx, verb+p.name, nil)
		return err
	})
	if err != nil { // what lies behind the savepoint may stand, or may not
		p.open.Doom(err)
	}
	return err
}

// CheckNamedValue is driver.NamedValueChecker's.
func (v *view) CheckNamedValue(value *driver.NamedValue) error {
	return v.session.CheckNamedValue(value)
}

// PrepareContext is driver.ConnPrepareContext's. The server hears of the statement when it is run, each time: nothing is left
// in the session that would outlive the branch, or would have to be closed amid another call's turn.
func (v *view) PrepareContext(_ context.Context, text string) (driver.Stmt, error) {
	return v.Prepare(text)
}

// Prepare is driver.Conn's.
func (v *view) Prepare(text string) (driver.Stmt, error) {
	if err := grammar.Admissible(text); err != nil {
		return nil, fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	}
	return later{v, text}, nil
}

// Begin is driver.Conn's.
func (v *view) Begin() (driver.Tx, error) { return v.BeginTx(context.Background(), driver.TxOptions{}) }

// Close is driver.Conn's: the session is the branch's.
func (v *view) Close() error { return nil }

// later is a statement that the server does not know yet.
type later struct {
	view *view
	text string
}

// ExecContext is driver.StmtExecContext's.
func (l later) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return l.view.ExecContext(ctx, l.text, args)
}

// QueryContext is driver.StmtQueryContext's.
func (l later) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return l.view.QueryContext(ctx, l.text, args)
}

// Close is driver.Stmt's.
func (later) Close() error { return nil }

// NumInput is driver.Stmt's: the server will count them.
func (later) NumInput() int { return -1 }

// Exec is driver.Stmt's; it has no context, and nobody calls it where there is one that does.
func (later) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }

// Query is driver.Stmt's, as Exec.
func (later) Query([]driver.Value) (driver.Rows, error) { return nil, errors.ErrUnsupported }

// viewRows are a query's; the call keeps its turn until they are closed.
type viewRows struct {
	fullRows
	view   *view
	stmt   driver.Stmt
	stop   context.CancelFunc
	closed bool
}

// fullRows is all that the driver's rows can do.
type fullRows interface {
	driver.Rows
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// Next is driver.Rows's.
func (r *viewRows) Next(dest []driver.Value) error {
	return r.read(func() error { return r.fullRows.Next(dest) })
}

// NextResultSet is driver.RowsNextResultSet's.
func (r *viewRows) NextResultSet() error { return r.read(r.fullRows.NextResultSet) }

// read has the driver read. The end of what there is dooms nobody.
func (r *viewRows) read(what func() error) (end error) {
	err := r.view.do(func(*session) error {
		err := what()
		if err == io.EOF {
			end, err = err, nil
		}
		return err
	})
	return cmp.Or(err, end)
}

// Close is driver.Rows's.
func (r *viewRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	defer r.view.Exit()
	defer r.stop()
	return r.view.do(func(*session) error {
		r.view.open.rows = false
		return errors.Join(r.fullRows.Close(), r.stmt.Close())
	})
}
