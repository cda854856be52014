package once

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Header is where a message bears its id. A message without it was not published by a transaction.
const Header = "Txc-Msg-Id"

// ErrNoID says that a message bears no id.
var ErrNoID = errors.New("the message has no " + Header)

// Memory knows the ids whose messages have had their effect.
type Memory interface {
	// Add notes an id, and tells whether it was unknown. An error says that nobody knows: let the message be delivered again.
	Add(ctx context.Context, id string) (first bool, err error)
	// Drop takes Add back after an effect that failed. A memory inside the effect's transaction has nothing to do: the
	// rollback does it.
	Drop(id string)
}

// Do runs effect unless the memory knows the id; ran tells whether it did. After an error roll back, and let the message be
// delivered again; after nil commit, then acknowledge the message, whether the effect ran or not.
func Do(ctx context.Context, m Memory, id string, effect func() error) (ran bool, err error) {
	if id == "" {
		return false, ErrNoID
	}
	first, err := m.Add(ctx, id)
	if err != nil {
		return false, fmt.Errorf("note message %s: %w", id, err)
	}
	if !first {
		return false, nil
	}
	if err := effect(); err != nil {
		m.Drop(id)
		return true, err
	}
	return true, nil
}

// SQL is a table of ids, in the transaction of the effect. insert has one argument, the id, and changes one row where the id
// is unknown, else none:
//
//	create table txc_seen (id varchar(255) primary key, at timestamp not null default current_timestamp);
//
//	insert into txc_seen (id) values ($1) on conflict do nothing   -- PostgreSQL; ? in SQLite
//	insert ignore into txc_seen (id) values (?)                     -- MySQL, MariaDB
//
// Of two consumers that have the same message at a time, the second waits in its insert for the first one's transaction.
func SQL(tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, insert string) Memory {
	return table(func(ctx context.Context, id string) (int64, error) {
		r, err := tx.ExecContext(ctx, insert, id)
		if err != nil {
			return 0, err
		}
		return r.RowsAffected()
	})
}

// PGX is the same for a transaction of pgx (pgx.Tx, or anything with its Exec).
func PGX[R interface{ RowsAffected() int64 }](tx interface {
	Exec(ctx context.Context, query string, args ...any) (R, error)
}, insert string) Memory {
	return table(func(ctx context.Context, id string) (int64, error) {
		r, err := tx.Exec(ctx, insert, id)
		if err != nil {
			return 0, err
		}
		return r.RowsAffected(), nil
	})
}

type table func(ctx context.Context, id string) (rows int64, err error)

func (t table) Add(ctx context.Context, id string) (bool, error) {
	n, err := t(ctx, id)
	if err == nil && n != 0 && n != 1 {
		err = fmt.Errorf("the insert changed %d rows: it must change one, or none where the id is known", n)
	}
	return n == 1, err
}

func (t table) Drop(string) {}
