package stores_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// `txc bench --store` measures participants of real databases: it is about what is reported and what is in them afterwards,
// never about a number.
func TestBenchOnDatabases(t *testing.T) {
	pg, maria, red := servers.Postgres(t, "max_prepared_transactions=100"), servers.MariaDB(t), servers.Redis(t)
	t.Setenv("PGPASSWORD", servers.Password)
	t.Setenv("MYSQL_PWD", servers.Password)
	t.Setenv("REDISCLI_AUTH", servers.Password)
	got := procs.Run(t, "txc", "", "bench", "--store", strings.Join([]string{pg.Store("postgres"), maria.Store("txc"), red.Store()}, ","),
		"--participants", "3", "--clients", "4", "--duration", "300ms", "--rounds", "1", "--wait", "applied", "--dir", t.TempDir(), "-o", "json")
	if got.Code != 0 {
		t.Fatalf("%d\n%s", got.Code, got.Stderr)
	}
	var report struct {
		Store string `json:"store"`
		Rows  []struct {
			TxPerS float64 `json:"tx_per_s"`
		} `json:"rows"`
	}
	if err := got.JSON(&report); err != nil || report.Store != "postgres, mysql, redis" || len(report.Rows) != 1 || report.Rows[0].TxPerS <= 0 {
		t.Errorf("%+v: %v", report, err)
	}
	db, err := sql.Open("mysql", maria.DSN("txc"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var added, points int64
	if err := db.QueryRowContext(t.Context(), "select cast(sum(n) as signed) from txc_bench").Scan(&added); err != nil {
		t.Fatal(err)
	}
	client := red.Client()
	defer client.Close()
	all := client.Scan(t.Context(), 0, "account/*", 1000).Iterator()
	for all.Next(t.Context()) {
		n, err := client.Get(t.Context(), all.Val()).Int64()
		if err != nil {
			t.Fatal(err)
		}
		points += n
	}
	if taken := one[int64](t, pg.URL("postgres"), "select sum(n)::bigint from txc_bench"); all.Err() != nil || added <= 0 || taken != -added || points != -added {
		t.Errorf("PostgreSQL has %d, MariaDB %d, Redis %d: %v", taken, added, points, all.Err())
	}
}
