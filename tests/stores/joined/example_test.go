package joined_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

func TestMain(m *testing.M) { procs.Main(m) }

// The example that users copy does what it says: a customer is gone from three databases, or from none.
func TestTheExampleUnsubscribe(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	cluster := procs.NewCluster(t, nil)
	root, err := procs.Root()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "unsubscribe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./examples/unsubscribe")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	schema, err := os.ReadFile(filepath.Join(root, "examples/unsubscribe/schema.sql"))
	if err != nil {
		t.Fatal(err)
	}
	databases := []string{"profile", "contract", "billing"}
	query(t, server.URL("postgres"), "create database profile", "create database contract", "create database billing")
	parts := strings.Split(string(schema), "-- ")[1:]
	if len(parts) != len(databases) {
		t.Fatalf("schema.sql has %d parts", len(parts))
	}
	args := []string{cluster.Coordinator.Address}
	for i, name := range databases {
		query(t, server.URL(name), "-- "+parts[i])
		args = append(args, server.URL(name))
	}
	left := func(customer string) string {
		return query(t, server.URL("profile"), "select count(*)::text from profile where customer = "+customer) + " " +
			query(t, server.URL("contract"), "select (ended is null)::text from contract where customer = "+customer) + " " +
			query(t, server.URL("billing"), "select closed::text from account where customer = "+customer)
	}
	good := procs.RunContext(t.Context(), program, "", append(args, "1")...)
	if good.Code != 0 || !strings.Contains(good.Stdout, "committed") || left("1") != "0 false true" {
		t.Errorf("%+v: %s", good, left("1"))
	}
	bad := procs.RunContext(t.Context(), program, "", append(args, "2")...)
	if bad.Code != 1 || !strings.Contains(bad.Stderr, "customer 2 owes 20") || left("2") != "1 true false" {
		t.Errorf("%+v: %s", bad, left("2"))
	}
}

// query runs statements, and gives the first value of the last one's rows, if it has any.
func query(t *testing.T, url string, statements ...string) (last string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for _, sql := range statements {
		results, err := c.PgConn().Exec(t.Context(), sql).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if rows := results[len(results)-1].Rows; len(rows) > 0 {
			last = string(rows[0][0])
		}
	}
	return last
}
