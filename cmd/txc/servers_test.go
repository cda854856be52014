package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// limit bounds everything that a test waits for.
const limit = 30 * time.Second

// running is a server of this program inside the test's process.
type running struct {
	ready  console.Ready
	stderr *syncBuffer
	cancel context.CancelFunc
	exit   chan int
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start starts a server, and fails the test unless it says that it serves.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stderr: &syncBuffer{}, cancel: cancel, exit: make(chan int, 1)}
	read, write := io.Pipe()
	go func() {
		code := run(ctx, append([]string{"txc"}, args...), write, r.stderr)
		write.Close()
		r.exit <- code
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("txc %s: no ready line: %s", strings.Join(args, " "), r.stderr)
	}
	valid(t, "ready", line)
	r.ready = decode[console.Ready](t, line)
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.exit:
		case <-time.After(limit):
			t.Errorf("txc %s does not end", strings.Join(args, " "))
		}
	})
	return r
}

// stop ends it as SIGTERM would, and gives its exit code.
func (r *running) stop(t *testing.T) int {
	t.Helper()
	r.cancel()
	select {
	case code := <-r.exit:
		r.exit <- code
		return code
	case <-time.After(limit):
		t.Fatal("it does not end")
		return 0
	}
}

// site is a coordinator with participants, and commands against it.
type site struct {
	t           *testing.T
	dir         string
	coordinator *running
	members     map[string]*running
}

var serverFlags = []string{"--listen", "127.0.0.1:0", "--min-free", "1MiB", "--ballast", "0B", "--log-level", "warn"}

func newSite(t *testing.T, names ...string) *site {
	t.Helper()
	b := &site{t: t, dir: t.TempDir(), members: map[string]*running{}}
	b.serve()
	for _, name := range names {
		b.join(name)
	}
	return b
}

func (b *site) serve(more ...string) {
	b.t.Helper()
	b.coordinator = start(b.t, append(append([]string{"serve", "--data", b.log()}, serverFlags...), more...)...)
}

func (b *site) log() string { return filepath.Join(b.dir, "log") }

// join starts a participant, and waits until the coordinator has heard it.
func (b *site) join(name string, more ...string) {
	b.t.Helper()
	args := append([]string{"participant", "--name", name, "--store", "kv:" + filepath.Join(b.dir, name), "--coordinator", b.coordinator.ready.Listening}, serverFlags...)
	b.members[name] = start(b.t, append(args, more...)...)
	b.until("heard "+name, func() bool {
		stdout, _, _ := b.txc("", "participants", "-o", "json")
		for _, x := range decode[participantsObject](b.t, stdout).Participants {
			if x.Name == name && x.State == "heard" && x.Check != nil {
				return true
			}
		}
		return false
	})
}

func (b *site) txc(stdin string, args ...string) (stdout, stderr string, exit int) {
	b.t.Helper()
	return command(b.t, stdin, append(args, "--coordinator", b.coordinator.ready.Listening)...)
}

// must runs a command that ends with this exit code.
func (b *site) must(exit int, stdin string, args ...string) string {
	b.t.Helper()
	stdout, stderr, got := b.txc(stdin, args...)
	if got != exit {
		b.t.Fatalf("txc %s: exit code %d, want %d: %s%s", strings.Join(args, " "), got, exit, stdout, stderr)
	}
	return stdout
}

// until waits for what other goroutines bring about.
func (b *site) until(what string, holds func() bool) {
	b.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			b.t.Fatalf("waited in vain: %s", what)
		}
	}
}
