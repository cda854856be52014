package stores_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// ground is what a town's shop stands on: a kind of SQL database.
type ground struct {
	start func(t *testing.T) (server *servers.Server, store, driver, dsn string)

	take, note string // statements of a payment: an amount off an account, and a key
	named      string // of the configuration
	prepared   string // a query that has a row for each branch that is prepared, whoever's
}

var onPostgres = ground{
	start: func(t *testing.T) (*servers.Server, string, string, string) {
		s := servers.Postgres(t)
		return s.Server, s.Store("postgres"), "pgx", s.URL("postgres")
	},
	take: "update account set balance = balance - $1 where id = $2", note: "insert into payment values ($1)",
	named: `
  stock_of: {text: "select n from stock where sku = $1 for update", query: true}
  take: {text: "update stock set n = n - $1 where sku = $2 and n >= $1"}`,
	prepared: "select gid from pg_prepared_xacts",
}

// onMariaDB is a MariaDB server with these settings.
func onMariaDB(settings ...string) ground {
	return ground{
		start: func(t *testing.T) (*servers.Server, string, string, string) {
			s := servers.MariaDB(t, settings...)
			return s.Server, s.Store("txc"), "mysql", s.DSN("txc")
		},
		take: "update account set balance = balance - ? where id = ?", note: "insert into payment values (?)",
		named: `
  stock_of: {text: "select n from stock where sku = ? for update", query: true}
  take: {text: "update stock set n = n - ? where sku = ? and n >= ?"}`,
		prepared: "xa recover",
	}
}

// town is a coordinator, a key-value bank, and a shop in a database of a server, each a process.
type town struct {
	*procs.Cluster
	ground
	server *servers.Server
	db     *sql.DB // the shop's, as somebody sees it who has nothing to do with us
}

// newTown starts everything; the shop keeps what it sells in tables that the statements make.
func newTown(t *testing.T, on ground, shop string, statements ...string) *town {
	t.Helper()
	server, store, driver, dsn := on.start(t)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &town{Cluster: procs.DescribeCluster(t, []string{"bank"}), ground: on, server: server, db: db}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "password"), filepath.Join(dir, "config.yaml")
	for path, text := range map[string]string{
		secret: servers.Password + "\n", config: "password_file: " + secret + "\nallow_free_sql: true\nlock_timeout: 500ms\nstatements:" + on.named + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := procs.FreeAddress(t)
	w.Participants = append(w.Participants, procs.NewServer(t, shop, address, procs.Binary(t, "participant-demo"),
		"--name", shop, "--listen", address, "--coordinator", w.Coordinator.Address, "--store", store, "--config", config))
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w.Cluster); err != nil {
		t.Fatal(err)
	}
	return w
}

// int is the one number that a query gives.
func (w *town) int(t *testing.T, query string) (n int) {
	t.Helper()
	if err := w.db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// rows is how many a query gives; visit, if any, reads each.
func (w *town) rows(t *testing.T, query string, visit func(scan func(dest ...any) error) error) (n int) {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		if visit == nil {
			continue
		}
		if err := visit(rows.Scan); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
