package stores_test

import (
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The same with MariaDB.
func TestShippedSQLToMySQL(t *testing.T) {
	t.Parallel()
	w := newTown(t, onMariaDB(), "shop", "create table stock (sku varchar(20) primary key, n int not null, check (n >= 0))",
		"create table things (id int primary key, b boolean, i bigint, u bigint unsigned, f double, f4 float, s text, raw blob, at timestamp(6) null, day date, exact decimal(10, 2), j json, bits bit(9))",
		"insert into stock values ('apple', 10)", "create procedure ends() begin update stock set n = 1; commit; end",
		"create procedure shows() begin select 1 as one; select 2 as two; end")
	w.shipped(t, shipping{good: []struct{ says, sql, want string }{
		{"named statements", `  - exec: {name: take, args: [3, apple, 3], rows: 1}
  - query: {name: stock_of, args: [apple], rows: 1}`,
			`[{"op":0,"kind":"affected","rows":1},{"op":1,"kind":"rows","columns":["n"],"rows":[[7]]}]`},
		{"every kind of value, there and back", `  - exec: {text: "insert into things values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args: [1, true, 5000000000, "18446744073709551615", 0.5, 0.1, "it's ä", {base64: AP8=}, {time: "2026-11-20T10:00:00.000001Z"}, "2026-11-20", "1.10", '{"a": 1}', {base64: AYA=}]}
  - exec: {text: "insert into things values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args: [2, null, null, null, null, null, null, null, null, null, null, null, null]}
  - query: {text: "select * from things order by id"}`,
			`[{"op":0,"kind":"affected","rows":1},{"op":1,"kind":"affected","rows":1},{"op":2,"kind":"rows","columns":["id","b","i","u","f","f4","s","raw","at","day","exact","j","bits"],"rows":[
				[1,1,5000000000,"18446744073709551615",0.5,0.1,"it's ä",{"base64":"AP8="},{"time":"2026-11-20T10:00:00.000001Z"},"2026-11-20","1.10","{\"a\": 1}",{"base64":"AYA="}],
				[2,null,null,null,null,null,null,null,null,null,null,null,null]]}]`},
		{"an update counts what it found", `  - exec: {text: "update stock set n = n where sku = ?", args: [apple], rows: 1}`, `[{"op":0,"kind":"affected","rows":1}]`},
		{"no rows are rows", `  - query: {text: "select n from stock where sku = 'none'", rows: 0}`, `[{"op":0,"kind":"rows","columns":["n"],"rows":[]}]`},
		{"the first rows that a procedure gives", `  - query: {text: "call shows()", rows: 1}`, `[{"op":0,"kind":"rows","columns":["one"],"rows":[[1]]}]`},
		{"a session's leftovers do not matter", `  - query: {text: "select count(*) as n from things"}`, `[{"op":0,"kind":"rows","columns":["n"],"rows":[[2]]}]`},
	}, bad: map[string][3]string{
		"an expectation that is not met":           {`  - exec: {name: take, args: [30, apple, 30], rows: 1}`, "refused", "1 were expected"},
		"a constraint of the table":                {`  - exec: {text: "update stock set n = -1"}`, "refused", "4025"},
		"a key that is there":                      {`  - exec: {text: "insert into stock values ('apple', 1)"}`, "refused", "1062"},
		"a syntax error":                           {`  - exec: {text: "select from where"}`, "bad_work", "1064"},
		"an unknown name":                          {`  - exec: {name: bogus}`, "bad_work", "bogus"},
		"two statements in one":                    {`  - exec: {text: "select 1; commit"}`, "bad_work", "1064"},
		"two statements in one, with a bit behind": {`  - exec: {text: "update stock set n = 1; xa end 'x' -- "}`, "bad_work", "1064"},
		"too few arguments":                        {`  - exec: {name: take, args: [3]}`, "bad_work", "3 placeholders"},
		"the end of the transaction":               {`  - exec: {text: "/* */ # x\n COMMIT"}`, "bad_work", "begins with"},
		"the end of the transaction, in a comment": {`  - exec: {text: "/*!40000 commit */"}`, "bad_work", "executed"},
		"the end of the transaction, within":       {`  - exec: {text: "call ends()"}`, "bad_work", "1399"},
		"a time that the column cannot hold":       {`  - exec: {text: "update things set at = ?", args: [{time: "2126-11-20T10:00:00Z"}]}`, "bad_work", "1292"},
		"more rows than results hold":              {`  - query: {text: "select repeat('x', 1000) from seq_1_to_100"}`, "bad_work", "bytes"},
	}}, "select count(*) from information_schema.processlist where user = 'txc' and id <> connection_id()")
}

// A participant whose promises would not be durable does not start, unless it is told to by name.
func TestUnfitMySQLServersAreRefused(t *testing.T) {
	t.Setenv("MYSQL_PWD", servers.Password)
	server := servers.MariaDB(t, "innodb-flush-log-at-trx-commit=2", "innodb-doublewrite=0", "log-bin", "sync-binlog=0", "max-connections=50")
	demo := procs.Binary(t, "participant-demo")
	args := []string{"--name", "shop", "--coordinator", "127.0.0.1:1", "--store", server.Store("txc")}
	for _, name := range []string{"mysql-flush-log", "mysql-sync-binlog", "mysql-doublewrite"} {
		r := procs.RunContext(t.Context(), demo, "", args...)
		if r.Code != 2 || !strings.Contains(r.Stderr, name) {
			t.Errorf("%s: code %d: %s", name, r.Code, r.Stderr)
		}
		args = append(args, "--waive", name)
	}
	p := procs.NewServer(t, "shop", "127.0.0.1:0", demo, args...)
	if err := p.Start(); err != nil {
		t.Fatalf("with everything waived: %v", err)
	}
	if code, err := p.Stop(); code != 0 || err != nil {
		t.Errorf("code %d: %v", code, err)
	}
}
