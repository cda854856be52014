package kinds

import (
	"context"
	"fmt"
	"strconv"
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

// sqlTexts are the statements of one kind of database; their arguments are the key, the number, and, of take, the least that
// must be left.
type sqlTexts struct {
	put, add, take string
	order          func(key string, n int64, least *int64) []any // of arguments; nil: as named
}

// sqlOps writes operations as statements. One that takes what there may not be must change a row.
func sqlOps(ops []campaign.Op, texts sqlTexts) (all []map[string]any) {
	exec := func(text, key string, n int64, least *int64) {
		args := []any{key, n}
		if least != nil {
			args = append(args, *least)
		}
		if texts.order != nil {
			args = texts.order(key, n, least)
		}
		statement := map[string]any{"text": text, "args": args}
		if least != nil {
			statement["rows"] = 1
		}
		all = append(all, map[string]any{"exec": statement})
	}
	for _, op := range ops {
		switch {
		case op.Put != nil:
			exec(texts.put, op.Put.Key, number(op.Put.Value), nil)
		case op.Add != nil && op.Add.Min != nil:
			exec(texts.take, op.Add.Key, op.Add.By, op.Add.Min)
		case op.Add != nil:
			exec(texts.add, op.Add.Key, op.Add.By, nil)
		default:
			panic("these operations only write")
		}
	}
	return all
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
