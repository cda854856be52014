package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/turns"
)

type callKey struct{}

// Conn is the session of the branch that a call has joined: ctx is what the call's own code was given. It is a *sql.Conn, so
// that code which takes one works as it is, but that
//
//   - what it writes ends with the distributed transaction, whatever becomes of the connection;
//   - BeginTx makes a savepoint, which must be ended before the call is; it takes no options;
//   - each statement is one statement, and of a kind that a branch may contain (no COMMIT, no SET, no DDL, no LOCK TABLES);
//   - PrepareContext looks at a statement, which the server hears of, and may refuse, when it is run.
//
// The calls of one branch share the session: their statements take turns, and who has rows or a savepoint open keeps the turn.
// Rows must be read or closed before the call's next statement. An error of a constraint, or of the statement itself, undoes the
// statement alone; after any other one, a deadlock or a lock that was waited for too long, the transaction aborts, even if the
// code passes the error over.
//
// The connection is of no use once the call has returned, and need not be closed. The error wraps txc.ErrInvalid: the call takes
// part in no transaction.
func Conn(ctx context.Context) (*sql.Conn, error) {
	c := callOf(ctx)
	if c == nil {
		return nil, fmt.Errorf("%w: the call takes part in no transaction of a MySQL participant", txc.ErrInvalid)
	}
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("the branch's session: %w", err)
	}
	return conn, nil
}

// call is one call's hold on an open branch.
type call struct {
	*open
	*turns.Call
	db *sql.DB // its connections are views of the session
}

func withCall(ctx context.Context, o *open) context.Context {
	c := &call{open: o, Call: o.NewCall()}
	c.db = sql.OpenDB(views{c})
	c.db.SetMaxIdleConns(-1)
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// leave ends the call's hold, and says why the branch can only abort, if so.
func (c *call) leave() error {
	err := c.Leave()
	if err == nil {
		err = c.open.Doomed()
	}
	if closed := c.db.Close(); err == nil { // connections that the code has not closed stay, and are of no use
		err = closed
	}
	return err
}

// views makes a call's connections.
type views struct{ c *call }

// Connect is driver.Connector's.
func (v views) Connect(context.Context) (driver.Conn, error) { return &view{v.c}, nil }

// Driver is driver.Connector's.
func (v views) Driver() driver.Driver { return v }

// Open is driver.Driver's.
func (views) Open(string) (driver.Conn, error) {
	return nil, fmt.Errorf("%w: a branch's session has no name", txc.ErrInvalid)
}
