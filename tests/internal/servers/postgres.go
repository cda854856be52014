package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Bounds of a server's life.
const (
	initTime  = 60 * time.Second
	readyTime = 60 * time.Second // crash recovery included
	goneTime  = 20 * time.Second
	lookEvery = 10 * time.Millisecond
)

// Password is that of the only user, postgres.
const Password = "a secret of the tests"

// PostgresServer is one PostgreSQL server. Its methods are safe for concurrent use.
type PostgresServer struct {
	Address string // host:port, the same at each start

	bin, dir string
	settings []string
	as       *syscall.Credential // nil: as who runs the test
	log      *os.File

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// Postgres makes a server and starts it; settings (name=value) are added to those that tests need, and win.
func Postgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	s, err := describe(t, settings)
	suite.Need(t, err)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			if text, err := os.ReadFile(s.log.Name()); err == nil {
				t.Logf("log of postgres:\n%.6000s", text)
			}
		}
		if err := errors.Join(s.log.Close(), os.RemoveAll(filepath.Dir(s.dir))); err != nil {
			t.Errorf("remove postgres: %v", err)
		}
	})
	if err := s.init(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func describe(t testing.TB, settings []string) (*PostgresServer, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	base, err := os.MkdirTemp("", "txc-postgres-") // not the test's own directory, which other users cannot enter
	if err != nil {
		return nil, err
	}
	s := &PostgresServer{Address: procs.FreeAddress(t), bin: bin, dir: filepath.Join(base, "data"), as: as}
	if as != nil {
		err = os.Chown(base, int(as.Uid), int(as.Gid))
	}
	if err == nil {
		s.log, err = os.Create(filepath.Join(base, "log"))
	}
	_, port, _ := net.SplitHostPort(s.Address)
	s.settings = append([]string{
		"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "max_prepared_transactions=100",
		"max_connections=200", "shared_buffers=16MB", "fsync=on", "log_min_messages=fatal",
	}, settings...)
	return s, err
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

// unprivileged is who the server runs as where the test is root: PostgreSQL refuses that.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("%w: a user postgres or nobody to run PostgreSQL as", suite.ErrMissing)
}

func (s *PostgresServer) init() error {
	secret := filepath.Join(filepath.Dir(s.dir), "password")
	if err := os.WriteFile(secret, []byte(Password), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), initTime)
	defer cancel()
	// Nothing here has to survive a power loss before the server itself starts to sync.
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.dir, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync",
		"--auth=scram-sha-256", "--pwfile="+secret)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(s.dir), s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(s.log.Name()) // only to be shown
		return fmt.Errorf("initdb: %w\n%s", err, text)
	}
	return nil
}

// Start starts the server and waits until it takes connections, after its recovery.
func (s *PostgresServer) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := []string{"-D", s.dir}
	for _, one := range s.settings {
		args = append(args, "-c", one)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(s.dir), s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if err := procs.StartBound(cmd); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	go func(cmd *exec.Cmd, ended chan<- struct{}) { // Kill joins it
		_ = cmd.Wait() // it is killed, or its log says why
		close(ended)
	}(cmd, s.ended)
	return s.ready()
}

func (s *PostgresServer) ready() error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), readyTime)
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			err = c.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		if time.Since(began) > readyTime {
			return fmt.Errorf("postgres is not ready after %v: %w", readyTime, err)
		}
		select {
		case <-s.ended:
			text, _ := os.ReadFile(s.log.Name()) // only to be shown
			return fmt.Errorf("postgres ended before it was ready\n%.6000s", text)
		case <-tick.C:
		}
	}
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

// PID is that of the server's first process; 0: it does not run.
func (s *PostgresServer) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Kill ends the server and all of its processes with SIGKILL, and waits until they are gone.
func (s *PostgresServer) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	pid := s.cmd.Process.Pid
	_ = syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no more; its only error is that it has ended
	all := children(pid)
	_ = s.cmd.Process.Kill() // its only error is that it has ended
	for _, child := range all {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	<-s.ended
	look := time.NewTicker(lookEvery) // whoever adopts them reaps them: nothing tells us when
	defer look.Stop()
	for began := time.Now(); time.Since(began) < goneTime && slices.ContainsFunc(all, alive); {
		<-look.C
	}
	s.cmd = nil
}

// children are the processes that a process has started and that run.
func children(pid int) []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // it has ended
	}
	var all []int
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// alive: a process that is dead and not yet reaped does nothing more.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	i := strings.LastIndex(string(stat), ") ")
	return i >= 0 && !strings.HasPrefix(string(stat[i+2:]), "Z")
}
