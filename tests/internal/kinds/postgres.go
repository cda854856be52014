package kinds

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	store "github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var postgres = Kind{Name: "postgres", Store: (*store.Store)(nil), Serve: func(t testing.TB) House {
	return &postgresHouse{server: servers.Postgres(t)}
}}

type postgresHouse struct {
	server *servers.PostgresServer
	homes  atomic.Int64
}

func (h *postgresHouse) Server() *servers.Server { return h.server.Server }

func (h *postgresHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	t.Helper()
	database := fmt.Sprintf("home_%d", h.homes.Add(1))
	home := postgresHome{h.server.URL(database)}
	err := exec(t.Context(), h.server.URL("postgres"), "create database "+database)
	if err == nil {
		err = exec(t.Context(), home.url, "create table kv (key text primary key, value bigint not null)")
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Add(t, name, "--store", h.server.Store(database), "--password-file", passwordFile(t), "--allow-free-sql")
	return home
}

type postgresHome struct{ url string }

func (postgresHome) Write(ops []campaign.Op) (string, any) {
	return "sql", sqlOps(ops, sqlTexts{
		put:  "insert into kv values ($1, $2) on conflict (key) do update set value = excluded.value",
		add:  "insert into kv values ($1, $2) on conflict (key) do update set value = kv.value + excluded.value",
		take: "update kv set value = value + $2 where key = $1 and value + $2 >= $3",
		order: func(key string, n int64, least *int64) []any {
			if least == nil {
				return []any{key, n}
			}
			return []any{key, n, *least}
		},
	})
}

func (h postgresHome) Read(ctx context.Context) (procs.Dump, error) {
	d := procs.Dump{Data: map[string]string{}}
	c, err := pgx.Connect(ctx, h.url)
	if err != nil {
		return d, err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, q := range []struct {
		text string
		note func(a, b string)
	}{
		{"select key, value::text from kv", func(key, value string) { d.Data[key] = value }},
		{"select gid, '' from pg_prepared_xacts where database = current_database()", func(gid, _ string) { d.InDoubt = append(d.InDoubt, procs.Line{ID: gid}) }},
	} {
		rows, err := c.Query(ctx, q.text)
		if err != nil {
			return d, err
		}
		var a, b string
		if _, err = pgx.ForEachRow(rows, []any{&a, &b}, func() error { q.note(a, b); return nil }); err != nil {
			return d, err
		}
	}
	return d, nil
}

func exec(ctx context.Context, url, text string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	_, err = c.Exec(ctx, text)
	return err
}
