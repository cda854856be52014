package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// maria is a database of a MariaDB server, as somebody sees it who has nothing to do with us.
type maria struct {
	*servers.MariaDBServer
	database string
}

// client connects; its sessions end with the test.
func (m maria) client(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", m.DSN(m.database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// do runs statements, all on one session, which ends.
func (m maria) do(t testing.TB, statements ...string) {
	t.Helper()
	db, err := sql.Open("mysql", m.DSN(m.database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), strings.Join(statements, "; ")); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// prepared lists what the server has prepared, whoever's it is, with the format of each.
func (m maria) prepared(t testing.TB) map[string]int64 {
	t.Helper()
	db, err := sql.Open("mysql", m.DSN(m.database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "xa recover")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var format, gtrid, bqual int64
		var data string
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			t.Fatal(err)
		}
		all[data[:gtrid]+"."+data[gtrid:]] = format
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// xid spells a branch's name as XA statements do.
func xid(name string, format int64) string {
	slash := strings.LastIndexByte(name, '/')
	dot := strings.LastIndexByte(name[:slash], '.')
	return fmt.Sprintf("'%s','%s',%d", name[:dot], name[dot+1:], format)
}

func (m maria) url() string {
	return strings.Replace(m.Store(m.database), "txc@", "txc:"+strings.ReplaceAll(servers.Password, " ", "%20")+"@", 1)
}

// All cases share one database, each as a participant of its own; with the binary log and without it.
func TestMySQLResource(t *testing.T) {
	for says, settings := range map[string][]string{"": nil, "with the binary log": {"log-bin", "sync-binlog=1"}} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			m := maria{servers.MariaDB(t, settings...), "txc"}
			var n atomic.Int64
			resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
				name := fmt.Sprintf("orders%d", n.Add(1))
				m.do(t, "create table "+name+" (k varchar(60) primary key, v text not null)")
				return mysqlStore(t, m, name)
			})
		})
	}
}

func mysqlStore(t *testing.T, m maria, name string) *resourcetest.Store {
	var opened sync.Map
	return &resourcetest.Store{
		Cluster: "test", Participant: name, Broken: []byte("no work"),
		Open: func() (participant.Resource, error) {
			s, err := mysql.Open(t.Context(), m.url(), mysql.Options{Cluster: "test", Name: name, AllowFreeSQL: true, Connections: 16})
			if err == nil {
				opened.Store(s, true)
			}
			return s, err
		},
		Crash: func(participant.Resource) error { return nil }, // its sessions stay: the next one ends them (P10)
		Done: func() {
			opened.Range(func(s, _ any) bool {
				if err := s.(*mysql.Store).Close(context.Background()); err != nil {
					t.Error(err)
				}
				return true
			})
		},
		Write: func(key, value string) []byte {
			return work(exec("replace into "+name+" values (?, ?)", -1, text(key), text(value)))
		},
		Call: func(ctx context.Context, key, value string) error {
			conn, err := mysql.Conn(ctx)
			if err == nil {
				_, err = conn.ExecContext(ctx, "replace into "+name+" values (?, ?)", key, value)
			}
			return err
		},
		Read:   func(key string) []byte { return work(query("select k, v from "+name+" where k = ?", -1, text(key))) },
		Refuse: func(key string) []byte { return work(exec("insert into "+name+" values (?, 'x')", 2, text(key))) },
		Value: func(_ participant.Resource, key string) (v string, found bool, err error) {
			db, err := sql.Open("mysql", m.DSN(m.database))
			if err != nil {
				return "", false, err
			}
			defer db.Close()
			err = db.QueryRowContext(t.Context(), "select v from "+name+" where k = ?", key).Scan(&v)
			if errors.Is(err, sql.ErrNoRows) {
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
			names := []string{
				"foreign.x/" + name, // not of our form; another participant's; another cluster's; no id
				txc.BranchName("test", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, 1, name+"-b"),
				txc.BranchName("other", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}, 1, name),
				"txc/test/c01.1.1.0000000000000001/" + name,
				txc.BranchName("test", txc.ID{Coordinator: 1, Epoch: 1, Sequence: 77}, 1, name), // of another database
			}
			for _, n := range names {
				x := xid(n, 7)
				m.do(t, "xa start "+x, "insert into "+name+" values ('"+n+"', '')", "xa end "+x, "xa prepare "+x)
			}
			return func() bool {
				all := m.prepared(t)
				for _, n := range names {
					if all[n] != 7 {
						t.Errorf("%s is gone", n)
					}
				}
				return !t.Failed()
			}, nil
		},
	}
}
