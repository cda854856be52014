package kinds

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc/tests/internal/servers"
)

// passwordFile is a file with the password of all servers.
func passwordFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(servers.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
