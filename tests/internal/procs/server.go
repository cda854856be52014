package procs

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of a server's life.
const (
	readyTime = 60 * time.Second // to the ready line, on a machine that does other things as well
	stopTime  = 20 * time.Second // from SIGTERM to the end
)

// Ready is the first line on a server's stdout.
type Ready struct {
	Listening    string            `json:"listening"`
	Cluster      string            `json:"cluster"`
	Number       uint32            `json:"number"`
	Epoch        uint32            `json:"epoch"`
	Name         string            `json:"name"`
	Participants map[string]string `json:"participants"`
	PID          int               `json:"pid"`
}

// Server is a program that can be started, killed and started again. Its methods are safe for concurrent use.
type Server struct {
	Name    string
	Address string // where it listens, at every start
	Ready   Ready  // of the last start

	path string
	args []string
	log  *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // of the running process
	code   int           // of the last process that ended; -1: by a signal
	starts int
	from   int64 // where the last start's log begins
}

// NewServer describes a server; it is not started. args are those of every start. The server ends with the test, and
// its log is shown if the test fails.
func NewServer(t testing.TB, name, address, path string, args ...string) *Server {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatalf("make a log for %s: %v", name, err)
	}
	s := &Server{Name: name, Address: address, path: path, args: args, log: log}
	t.Cleanup(func() {
		s.Kill()
		if word := s.broken(); word != "" {
			t.Errorf("%s: %q is in its log", name, word)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, s.LogEnd())
		}
		if err := log.Close(); err != nil {
			t.Errorf("close the log of %s: %v", name, err)
		}
	})
	return s
}

// Start starts the process, with more arguments for this once, and waits until it is ready. An error if it ends before.
func (s *Server) Start(extra ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready, err := s.spawn(extra)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	limit := time.NewTimer(readyTime)
	defer limit.Stop()
	select {
	case err := <-ready:
		if err != nil {
			<-s.ended
			return fmt.Errorf("start %s: it ended with code %d before it was ready: %w\n%s", s.Name, s.code, err, s.LogEnd())
		}
		return nil
	case <-limit.C:
		return errors.Join(fmt.Errorf("start %s: no ready line within %v\n%s", s.Name, readyTime, s.LogEnd()), s.cmd.Process.Kill())
	}
}

// Launch starts the process, with more arguments for this once, and does not wait for its ready line: it may never come.
func (s *Server) Launch(extra ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.spawn(extra); err != nil {
		return fmt.Errorf("launch %s: %w", s.Name, err)
	}
	return nil
}

// StartAndKill starts the process and kills it that much later, ready or not.
func (s *Server) StartAndKill(after time.Duration) error {
	s.mu.Lock()
	_, err := s.spawn(nil)
	ended := s.ended
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ended:
		return fmt.Errorf("start %s: it ended by itself, with code %d\n%s", s.Name, s.code, s.LogEnd())
	case <-timer.C:
		s.Kill()
		return nil
	}
}

// spawn starts the process; its ready line, or the error of a process that ended before, comes later. The caller holds
// the lock.
func (s *Server) spawn(extra []string) (<-chan error, error) {
	if s.running() {
		return nil, errors.New("it runs already")
	}
	s.starts++
	size, err := s.log.Stat()
	if err != nil {
		return nil, err
	}
	s.from = size.Size()
	args := append(append([]string{}, s.args...), extra...)
	if _, err := fmt.Fprintf(s.log, "--- start %d: %v\n", s.starts, args); err != nil {
		return nil, err
	}
	cmd := exec.Command(s.path, args...)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := StartBound(cmd); err != nil {
		return nil, err
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	ready := make(chan error, 1)
	go s.follow(cmd, out, ready, s.ended)
	return ready, nil
}

// StartBound starts a process that the kernel kills when this program ends in whatever way. The signal is bound to the
// thread that starts it, so that is one that lives as long as the program.
func StartBound(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	spawner.once.Do(func() {
		spawner.in = make(chan spawn)
		go func() { // ends with the program
			runtime.LockOSThread()
			for s := range spawner.in {
				s.done <- s.cmd.Start()
			}
		}()
	})
	done := make(chan error, 1)
	spawner.in <- spawn{cmd, done}
	return <-done
}

type spawn struct {
	cmd  *exec.Cmd
	done chan<- error
}

var spawner struct {
	once sync.Once
	in   chan spawn
}

// follow owns one process: its stdout, then its end.
func (s *Server) follow(cmd *exec.Cmd, out io.Reader, ready chan<- error, ended chan<- struct{}) {
	lines := bufio.NewReader(out)
	first, err := lines.ReadBytes('\n')
	if err == nil {
		var r Ready
		if err = json.Unmarshal(first, &r); err == nil {
			s.Ready = r
		}
	}
	if err != nil {
		err = fmt.Errorf("first line %q: %w", first, err)
	}
	ready <- err
	_, copyErr := io.Copy(s.log, lines)
	code := 0
	if err := errors.Join(copyErr, cmd.Wait()); err != nil {
		code = -1
	}
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
	}
	s.code = code
	close(ended)
}

// running: the caller holds the lock.
func (s *Server) running() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Running reports whether the process lives.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running()
}

// Starts is how often it was started.
func (s *Server) Starts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}

// PID is that of the last start.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Signal sends a signal to the process, if it runs.
func (s *Server) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", s.Name, err)
	}
	return nil
}

// Kill ends the process with SIGKILL and waits until it is gone. A process that has ended already is no error.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return
	}
	_ = s.cmd.Process.Kill() // its only error is that the process has ended
	<-s.ended
}

// Stop ends the process with SIGTERM, and gives its exit code; one that does not end in time is killed: an error.
func (s *Server) Stop() (int, error) {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return -1, err
	}
	return s.Wait(stopTime)
}

// Wait waits until the process has ended by itself, and gives its exit code; -1: by a signal. One that does not end in
// time is killed: an error.
func (s *Server) Wait(limit time.Duration) (int, error) {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended == nil {
		return -1, fmt.Errorf("wait for %s: it was never started", s.Name)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return s.code, nil
	case <-timer.C:
		s.Kill()
		return -1, fmt.Errorf("%s did not end within %v", s.Name, limit)
	}
}
