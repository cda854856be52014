package kinds

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"

	store "github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var mysql = Kind{Name: "mysql", Store: (*store.Store)(nil), Serve: func(t testing.TB) House {
	return &mysqlHouse{server: servers.MariaDB(t)}
}}

// mysqlHouse gives each home but the first a server of its own: what is prepared is listed for a whole server, by the names of
// cluster and participant, which tests give again and again.
type mysqlHouse struct {
	server *servers.MariaDBServer
	homes  atomic.Int64
}

func (h *mysqlHouse) Server() *servers.Server { return h.server.Server }

func (h *mysqlHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	t.Helper()
	home := mysqlHome{h.server}
	if h.homes.Add(1) > 1 {
		home.server = servers.MariaDB(t)
	}
	err := home.with(func(db *sql.DB) error {
		_, err := db.ExecContext(t.Context(), "create table kv (k varchar(200) primary key, value bigint not null)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Add(t, name, "--store", home.server.Store(mysqlDatabase), "--password-file", passwordFile(t), "--allow-free-sql")
	return home
}

// mysqlDatabase is there in every server.
const mysqlDatabase = "txc"

type mysqlHome struct{ server *servers.MariaDBServer }

func (mysqlHome) Write(ops []campaign.Op) (string, any) {
	return "sql", sqlOps(ops, sqlTexts{
		put:  "insert into kv (k, value) values (?, ?) on duplicate key update value = values(value)",
		add:  "insert into kv (k, value) values (?, ?) on duplicate key update value = value + values(value)",
		take: "update kv set value = value + ? where k = ? and value + ? >= ?",
		order: func(key string, n int64, least *int64) []any {
			if least == nil {
				return []any{key, n}
			}
			return []any{n, key, n, *least}
		},
	})
}

func (h mysqlHome) Read(ctx context.Context) (procs.Dump, error) {
	d := procs.Dump{Data: map[string]string{}}
	err := h.with(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, "select k, value from kv")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, value string
			if err := rows.Scan(&key, &value); err != nil {
				return err
			}
			d.Data[key] = value
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return prepared(ctx, db, func(xid string) { d.InDoubt = append(d.InDoubt, procs.Line{ID: xid}) })
	})
	return d, err
}

// prepared lists the server's XA branches.
func prepared(ctx context.Context, db *sql.DB, note func(xid string)) error {
	rows, err := db.QueryContext(ctx, "xa recover")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var format, global, branch int
		var data []byte
		if err := rows.Scan(&format, &global, &branch, &data); err != nil {
			return err
		}
		note(string(data))
	}
	return rows.Err()
}

func (h mysqlHome) with(f func(db *sql.DB) error) error {
	db, err := sql.Open("mysql", h.server.DSN(mysqlDatabase))
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}
