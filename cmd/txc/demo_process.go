package main

import (
	"bufio"
	"bytes"
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

// process is a server that the demonstration started from its own executable.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how; read after ended
}

// readyWithin bounds how long a server may take to say that it serves, endWithin how long to end when asked to.
const (
	readyWithin = 15 * time.Second
	endWithin   = 15 * time.Second
)

// start starts a server, waits for its ready line, and remembers its address: started again it listens there again.
func (d *demo) start(name string, args ...string) error {
	address := d.addresses[name]
	if address == "" {
		address = "127.0.0.1:0"
	}
	log, err := os.OpenFile(filepath.Join(d.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(d.executable, append(args, "--listen", address)...)
	cmd.Stderr = log
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TXC_") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us alone: we end them
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	x := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	d.processes[name] = x
	first := make(chan []byte, 1)
	go func() { // ends with the process
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadBytes('\n') // no line: the process has ended
		first <- line
		_, _ = io.Copy(io.Discard, lines) // as above
		x.err = cmd.Wait()
		close(x.ended)
	}()
	timer := time.NewTimer(readyWithin)
	defer timer.Stop()
	var ready console.Ready
	select {
	case line := <-first:
		if err := json.Unmarshal(line, &ready); err != nil {
			return fmt.Errorf("start %s: it did not say that it serves", name)
		}
	case <-timer.C:
		return fmt.Errorf("start %s: no ready line within %v", name, readyWithin)
	case <-d.ctx.Done():
		return context.Cause(d.ctx)
	}
	d.addresses[name] = ready.Listening
	return nil
}

// died waits until a process has ended by SIGKILL.
func (d *demo) died(name string) error {
	x := d.processes[name]
	select {
	case <-x.ended:
	case <-d.ctx.Done():
		return fmt.Errorf("%s should have died: %w", name, context.Cause(d.ctx))
	}
	delete(d.processes, name)
	var exit *exec.ExitError
	if errors.As(x.err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("%s should have been killed, but ended with %v", name, x.err)
}

// stop ends a process in the orderly way.
func (d *demo) stop(name string) error {
	x := d.processes[name]
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
	delete(d.processes, name)
	if x.err != nil {
		return fmt.Errorf("stop %s: %w", name, x.err)
	}
	return nil
}

// killAll leaves nothing behind.
func (d *demo) killAll() {
	for _, x := range d.processes {
		_ = x.cmd.Process.Kill() // it may have ended
		<-x.ended
	}
}

// autopsy shows what the servers said last, when the story went wrong.
func (d *demo) autopsy() {
	const tail = 1500
	for _, name := range append([]string{"coordinator"}, devParticipants...) {
		text, err := os.ReadFile(filepath.Join(d.dir, name+".log"))
		if err != nil || len(text) == 0 {
			continue
		}
		d.p.words("--- the end of %s.log", name)
		d.p.words("%s", bytes.TrimSpace(text[max(0, len(text)-tail):]))
	}
}

// call runs one of this program's own commands against the demonstration's coordinator.
func (d *demo) call(stdin string, args ...string) (stdout, stderr string, exit int) {
	var out, words bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &words, now: d.p.now}
	exit = p.run(d.ctx, append([]string{"txc", "--coordinator", d.addresses["coordinator"], "-o", "table"}, args...))
	return out.String(), words.String(), exit
}
