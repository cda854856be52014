package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Bounds of a server's life.
const (
	initTime  = 60 * time.Second
	readyTime = 60 * time.Second // crash recovery included
	stopTime  = 20 * time.Second // a clean end; past it the server is killed
	goneTime  = 20 * time.Second
	lookEvery = 10 * time.Millisecond
)

// shape is what one kind of server adds to the life that all have in common.
type shape struct {
	name  string                                     // in the directory's name and in messages
	users []string                                   // who may run it where we are root, the first that exists; none: root may
	init  func(ctx context.Context, s *Server) error // fills the directory before the first start; nil: nothing to do
	start func(s *Server) *exec.Cmd                  // the server in the foreground; Command makes it
	ready func(ctx context.Context, s *Server) error // nil once it takes connections; asked again and again until then
}

// Server is the process of one server, in a directory of its own, on a loopback port of its own. Its methods are safe for
// concurrent use.
type Server struct {
	Address string // host:port, the same at each start
	Dir     string // its directory; the user that it runs as owns it

	shape
	as  *syscall.Credential // nil: as who runs this
	log *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd
	frozen []int // processes, until Thaw
	ended  chan struct{}
}

// start makes a directory, and starts a server in it. Where it fails nothing is left.
func start(k shape) (*Server, error) {
	as, err := userOf(k)
	if err != nil {
		return nil, err
	}
	s := &Server{shape: k, as: as}
	if s.Address, err = procs.FindAddress(); err != nil {
		return nil, err
	}
	if s.Dir, err = os.MkdirTemp("", "txc-"+k.name+"-"); err != nil { // not a test's own directory, which other users cannot enter
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) begin() error {
	var err error
	if s.log, err = os.Create(filepath.Join(s.Dir, "log")); err != nil {
		return err
	}
	if err := s.own(s.Dir); err != nil {
		return err
	}
	if s.init != nil {
		ctx, cancel := context.WithTimeout(context.Background(), initTime)
		defer cancel()
		if err := s.init(ctx, s); err != nil {
			return fmt.Errorf("make %s: %w\n%s", s.name, err, s.Log())
		}
	}
	return s.Start()
}

// keep ends the server with the test, whose failure shows the server's log. It takes what start returned.
func (s *Server) keep(t testing.TB, err error) {
	t.Helper()
	suite.Need(t, err)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", s.name, s.Log())
		}
		if err := s.Close(); err != nil {
			t.Errorf("remove %s: %v", s.name, err)
		}
	})
}

// userOf is who the server runs as where root may not; nil: who runs this.
func userOf(k shape) (*syscall.Credential, error) {
	if os.Getuid() != 0 || len(k.users) == 0 {
		return nil, nil
	}
	for _, name := range k.users {
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
	return nil, fmt.Errorf("%w: one of the users %v, to run %s as", suite.ErrMissing, k.users, k.name)
}

// own gives a file or directory to the user that the server runs as.
func (s *Server) own(path string) error {
	if s.as == nil {
		return nil
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

// write writes a file into the server's directory, for its user alone.
func (s *Server) write(name, text string) error {
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return s.own(path)
}

// command is a program of the server, run as its user, in its directory, with its log.
func (s *Server) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

// Port is the port of Address.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Address) // made by JoinHostPort
	return port
}

// Log is what the server has written about itself, at most its last 6,000 bytes; only to be shown.
func (s *Server) Log() string {
	if s.log == nil {
		return ""
	}
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

// Start starts the server and waits until it takes connections, after its recovery. It must not run.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := s.start(s)
	if err := procs.StartBound(cmd); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	go func(cmd *exec.Cmd, ended chan<- struct{}) { // Kill and Stop join it
		_ = cmd.Wait() // it is ended, or its log says why
		close(ended)
	}(cmd, s.ended)
	return s.await()
}

func (s *Server) await() error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), readyTime)
		err := s.ready(ctx, s)
		cancel()
		if err == nil {
			return nil
		}
		if time.Since(began) > readyTime {
			return fmt.Errorf("%s is not ready after %v: %w\n%s", s.name, readyTime, err, s.Log())
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended before it was ready\n%s", s.name, s.Log())
		case <-tick.C:
		}
	}
}

// PID is that of the server's first process; 0: it does not run.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Kill ends the server and all of its processes with SIGKILL, and waits until they are gone.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill()
}

// Stop ends the server as its owner would, with SIGTERM, and kills it where it has not ended in time.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // its only error is that it has ended
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-s.ended:
	case <-late.C:
	}
	s.kill()
}

// Close kills the server and removes its directory. Twice is fine.
func (s *Server) Close() error {
	s.Kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.log != nil {
		err = s.log.Close()
		s.log = nil
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}
