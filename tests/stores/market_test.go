package stores_test

import (
	"fmt"
	"strings"
	"testing"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// market is a coordinator, a key-value bank, and a shop in a server's store: where payments are made while all of them are killed.
type market struct {
	*procs.Cluster
	shop
	server *servers.Server
}

// shop is what payments need of a kind of store.
type shop interface {
	branch(amount, account int, key string) map[string]any // takes an amount off an account, and notes a key that is new
	doubtful(t *testing.T) int                             // how many branches are prepared
	sold(t *testing.T) (keys map[string]bool, left int)    // what was noted, and what is on all accounts
}

// tables is a market over a SQL database.
func tables(on ground) func(t *testing.T) market {
	return func(t *testing.T) market {
		all := []string{"create table account (id int primary key, balance int not null check (balance >= 0))", "create table payment (k varchar(40) primary key)"}
		for i := range accounts {
			all = append(all, fmt.Sprintf("insert into account values (%d, %d)", i, start))
		}
		w := newTown(t, on, "shop", all...)
		return market{w.Cluster, tableShop{w}, w.server}
	}
}

type tableShop struct{ *town }

func (w tableShop) branch(amount, account int, key string) map[string]any {
	return map[string]any{"participant": "shop", "sql": []any{
		map[string]any{"exec": map[string]any{"text": w.take, "args": []int{amount, account}, "rows": 1}},
		map[string]any{"exec": map[string]any{"text": w.note, "args": []string{key}, "rows": 1}}}}
}

func (w tableShop) doubtful(t *testing.T) int { return w.rows(t, w.prepared, nil) }

func (w tableShop) sold(t *testing.T) (keys map[string]bool, left int) {
	keys = map[string]bool{}
	w.rows(t, "select k from payment", func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		keys[key] = true
		return err
	})
	return keys, w.int(t, "select sum(balance) from account")
}

// keys is a market over Redis.
func keys(t *testing.T) market {
	server := servers.Redis(t)
	shop := keyShop{client(t, server)}
	for i := range accounts {
		if err := shop.db.Set(t.Context(), fmt.Sprint("account:", i), start, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return market{newRedisTown(t, server, "shop"), shop, server.Server}
}

type keyShop struct{ db *driver.Client }

func (keyShop) branch(amount, account int, key string) map[string]any {
	do := func(expect, name string, args ...string) any {
		m := map[string]any{"command": name, "args": args}
		if expect != "" {
			m["expect"] = expect
		}
		return map[string]any{"do": m}
	}
	return map[string]any{"participant": "shop", "redis": []any{
		do("", "decrby", fmt.Sprint("account:", account), fmt.Sprint(amount), "min", "0"), do("OK", "set", "payment:"+key, "1", "nx")}}
}

func (s keyShop) doubtful(t *testing.T) int {
	t.Helper()
	branches, err := s.db.SCard(t.Context(), "txc:doubt/txc/shop").Result()
	if err != nil {
		t.Fatal(err)
	}
	locks, err := s.db.HLen(t.Context(), "txc:locks").Result()
	if err != nil {
		t.Fatal(err)
	}
	return int(max(branches, locks)) // a lock without its branch would be one that is left
}

func (s keyShop) sold(t *testing.T) (keys map[string]bool, left int) {
	t.Helper()
	keys = map[string]bool{}
	all := s.db.Scan(t.Context(), 0, "payment:*", 1000).Iterator()
	for all.Next(t.Context()) {
		keys[strings.TrimPrefix(all.Val(), "payment:")] = true
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range accounts {
		n, err := s.db.Get(t.Context(), fmt.Sprint("account:", i)).Int()
		if err != nil {
			t.Fatal(err)
		}
		left += n
	}
	return keys, left
}
