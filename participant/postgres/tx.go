package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/turns"
)

type callKey struct{}

// Tx is the transaction of the branch that a call has joined: ctx is what the call's own code was given. It is a pgx.Tx,
// so that code which takes one works as it is, but that
//
//   - it ends with the distributed transaction: Commit is refused, and Rollback has the branch abort;
//   - Begin makes a savepoint, which must be ended before the call is;
//   - each statement is one statement, and of a kind that a branch may contain (no COMMIT, no SET, no DDL);
//   - Prepare is refused, and Conn and LargeObjects give nothing of use: a nil connection, the zero LargeObjects.
//
// The calls of one branch share it: their statements take turns, and who has rows, a batch or a savepoint open keeps the
// turn. It is of no use once the call has returned. One call's own use of it must not be concurrent, as of any pgx.Tx.
//
// The error wraps txc.ErrInvalid: the call takes part in no transaction.
func Tx(ctx context.Context) (pgx.Tx, error) {
	if c := callOf(ctx); c != nil {
		return &tx{call: c}, nil
	}
	return nil, fmt.Errorf("%w: the call takes part in no transaction of a PostgreSQL participant", txc.ErrInvalid)
}

// call is one call's hold on an open branch.
type call struct {
	*open
	*turns.Call
	points int // savepoints made
}

func withCall(ctx context.Context, o *open) context.Context {
	return context.WithValue(ctx, callKey{}, &call{open: o, Call: o.NewCall()})
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func (c *call) exit() {
	c.look()
	c.Exit()
}

// look notes how the transaction stands; who calls it has the turn.
func (c *call) look() {
	pg := c.conn.PgConn()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = pg.TxStatus()
	if pg.IsClosed() {
		c.status = 0
	}
}

// leave ends the call's hold, and says why the branch can only abort, if so.
func (c *call) leave() error {
	if err := c.Leave(); err != nil {
		return err
	}
	return c.unfit()
}

// tx is a call's view of the branch's transaction, or of a savepoint in it.
type tx struct {
	*call
	point string // the savepoint; empty: the branch's own
	done  bool   // the savepoint was released or rolled back
}

// fit waits for the turn if the statements may be part of a branch.
func (t *tx) fit(ctx context.Context, args []any, statements ...string) error {
	if t.done {
		return pgx.ErrTxClosed
	}
	if slices.Contains(args, any(pgx.QueryExecModeSimpleProtocol)) { // it would let several statements pass as one
		return fmt.Errorf("%w: the simple protocol is not for a branch's statements", txc.ErrInvalid)
	}
	for _, sql := range statements {
		if err := grammar.Admissible(sql); err != nil {
			return fmt.Errorf("%w: %w", txc.ErrInvalid, err)
		}
	}
	return t.Enter(ctx)
}

// Begin makes a savepoint. The call keeps its turn until the savepoint is ended.
func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := t.fit(ctx, nil); err != nil {
		return nil, err
	}
	t.points++
	point := "txc_" + strconv.Itoa(t.points)
	if _, err := simple(ctx, t.conn.PgConn(), "savepoint "+point); err != nil {
		t.exit()
		return nil, err
	}
	return &tx{call: t.call, point: point}, nil
}

// Commit releases a savepoint.
func (t *tx) Commit(ctx context.Context) error {
	if t.point == "" {
		return fmt.Errorf("%w: the branch commits with its transaction, not by itself", txc.ErrInvalid)
	}
	return t.end(ctx, "release savepoint "+t.point)
}

// Rollback rolls back to a savepoint; without one, the branch can only abort from now on.
func (t *tx) Rollback(ctx context.Context) error {
	if t.point == "" {
		t.open.Doom(errors.New("the service's code has rolled it back"))
		return nil
	}
	return t.end(ctx, "rollback to savepoint "+t.point)
}

func (t *tx) end(ctx context.Context, sql string) error {
	if t.done {
		return pgx.ErrTxClosed
	}
	t.done = true
	defer t.exit()
	_, err := simple(ctx, t.conn.PgConn(), sql)
	return err
}

func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.fit(ctx, args, sql); err != nil {
		return noRows{err}, err
	}
	r, err := t.conn.Query(ctx, sql, args...)
	if err != nil {
		t.exit()
		return noRows{err}, err
	}
	return &rows{Rows: r, exit: sync.OnceFunc(t.exit)}, nil
}

func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	r, err := t.Query(ctx, sql, args...)
	return row{r, err}
}

// Exec goes the way of a query: without arguments pgx would let several statements pass as one.
func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r, err := t.Query(ctx, sql, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	r.Close()
	return r.CommandTag(), r.Err()
}

func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	if err := t.fit(ctx, nil); err != nil {
		return 0, err
	}
	defer t.exit()
	return t.conn.CopyFrom(ctx, table, columns, from)
}

func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	statements := make([]string, len(b.QueuedQueries))
	for i, q := range b.QueuedQueries {
		statements[i] = q.SQL
	}
	if err := t.fit(ctx, nil, statements...); err != nil {
		return noBatch{err}
	}
	return &batch{BatchResults: t.conn.SendBatch(ctx, b), exit: sync.OnceFunc(t.exit)}
}

func (t *tx) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, fmt.Errorf("%w: a statement prepared by name would outlive the branch", txc.ErrInvalid)
}

func (t *tx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }
func (t *tx) Conn() *pgx.Conn                { return nil }
