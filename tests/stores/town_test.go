package stores_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// town is a coordinator, a key-value bank, and shops in a database of a server, each a process.
type town struct {
	*procs.Cluster
	server *servers.PostgresServer
	url    string
}

const configuration = `
allow_free_sql: true
lock_timeout: 500ms
statements:
  stock_of: {text: "select n from stock where sku = $1 for update", query: true}
  take: {text: "update stock set n = n - $1 where sku = $2 and n >= $1"}
`

// newTown starts everything; shops keep what they sell in tables that already exist in the database named postgres.
func newTown(t *testing.T, shop string, ddl string) *town {
	t.Helper()
	server := servers.Postgres(t)
	w := &town{Cluster: procs.DescribeCluster(t, []string{"bank"}), server: server, url: server.URL("postgres")}
	do(t, w.url, ddl)
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "password"), filepath.Join(dir, "config.yaml")
	for path, text := range map[string]string{secret: servers.Password + "\n", config: "password_file: " + secret + configuration} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := procs.FreeAddress(t)
	w.Participants = append(w.Participants, procs.NewServer(t, shop, address, procs.Binary(t, "participant-demo"),
		"--name", shop, "--listen", address, "--coordinator", w.Coordinator.Address, "--store", server.Store("postgres"), "--config", config))
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w.Cluster); err != nil {
		t.Fatal(err)
	}
	return w
}
