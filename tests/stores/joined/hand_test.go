package joined_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/participant/postgres"
)

// inMaria and inKV tell by its name where a service's data is: PostgreSQL, where neither says so.
func inMaria(name string) bool { return strings.HasPrefix(name, "m") }
func inKV(name string) bool    { return strings.HasPrefix(name, "k") }

// hand is what a call works with.
type hand interface {
	add(ctx context.Context, n string) error // to the account, which does not fall below zero
	exec(ctx context.Context, text string) error
	leaveRows(ctx context.Context) error
}

// hand is that of a call of the service, and is the branch's own.
func (s *service) hand(ctx context.Context) (hand, error) {
	if inMaria(s.name) {
		c, err := mysql.Conn(ctx)
		return mariaHand{c}, err
	}
	if inKV(s.name) {
		keys, err := kv.View(ctx)
		return kvHand{keys}, err
	}
	tx, err := postgres.Tx(ctx)
	return postgresHand{tx}, err
}

const addText = "update account set n = n + (%s) where id = 'x'"

type kvHand struct{ keys *kv.Keys }

func (h kvHand) add(ctx context.Context, n string) error {
	by, err := strconv.ParseInt(n, 10, 64)
	if err == nil {
		_, err = h.keys.Do(ctx, kv.Add("x", by).Min(0))
	}
	return err
}

// exec reads, whatever the text says.
func (h kvHand) exec(ctx context.Context, _ string) error {
	_, _, err := h.keys.Get(ctx, "x")
	return err
}

func (h kvHand) leaveRows(context.Context) error { return errors.New("a view gives no rows") }

type postgresHand struct{ tx pgx.Tx }

func (h postgresHand) add(ctx context.Context, n string) error {
	return h.exec(ctx, fmt.Sprintf(addText, n))
}

func (h postgresHand) exec(ctx context.Context, text string) error {
	_, err := h.tx.Exec(ctx, text)
	return err
}

func (h postgresHand) leaveRows(ctx context.Context) error {
	_, err := h.tx.Query(ctx, "select generate_series(1, 10)")
	return err
}

type mariaHand struct{ conn *sql.Conn }

func (h mariaHand) add(ctx context.Context, n string) error {
	return h.exec(ctx, fmt.Sprintf(addText, n))
}

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
