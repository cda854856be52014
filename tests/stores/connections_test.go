package stores_test

import (
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// What --connections says reaches the store: the doctor finds that the server has not so many.
func TestConnectionsAreTheUsers(t *testing.T) {
	pg, maria := servers.Postgres(t, "max_prepared_transactions=2000"), servers.MariaDB(t)
	t.Setenv("PGPASSWORD", servers.Password)
	t.Setenv("MYSQL_PWD", servers.Password)
	w := procs.DescribeCluster(t, nil)
	w.Add(t, "orders", "--store", pg.Store("postgres"), "--connections", "1000")
	w.Add(t, "stock", "--store", maria.Store("txc"), "--connections", "200")
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	got := w.Txc(t, "", "doctor")
	for _, want := range []string{"postgres-few-connections", "this participant alone may use 1500", "mysql-few-connections", "this participant alone may use 500"} {
		if got.Code != 7 || !strings.Contains(got.Stdout, want) {
			t.Errorf("exit %d, no %q:\n%s%s", got.Code, want, got.Stdout, got.Stderr)
		}
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
}
