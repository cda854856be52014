package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

func TestMain(m *testing.M) { procs.Main(m) }

// What is printed works: each command makes a participant of its server, and at the end nothing is left.
func TestServersToPlayWith(t *testing.T) {
	demo := procs.Binary(t, "participant-demo")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	var words bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"-coordinator", "127.0.0.1:1"}, write, &words)
		write.Close()
		ended <- code
	}()
	var commands, dirs []string
	in := regexp.MustCompile(` in (\S+)$`)
	for lines := bufio.NewScanner(read); lines.Scan(); {
		line := lines.Text()
		if strings.Contains(line, "bin/participant-demo") {
			commands = append(commands, strings.Replace(line, "bin/participant-demo", "exec "+demo+" --log-level error", 1))
		}
		if m := in.FindStringSubmatch(line); m != nil {
			dirs = append(dirs, m[1])
		}
		if strings.Contains(line, "Ctrl-C") {
			break
		}
	}
	if len(commands) == 0 {
		<-ended
		if strings.Contains(words.String(), suite.ErrMissing.Error()) {
			suite.Need(t, suite.ErrMissing)
		}
		t.Fatalf("nothing was started: %s", &words)
	}
	for _, command := range commands {
		ready(t, command)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d: %s", code, &words)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
	if len(dirs) != len(commands) {
		t.Errorf("%d directories of %d servers", len(dirs), len(commands))
	}
}

// ready runs a participant until it says that it serves.
func ready(t *testing.T, command string) {
	t.Helper()
	var words bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Stderr = &words
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := procs.StartBound(cmd); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n') // no line: the words say why
	if !strings.Contains(line, `"listening"`) {
		t.Errorf("%s\nis no participant: %s%s", command, line, &words)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s\nended with %v: %s", command, err, &words)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "oracle"}, {"now"}, {"-bogus"}} {
		var words bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &words); code != 2 || words.Len() == 0 {
			t.Errorf("%v: %d, %s", args, code, &words)
		}
	}
}
