package stores_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// shipping is work that a transaction file brings to a shop.
type shipping struct {
	good []struct{ says, sql, want string } // want: the shop's results
	bad  map[string][3]string               // sentence: SQL, code, what the reason says
}

// outcome is what `txc run` says.
type outcome struct {
	Outcome string                      `json:"outcome"`
	Reason  *procs.Reason               `json:"reason"`
	Results map[string][]map[string]any `json:"results"`
}

// ship sends a transaction that adds one to the bank's alice, and does SQL in the shop.
func (w *town) ship(t *testing.T, sql string) (o outcome) {
	t.Helper()
	r := w.Txc(t, "branches:\n- participant: bank\n  kv: [{add: {key: alice, by: 1}}]\n- participant: shop\n  sql:\n"+sql, "run", "-f", "-")
	if err := r.JSON(&o); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return o
}

// shipped sends all of it, and looks at what is left.
func (w *town) shipped(t *testing.T, all shipping, sessions string) {
	t.Helper()
	for _, row := range all.good {
		t.Run(row.says, func(t *testing.T) {
			o := w.ship(t, row.sql)
			var want []map[string]any
			if err := json.Unmarshal([]byte(row.want), &want); err != nil {
				t.Fatal(err)
			}
			if o.Outcome != "committed" || !reflect.DeepEqual(o.Results["shop"], want) {
				t.Errorf("%+v\nwant %v", o, want)
			}
		})
	}
	for says, row := range all.bad {
		t.Run(says, func(t *testing.T) {
			o := w.ship(t, row[0])
			if o.Outcome != "aborted" || o.Reason == nil || o.Reason.Code != row[1] || !strings.Contains(o.Reason.Text, row[2]) || o.Reason.Retryable {
				t.Errorf("%s %+v", o.Outcome, o.Reason)
			}
		})
	}
	if n := w.int(t, "select n from stock where sku = 'apple'"); n != 7 {
		t.Errorf("%d apples are left, want 7", n)
	}
	if n := w.rows(t, w.prepared, nil); n != 0 {
		t.Errorf("%d prepared transactions are left", n)
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
	if v := w.ReadDump(t, "bank").Data["alice"]; v != strconv.Itoa(len(all.good)) {
		t.Errorf("the bank took part in %s transactions, want %d", v, len(all.good))
	}
	look := time.NewTicker(20 * time.Millisecond) // the server ends them when it sees that they were closed
	defer look.Stop()
	for began := time.Now(); w.int(t, sessions) != 0; <-look.C {
		if time.Since(began) > settled {
			t.Fatalf("%d sessions are left", w.int(t, sessions))
		}
	}
}

// A transaction file with SQL, from `txc run` to the table and back.
func TestShippedSQL(t *testing.T) {
	t.Parallel()
	w := newTown(t, onPostgres, "shop", "create table stock (sku text primary key, n int not null check (n >= 0))",
		"create table things (id int primary key, b boolean, i bigint, f float8, s text, raw bytea, at timestamptz, exact numeric)",
		"insert into stock values ('apple', 10)")
	w.shipped(t, shipping{good: []struct{ says, sql, want string }{
		{"named statements", `  - exec: {name: take, args: [3, apple], rows: 1}
  - query: {name: stock_of, args: [apple], rows: 1}`,
			`[{"op":0,"kind":"affected","rows":1},{"op":1,"kind":"rows","columns":["n"],"rows":[[7]]}]`},
		{"every kind of value, there and back", `  - exec: {text: "insert into things values ($1, $2, $3, $4, $5, $6, $7, $8)", args: [1, true, 5000000000, 0.5, "it's", {base64: AP8=}, {time: "2026-11-20T10:00:00.000001Z"}, "1.10"]}
  - exec: {text: "insert into things values ($1, $2, $3, $4, $5, $6, $7, $8)", args: [2, null, null, null, null, null, null, null]}
  - query: {text: "select * from things order by id"}`,
			`[{"op":0,"kind":"affected","rows":1},{"op":1,"kind":"affected","rows":1},{"op":2,"kind":"rows","columns":["id","b","i","f","s","raw","at","exact"],"rows":[
				[1,true,5000000000,0.5,"it's",{"base64":"AP8="},{"time":"2026-11-20T10:00:00.000001Z"},"1.10"],[2,null,null,null,null,null,null,null]]}]`},
		{"arguments have the types that the same literals have", `  - query: {text: "select pg_typeof($1)::text, pg_typeof($2)::text, pg_typeof($3)::text, substr('abcdef', $1)", args: [3, 5000000000, 1.5]}`,
			`[{"op":0,"kind":"rows","columns":["pg_typeof","pg_typeof","pg_typeof","substr"],"rows":[["integer","bigint","numeric","cdef"]]}]`},
		{"no rows are rows", `  - query: {text: "select n from stock where sku = 'none'", rows: 0}`, `[{"op":0,"kind":"rows","columns":["n"],"rows":[]}]`},
	}, bad: map[string][3]string{
		"an expectation that is not met":          {`  - exec: {name: take, args: [30, apple], rows: 1}`, "refused", "1 were expected"},
		"a constraint of the table":               {`  - exec: {text: "update stock set n = -1"}`, "refused", "23514"},
		"a syntax error":                          {`  - exec: {text: "select from where"}`, "bad_work", "42601"},
		"an unknown name":                         {`  - exec: {name: bogus}`, "bad_work", "bogus"},
		"two statements in one":                   {`  - exec: {text: "select 1; commit"}`, "bad_work", "42601"},
		"the end of the transaction":              {`  - exec: {text: "/* /* */ */ -- x\n COMMIT"}`, "bad_work", "begins with"},
		"a new transaction within a block":        {`  - exec: {text: "do $$ begin update stock set n = 1; commit; end $$"}`, "store", "2D000"},
		"more rows than results hold":             {`  - query: {text: "select repeat('x', 1000) from generate_series(1, 100)"}`, "bad_work", "bytes"},
		"what cannot be prepared: a notification": {`  - exec: {text: "select pg_notify('a', 'b')"}`, "store", "0A000"},
	}}, "select count(*) from pg_stat_activity where application_name like 'txc/%'")
}

// A password is neither taken from the command line nor ever shown.
func TestPasswords(t *testing.T) {
	server := servers.Postgres(t)
	demo := procs.Binary(t, "participant-demo")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"--name", "shop", "--coordinator", "127.0.0.1:1", "--log-level", "debug"}
	t.Setenv("SHOP_PASSWORD", "hunter2")
	inside := strings.Replace(server.Store("postgres"), "postgres@", "postgres:${SHOP_PASSWORD}@", 1)
	rows := map[string]struct {
		args []string
		code int
		says string
	}{
		"spelled out on the command line: refused": {[]string{"--store", "postgres://a:hunter2@h/d"}, 2, "PGPASSWORD"},
		"spelled out as a parameter: refused":      {[]string{"--store", "postgres://a@h/d?password=hunter2"}, 2, "PGPASSWORD"},
		"a wrong one in a file":                    {[]string{"--store", server.Store("postgres"), "--password-file", wrong}, 1, "password authentication failed"},
		"a wrong one in the environment":           {[]string{"--store", inside}, 1, "password authentication failed"},
		"an address that cannot be read":           {[]string{"--store", "postgres://a:${SHOP_PASSWORD}@h:port/d"}, 2, "--store"},
		"a variable that is not there":             {[]string{"--store", "postgres://${NOT_THERE}@h/d"}, 2, "NOT_THERE"},
	}
	for _, says := range slices.Sorted(maps.Keys(rows)) {
		row := rows[says]
		t.Run(says, func(t *testing.T) {
			r := procs.RunContext(t.Context(), demo, "", append(base, row.args...)...)
			if all := r.Stdout + r.Stderr; r.Code != row.code || !strings.Contains(all, row.says) || strings.Contains(all, "hunter2") {
				t.Errorf("code %d: %s", r.Code, all)
			}
		})
	}
}
