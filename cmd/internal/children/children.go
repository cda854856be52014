package children

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// Bounds of a child's life.
const (
	readyWithin  = 15 * time.Second // from start to the ready line
	endWithin    = 15 * time.Second // from SIGTERM to the end
	answerWithin = 5 * time.Second  // from SIGUSR1 to the line of counters
)

// Group is some children of one directory: their logs lie in it. It belongs to one goroutine.
type Group struct {
	Executable string
	Dir        string
	children   map[string]*child
	addresses  map[string]string
}

// New makes a group without children.
func New(executable, dir string) *Group {
	return &Group{Executable: executable, Dir: dir, children: map[string]*child{}, addresses: map[string]string{}}
}

// child is one process.
type child struct {
	cmd   *exec.Cmd
	lines chan []byte   // what it writes to stdout; closed with it
	ended chan struct{} // closed when it has ended
	err   error         // how; read after ended
}

// Start starts a server, waits for its ready line, and remembers its address: started again it listens there again.
// The environment's TXC_ variables are meant for the caller, not for its children.
func (g *Group) Start(ctx context.Context, name string, args ...string) error {
	address := g.addresses[name]
	if address == "" {
		address = "127.0.0.1:0"
	}
	x, err := g.spawn(name, append(args, "--listen", address))
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	g.children[name] = x
	line, err := x.read(ctx, readyWithin)
	if err != nil {
		return fmt.Errorf("start %s: no ready line: %w: see %s", name, err, g.log(name))
	}
	var ready console.Ready
	if err := json.Unmarshal(line, &ready); err != nil {
		return fmt.Errorf("start %s: it did not say that it serves: %q", name, line)
	}
	g.addresses[name] = ready.Listening
	return nil
}

func (g *Group) log(name string) string { return filepath.Join(g.Dir, name+".log") }

func (g *Group) spawn(name string, args []string) (*child, error) {
	log, err := os.OpenFile(g.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(g.Executable, args...)
	cmd.Stderr = log
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TXC_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us alone: we end them
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	x := &child{cmd: cmd, lines: make(chan []byte, 1), ended: make(chan struct{})}
	go func() { // ends with the process
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				break // it has ended, or said that it will write no more
			}
			select {
			case x.lines <- line:
			default: // nobody asked
			}
		}
		close(x.lines)
		_, _ = io.Copy(io.Discard, lines) // nothing is left but an error that means the end
		x.err = cmd.Wait()
		close(x.ended)
	}()
	return x, nil
}

// read waits for a line.
func (x *child) read(ctx context.Context, within time.Duration) ([]byte, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case line, ok := <-x.lines:
		if !ok {
			return nil, errors.New("it has ended")
		}
		return line, nil
	case <-timer.C:
		return nil, fmt.Errorf("nothing within %v", within)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Address is where a child listens; "" before its first start.
func (g *Group) Address(name string) string { return g.addresses[name] }

// PID is that of a running child.
func (g *Group) PID(name string) int { return g.children[name].cmd.Process.Pid }

// Ask sends SIGUSR1 to a child and reads the JSON line that it answers with.
func (g *Group) Ask(ctx context.Context, name string, into any) error {
	x := g.children[name]
	if err := x.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return fmt.Errorf("ask %s: %w", name, err)
	}
	line, err := x.read(ctx, answerWithin)
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w", name, err)
	}
	return nil
}

// Died waits until a child has ended by SIGKILL.
func (g *Group) Died(ctx context.Context, name string) error {
	x := g.children[name]
	select {
	case <-x.ended:
	case <-ctx.Done():
		return fmt.Errorf("%s should have died: %w", name, context.Cause(ctx))
	}
	delete(g.children, name)
	var exit *exec.ExitError
	if errors.As(x.err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("%s should have been killed, but ended with %v", name, x.err)
}

// Stop ends a child in the orderly way; one that does not run is fine.
func (g *Group) Stop(name string) error {
	x := g.children[name]
	if x == nil {
		return nil
	}
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	timer := time.NewTimer(endWithin)
	defer timer.Stop()
	select {
	case <-x.ended:
	case <-timer.C:
		return fmt.Errorf("stop %s: it did not end within %v", name, endWithin)
	}
	delete(g.children, name)
	if x.err != nil {
		return fmt.Errorf("stop %s: %w", name, x.err)
	}
	return nil
}

// Kill ends a child at once.
func (g *Group) Kill(name string) error {
	x := g.children[name]
	if err := x.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	<-x.ended
	delete(g.children, name)
	return nil
}

// KillAll leaves nothing behind.
func (g *Group) KillAll() {
	for name, x := range g.children {
		_ = x.cmd.Process.Kill() // it may have ended
		<-x.ended
		delete(g.children, name)
	}
}
