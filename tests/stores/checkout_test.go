package stores_test

import (
	"encoding/json"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The example of a checkout, with its own files, against all four servers.
func TestCheckoutExample(t *testing.T) {
	t.Parallel()
	root, err := procs.Root()
	if err != nil {
		t.Fatal(err)
	}
	example := filepath.Join(root, "examples", "checkout")
	program := built(t, example)
	orders, stock, points, events := servers.Postgres(t), servers.MariaDB(t), servers.Redis(t), servers.NATS(t)
	text := func(name string) string {
		sql, err := os.ReadFile(filepath.Join(example, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(sql)
	}
	do(t, orders.URL("postgres"), text("orders.sql"))
	goods := maria{stock, "txc"}.client(t)
	for _, statement := range []string{text("stock.sql"), "insert into stock values ('apple', 10)"} {
		if _, err := goods.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	js := streams(t, events)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "orders", Subjects: []string{"order.>"}}); err != nil {
		t.Fatal(err)
	}
	w := procs.DescribeCluster(t, nil)
	configured(t, w, example, map[string][]string{
		"orders": {"--store", orders.Store("postgres")}, "stock": {"--store", stock.Store("txc")}, "points": {"--store", points.Store()},
		"events": {"--store", events.Store(), "--staging", filepath.Join(t.TempDir(), "staging")},
	})
	sell := func(says string, args ...string) {
		t.Helper()
		cmd := osexec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "COORDINATOR="+w.Coordinator.Address)
		out, err := cmd.CombinedOutput()
		if sold := strings.Contains(string(out), "is sold"); (err == nil) != sold || !strings.Contains(string(out), says) {
			t.Errorf("checkout %v: %v: %s; want %q", args, err, out, says)
		}
	}
	sell("is sold", "4711", "ada", "apple", "3")
	sell("is sold", "4711", "ada", "apple", "3")         // the same order again: sold once
	sell("1 were expected", "4712", "ada", "apple", "8") // more than there are
	sell("1 were expected", "4713", "ada", "pear", "1")  // not sold here
	sell("another request", "4711", "ada", "apple", "4") // another order of the same number
	points.Kill()                                        // and a store that is away
	sell("is away", "4714", "ada", "apple", "1")         // nothing is sold
	if err := points.Start(); err != nil {
		t.Fatal(err)
	}
	sell("is sold", "4715", "bob", "apple", "2")

	if got := one[string](t, orders.URL("postgres"), "select string_agg(id || ' ' || customer || ' ' || pieces, ', ' order by id) from orders"); got != "4711 ada 3, 4715 bob 2" {
		t.Errorf("orders: %s", got)
	}
	var left int
	if err := goods.QueryRowContext(t.Context(), "select pieces from stock where sku = 'apple'").Scan(&left); err != nil || left != 5 {
		t.Errorf("%d apples are left, want 5: %v", left, err)
	}
	for customer, want := range map[string]string{"ada": "30", "bob": "20"} {
		if got, err := client(t, points).Get(t.Context(), "points:"+customer).Result(); got != want || err != nil {
			t.Errorf("%s has %q points, want %s: %v", customer, got, want, err)
		}
	}
	var told []string
	for _, body := range bodies(t, js, "orders") {
		var event struct {
			ID     string `json:"id"`
			Pieces int    `json:"pieces"`
		}
		if err := json.Unmarshal([]byte(body), &event); err != nil || event.Pieces == 0 {
			t.Errorf("event %s: %v", body, err)
		}
		told = append(told, event.ID)
	}
	if want := []string{"4711", "4715"}; !slices.Equal(told, want) {
		t.Errorf("events tell of %v, want %v", told, want)
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
}

// built builds the program in a directory.
func built(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), filepath.Base(dir))
	build := osexec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// configured adds a participant for each of an example's configuration files, with its store here, and starts everything.
func configured(t *testing.T, w *procs.Cluster, example string, stores map[string][]string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(servers.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range stores {
		address := procs.FreeAddress(t)
		args := append([]string{"--config", filepath.Join(example, name+".yaml"), "--listen", address, "--coordinator", w.Coordinator.Address, "--password-file", secret}, flags...)
		w.Participants = append(w.Participants, procs.NewServer(t, name, address, procs.Binary(t, "participant-demo"), args...))
	}
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}
