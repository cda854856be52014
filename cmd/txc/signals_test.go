package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

// child is a server as a process of its own: the test's executable, see TestMain.
type child struct {
	cmd    *exec.Cmd
	ready  console.Ready
	stderr syncBuffer
	exit   chan int
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, args...), exit: make(chan int, 1)}
	c.cmd.Stderr = &c.stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no ready line: %v %s", err, c.stderr.String())
	}
	c.ready = decode[console.Ready](t, line)
	if c.ready.PID != c.cmd.Process.Pid {
		t.Errorf("pid %d in %s", c.ready.PID, line)
	}
	go func() {
		_ = c.cmd.Wait() // its code is what counts
		c.exit <- c.cmd.ProcessState.ExitCode()
	}()
	return c
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (c *child) ended(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.exit:
		return code
	case <-time.After(limit):
		t.Fatalf("it does not end: %s", c.stderr.String())
		return 0
	}
}

// SIGTERM drains: what is undecided may still be decided, what is new is refused; then 0. A second signal ends it: 130.
func TestSignals(t *testing.T) {
	for _, second := range []bool{false, true} {
		dir := t.TempDir()
		c := startChild(t, append([]string{"serve", "--data", dir}, serverFlags...)...)
		at := []string{"-c", c.ready.Listening}
		id := strings.TrimSpace(must(t, append(at, "begin")...))
		c.signal(t, syscall.SIGTERM)
		b := &site{t: t}
		b.until("it refuses what is new", func() bool {
			stdout, _, exit := command(t, "", append(at, "begin", "-o", "json")...)
			return exit == console.Unavailable && strings.Contains(stdout, "draining")
		})
		if second {
			c.signal(t, syscall.SIGINT)
			if code := c.ended(t); code != console.Interrupted {
				t.Errorf("after a second signal: exit code %d", code)
			}
			continue
		}
		must(t, append(at, "commit", id)...)
		if code := c.ended(t); code != 0 {
			t.Errorf("exit code %d: %s", code, c.stderr.String())
		}
	}
}

// A reader that goes away is a quiet end, not an error; an outcome is still the exit code.
func TestReaderThatGoesAway(t *testing.T) {
	f := says(t)
	f.run = func(*txcpb.RunRequest) (*txcpb.TxReply, error) { return aborted(), nil }
	f.abort = func(*txcpb.EndRequest) (*txcpb.TxReply, error) { return committed(t), nil }
	address := f.serve(t)
	for args, want := range map[string]int{
		"list": 0, "show c1.7.1042": 0, "watch -o json": 0, "status -o json": 0, "list --state in-doubt": 7,
		"run -f -": 3, "commit c1.7.1044 -o json": 7, "abort c1.7.1042": 1,
	} {
		var words bytes.Buffer
		p := &program{stdin: strings.NewReader(transferText), stdout: gone{}, stderr: &words, now: time.Now}
		if exit := p.run(t.Context(), append([]string{"txc", "-c", address}, strings.Fields(args)...)); exit != want || strings.Contains(words.String(), "pipe") {
			t.Errorf("%s: exit code %d, not %d: %s", args, exit, want, words.String())
		}
	}
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, syscall.EPIPE }
