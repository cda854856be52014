package servers

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// Password is that of the only user, postgres.
const Password = "a secret of the tests"

// PostgresServer is one PostgreSQL server.
type PostgresServer struct{ *Server }

// Postgres makes a server for a test and starts it; settings (name=value) are added to those that tests need, and win.
func Postgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	s, err := StartPostgres(settings...)
	s.keep(t, err)
	return s
}

// StartPostgres is the same without a test: Close ends it. The error wraps suite.ErrMissing where it is not installed.
func StartPostgres(settings ...string) (*PostgresServer, error) {
	bin, err := binaries()
	if err != nil {
		return &PostgresServer{}, err
	}
	s, err := start(shape{
		name: "postgres", users: []string{"postgres", "nobody"}, // it refuses root
		init: func(ctx context.Context, s *Server) error {
			if err := s.write("password", Password); err != nil {
				return err
			}
			// Nothing here has to survive a power loss before the server itself starts to sync.
			return s.command(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(s.Dir, "data"), "-U", "postgres", "-E", "UTF8",
				"--locale=C", "--no-sync", "--auth=scram-sha-256", "--pwfile="+filepath.Join(s.Dir, "password")).Run()
		},
		start: func(s *Server) *exec.Cmd {
			args := []string{"-D", filepath.Join(s.Dir, "data")}
			for _, one := range append([]string{
				"listen_addresses=127.0.0.1", "port=" + s.Port(), "unix_socket_directories=", "max_prepared_transactions=100",
				"max_connections=200", "shared_buffers=16MB", "fsync=on", "log_min_messages=fatal",
			}, settings...) {
				args = append(args, "-c", one)
			}
			return s.command(context.Background(), filepath.Join(bin, "postgres"), args...)
		},
		ready: func(ctx context.Context, s *Server) error {
			c, err := pgx.Connect(ctx, (&PostgresServer{s}).URL("postgres"))
			if err != nil {
				return err
			}
			return c.Close(ctx)
		},
	})
	return &PostgresServer{s}, err
}

// binaries is where the newest installed version has its programs, which Debian keeps out of the path.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%w: PostgreSQL (Debian: postgresql)", suite.ErrMissing)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // not a number: the oldest
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// URL is the address of a database, with the password.
func (s *PostgresServer) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", Password), Host: s.Address, Path: "/" + database}
	return u.String()
}

// Store is the same without the password.
func (s *PostgresServer) Store(database string) string {
	return "postgres://postgres@" + s.Address + "/" + database
}
