package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	_ "github.com/go-sql-driver/mysql" // for database/sql
	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/client"
)

// operation is what a workload has a branch do to one account, in the words of no store.
type operation struct {
	verb    verb
	account int
	by      int64
}

type verb uint8

const (
	get verb = iota
	put
	add
)

// store is a sort of store that a workload can run on.
type store struct {
	name   string
	scheme string                                          // of its addresses; "": a directory of this run's own
	setup  func(ctx context.Context, address string) error // makes what the operations need; nil: nothing
	work   func(o operation) client.Work
}

// stores are all of them; the first is the default.
var stores = []store{
	{name: "kv", work: func(o operation) client.Work {
		switch o.verb {
		case put:
			return client.KV(client.Put(fmt.Sprintf("k%d", o.account), payload))
		case add:
			return client.KV(client.Add(account(o.account), o.by))
		default:
			return client.KV(client.Get(account(o.account)))
		}
	}},
	{name: "postgres", scheme: "postgres://", setup: setUpPostgres, work: func(o operation) client.Work {
		return statement(o, "update txc_bench set note = $1 where id = $2", "update txc_bench set n = n + $1 where id = $2", "select n from txc_bench where id = $1")
	}},
	{name: "mysql", scheme: "mysql://", setup: setUpMySQL, work: func(o operation) client.Work {
		return statement(o, "update txc_bench set note = ? where id = ?", "update txc_bench set n = n + ? where id = ?", "select n from txc_bench where id = ?")
	}},
	{name: "redis", scheme: "redis://", work: func(o operation) client.Work {
		switch o.verb {
		case put:
			return client.Redis(client.Do("SET", fmt.Sprintf("k%d", o.account), string(payload)))
		case add:
			return client.Redis(client.Do("INCRBY", account(o.account), strconv.FormatInt(o.by, 10)))
		default:
			return client.Redis(client.Do("GET", account(o.account)))
		}
	}},
}

func statement(o operation, putText, addText, getText string) client.Work {
	switch o.verb {
	case put:
		return client.SQL(client.ExecText(putText, payload, o.account).Rows(1))
	case add:
		return client.SQL(client.ExecText(addText, o.by, o.account).Rows(1))
	default:
		return client.SQL(client.QueryText(getText, o.account))
	}
}

// storeOf finds the store of an address.
func storeOf(address string) (store, bool) {
	for _, s := range stores[1:] {
		if strings.HasPrefix(address, s.scheme) {
			return s, true
		}
	}
	return stores[0], address == "" || address == stores[0].name
}

// address is that of participant i's store; "": a directory.
func (o *Options) address(i int) string {
	if len(o.Stores) == 0 || o.Stores[0] == stores[0].name {
		return ""
	}
	return o.Stores[i%len(o.Stores)]
}

func (o *Options) store(i int) store {
	s, _ := storeOf(o.address(i))
	return s
}

// storeNames names the participants' stores, for the report.
func (o *Options) storeNames() string {
	var names []string
	for i := range max(1, len(o.Stores)) {
		names = append(names, o.store(i).name)
	}
	return strings.Join(names, ", ")
}

// setUp makes what the workload needs in each database.
func (o *Options) setUp(ctx context.Context) error {
	for i := range len(o.Stores) {
		s := o.store(i)
		if s.setup == nil {
			continue
		}
		o.say("%s: %d accounts", s.name, accounts)
		if err := s.setup(ctx, o.address(i)); err != nil {
			return fmt.Errorf("make the accounts in %s: %w", s.name, err)
		}
	}
	return nil
}

const schema = `create table if not exists txc_bench (id int primary key, n bigint not null, note `

func setUpPostgres(ctx context.Context, address string) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, schema+`bytea)`)
	if err == nil {
		_, err = c.Exec(ctx, `insert into txc_bench select i, 0 from generate_series(0, $1) i on conflict do nothing`, accounts-1)
	}
	return errors.Join(err, c.Close(ctx))
}

func setUpMySQL(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address is not mysql://user@host:port/database")
	}
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)%s", u.User.Username(), os.Getenv("MYSQL_PWD"), u.Host, u.Path))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, schema+`varbinary(100)) engine = InnoDB`)
	for from := 0; err == nil && from < accounts; from += 1000 {
		rows := make([]string, 1000)
		for i := range rows {
			rows[i] = fmt.Sprintf("(%d, 0, null)", from+i)
		}
		_, err = db.ExecContext(ctx, `insert ignore into txc_bench values `+strings.Join(rows, ", "))
	}
	return errors.Join(err, db.Close())
}
