package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// MariaDBServer is one MariaDB server. Its user is txc, with Password, who may do everything.
type MariaDBServer struct{ *Server }

// MariaDB makes a server for a test and starts it; settings (name=value) are added to those that tests need, and win.
func MariaDB(t testing.TB, settings ...string) *MariaDBServer {
	t.Helper()
	s, err := StartMariaDB(settings...)
	s.keep(t, err)
	return s
}

// StartMariaDB is the same without a test: Close ends it. The error wraps suite.ErrMissing where it is not installed.
func StartMariaDB(settings ...string) (*MariaDBServer, error) {
	server, err := mariaProgram("mariadbd", "/usr/sbin/mariadbd")
	if err != nil {
		return &MariaDBServer{}, err
	}
	install, err := mariaProgram("mariadb-install-db")
	if err != nil {
		return &MariaDBServer{}, err
	}
	s, err := start(shape{
		name: "mariadb", users: []string{"mysql", "nobody"}, // it refuses root
		init: func(ctx context.Context, s *Server) error {
			cmd := s.command(ctx, install, "--no-defaults", "--datadir="+filepath.Join(s.Dir, "data"), "--skip-test-db",
				"--auth-root-authentication-method=normal", "--innodb-log-file-size=8M")
			cmd.Env = withTemp(s)
			if err := cmd.Run(); err != nil {
				return err
			}
			// Read at each start; it does nothing from the second one on.
			return s.write("users.sql", fmt.Sprintf("create user if not exists txc@'127.0.0.1' identified by '%s';\n"+
				"grant all on *.* to txc@'127.0.0.1' with grant option;\ncreate database if not exists txc;\n", Password))
		},
		start: func(s *Server) *exec.Cmd {
			args := []string{
				"--no-defaults", "--datadir=" + filepath.Join(s.Dir, "data"), "--bind-address=127.0.0.1", "--port=" + s.Port(),
				"--socket=" + filepath.Join(s.Dir, "socket"), "--pid-file=" + filepath.Join(s.Dir, "pid"), "--init-file=" + filepath.Join(s.Dir, "users.sql"),
				"--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--max-connections=400", "--skip-name-resolve", "--server-id=1",
			}
			for _, one := range settings {
				args = append(args, "--"+one)
			}
			cmd := s.command(context.Background(), server, args...)
			cmd.Env = withTemp(s)
			return cmd
		},
		ready: func(ctx context.Context, s *Server) error {
			db, err := sql.Open("mysql", (&MariaDBServer{s}).DSN("txc"))
			if err != nil {
				return err
			}
			return errors.Join(db.PingContext(ctx), db.Close())
		},
	})
	return &MariaDBServer{s}, err
}

// withTemp is the environment with temporary files in the server's own directory: a server that starts removes what looks like
// a temporary table, whoever's it is.
func withTemp(s *Server) []string { return append(os.Environ(), "TMPDIR="+s.Dir) }

// mariaProgram finds a program of MariaDB, in the path or elsewhere.
func mariaProgram(name string, elsewhere ...string) (string, error) {
	for _, path := range append([]string{name}, elsewhere...) {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%w: MariaDB (Debian: mariadb-server)", suite.ErrMissing)
}

// DSN is the address of a database as the driver takes it; several statements at once are allowed.
func (s *MariaDBServer) DSN(database string) string {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.MultiStatements, c.InterpolateParams = "txc", Password, "tcp", s.Address, database, true, true
	c.Logger = &mysql.NopLogger{}
	return c.FormatDSN()
}

// Store is the address as a participant takes it, without the password.
func (s *MariaDBServer) Store(database string) string {
	return "mysql://txc@" + s.Address + "/" + database
}
