package stores_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// exec and query make statements; rows < 0: any number.
func exec(text string, rows int64, args ...*txcpb.Value) *txcpb.SqlOp {
	op := &txcpb.SqlOp{Text: text, Args: args}
	if rows >= 0 {
		op.Rows = &rows
	}
	return op
}

func query(text string, rows int64, args ...*txcpb.Value) *txcpb.SqlOp {
	op := exec(text, rows, args...)
	op.Query = true
	return op
}

func text(s string) *txcpb.Value { return &txcpb.Value{V: &txcpb.Value_Text{Text: s}} }

func work(ops ...*txcpb.SqlOp) []byte {
	data, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Sql{Sql: &txcpb.SqlWork{Ops: ops}}})
	if err != nil {
		panic(err)
	}
	return data
}

// do runs statements as somebody who has nothing to do with us.
func do(t testing.TB, url string, statements ...string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	for _, sql := range statements {
		if _, err := c.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func one[T any](t testing.TB, url, sql string, args ...any) (v T) {
	t.Helper()
	v, err := value[T](t.Context(), url, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func value[T any](ctx context.Context, url, sql string, args ...any) (v T, err error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return v, err
	}
	defer c.Close(context.Background())
	err = c.QueryRow(ctx, sql, args...).Scan(&v)
	return v, err
}

// All cases share one database, each as a participant of its own: so it is with many participants, too.
func TestResource(t *testing.T) {
	t.Parallel()
	url := servers.Postgres(t).URL("postgres")
	var n atomic.Int64
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		name := fmt.Sprintf("orders%d", n.Add(1))
		do(t, url, "create table "+name+" (k text primary key, v text not null)")
		return store(t, url, name)
	})
}

func store(t *testing.T, url, name string) *resourcetest.Store {
	var opened sync.Map
	return &resourcetest.Store{
		Cluster: "test", Participant: name, Broken: []byte("no work"),
		Open: func() (participant.Resource, error) {
			s, err := postgres.Open(t.Context(), url, postgres.Options{Cluster: "test", Name: name, AllowFreeSQL: true, Connections: 16})
			if err == nil {
				opened.Store(s, true)
			}
			return s, err
		},
		Crash: func(s participant.Resource) error { // its sessions stay: the next one ends them (P10)
			opened.Store(s, false)
			return nil
		},
		Done: func() {
			opened.Range(func(s, alive any) bool { // of one that has crashed only what it holds here goes
				if err := s.(*postgres.Store).Close(context.Background()); err != nil && alive.(bool) {
					t.Error(err)
				}
				return true
			})
		},
		Write: func(key, value string) []byte {
			return work(exec("insert into "+name+" values ($1, $2) on conflict (k) do update set v = excluded.v", 1, text(key), text(value)))
		},
		Call: func(ctx context.Context, key, value string) error {
			tx, err := postgres.Tx(ctx)
			if err == nil {
				_, err = tx.Exec(ctx, "insert into "+name+" values ($1, $2) on conflict (k) do update set v = excluded.v", key, value)
			}
			return err
		},
		Read:   func(key string) []byte { return work(query("select k, v from "+name+" where k = $1", -1, text(key))) },
		Refuse: func(key string) []byte { return work(exec("insert into "+name+" values ($1, 'x')", 2, text(key))) },
		Value: func(_ participant.Resource, key string) (string, bool, error) {
			v, err := value[string](t.Context(), url, "select v from "+name+" where k = $1", key)
			if errors.Is(err, pgx.ErrNoRows) {
				return "", false, nil
			}
			return v, err == nil, err
		},
		Values: func(results []byte) (map[string]string, error) {
			var all txcpb.Results
			err := proto.Unmarshal(results, &all)
			got := map[string]string{}
			for _, r := range all.GetItems() {
				for _, row := range r.GetTable() {
					got[row.GetValues()[0].GetText()] = row.GetValues()[1].GetText()
				}
			}
			return got, err
		},
		Foreign: func(participant.Resource) (func() bool, error) {
			gids := []string{
				"foreign " + name, // not of our form; another participant's; another cluster's; no id
				txc.BranchName("test", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, 1, name+"-b"),
				txc.BranchName("other", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, 1, name),
				"txc/test/c01.1.1.0000000000000001/" + name,
			}
			for _, gid := range gids {
				do(t, url, "begin; insert into "+name+" values ('"+gid+"', ''); prepare transaction '"+gid+"'")
			}
			return func() bool {
				return one[int](t, url, "select count(*) from pg_prepared_xacts where gid = any ($1)", gids) == len(gids)
			}, nil
		},
	}
}
