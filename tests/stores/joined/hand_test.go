package joined_test

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/participant/postgres"
)

// inMaria tells by its name where a service's database is.
func inMaria(name string) bool { return strings.HasPrefix(name, "m") }

// hand is what a call works with.
type hand interface {
	exec(ctx context.Context, text string) error
	leaveRows(ctx context.Context) error
}

// hand is that of a call of the service, and is the branch's own.
func (s *service) hand(ctx context.Context) (hand, error) {
	if inMaria(s.name) {
		c, err := mysql.Conn(ctx)
		return mariaHand{c}, err
	}
	tx, err := postgres.Tx(ctx)
	return postgresHand{tx}, err
}

type postgresHand struct{ tx pgx.Tx }

func (h postgresHand) exec(ctx context.Context, text string) error {
	_, err := h.tx.Exec(ctx, text)
	return err
}

func (h postgresHand) leaveRows(ctx context.Context) error {
	_, err := h.tx.Query(ctx, "select generate_series(1, 10)")
	return err
}

type mariaHand struct{ conn *sql.Conn }

func (h mariaHand) exec(ctx context.Context, text string) error {
	_, err := h.conn.ExecContext(ctx, text)
	return err
}

func (h mariaHand) leaveRows(ctx context.Context) error {
	_, err := h.conn.QueryContext(ctx, "select id from account")
	return err
}

// mariaDB is a user's own way into MariaDB.
func (w *town) mariaDB(database string) *sql.DB {
	w.t.Helper()
	db, err := sql.Open("mysql", w.maria.DSN(database))
	w.ok(err)
	return db
}
