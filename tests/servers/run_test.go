package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
	"github.com/txc-dev/txc/tests/internal/suite"
)

func TestMain(m *testing.M) { procs.Main(m) }

// started is what the program has printed of itself.
type started struct {
	commands, dirs []string
	words          bytes.Buffer
	end            func() int // Ctrl-C; the exit code
}

// play runs the program until it says that all is there.
func play(t *testing.T, coordinator string) *started {
	t.Helper()
	s := &started{}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"-coordinator", coordinator}, write, &s.words)
		write.Close()
		ended <- code
	}()
	s.end = func() int { cancel(); return <-ended }
	in := regexp.MustCompile(` in (\S+)$`)
	for lines := bufio.NewScanner(read); lines.Scan(); {
		line := lines.Text()
		if strings.Contains(line, "bin/participant-demo") {
			s.commands = append(s.commands, line)
		}
		if m := in.FindStringSubmatch(line); m != nil {
			s.dirs = append(s.dirs, m[1])
		}
		if strings.Contains(line, "Ctrl-C") {
			return s
		}
	}
	code := <-ended
	if strings.Contains(s.words.String(), suite.ErrMissing.Error()) {
		suite.Need(t, suite.ErrMissing)
	}
	t.Fatalf("nothing was started, exit code %d: %s", code, &s.words)
	return nil
}

// What is printed works: each command makes a participant of its server, which says of itself what the documentation has,
// and doctor has nothing to say against any. At the end nothing is left.
func TestServersToPlayWithAndTheTableOfAdapters(t *testing.T) {
	demo := procs.Binary(t, "participant-demo")
	cluster := procs.NewCluster(t, []string{"kv"})
	s := play(t, cluster.Coordinator.Address)
	if len(s.dirs) != len(s.commands) {
		t.Errorf("%d directories of %d servers", len(s.dirs), len(s.commands))
	}
	var stops []func()
	for _, command := range s.commands {
		stops = append(stops, ready(t, strings.Replace(command, "bin/participant-demo", "exec "+demo+" --log-level error", 1)))
	}
	plays := map[string]servers.Play{"kv": {Store: "kv:DIR"}}
	for _, command := range s.commands {
		name, p := taken(t, command)
		plays[name] = p
	}
	told := map[string]adapter{}
	until(t, "all of them are heard", func() bool {
		var all struct {
			Participants []struct {
				adapter
				State string
			}
		}
		if err := cluster.Txc(t, "", "participants", "-o", "json").JSON(&all); err != nil {
			return false
		}
		for _, p := range all.Participants {
			if p.State == "heard" && p.Check != nil {
				told[p.Name] = p.adapter
			}
		}
		return len(told) == len(plays)
	})
	rows := []string{told["kv"].row(t, plays["kv"])}
	missing := false
	for _, k := range servers.Kinds {
		if p, is := plays[k.Name]; is {
			rows = append(rows, told[k.Name].row(t, p))
		} else {
			missing = true
			suiteNeeds(t, k.Name)
		}
	}
	documented(t, rows, !missing)
	var found struct {
		Findings []struct{ Name, Severity, Participant string }
	}
	if err := cluster.Txc(t, "", "doctor", "-o", "json").JSON(&found); err != nil {
		t.Fatal(err)
	}
	for _, f := range found.Findings {
		if f.Severity != "info" && f.Name != "disk-volatile" { // where the tests run in memory
			t.Errorf("doctor finds %+v", f)
		}
	}
	for _, stop := range stops {
		stop()
	}
	if code := s.end(); code != 0 {
		t.Errorf("ended with %d: %s", code, &s.words)
	}
	for _, dir := range s.dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}

// suiteNeeds: in CI no kind may be missing.
func suiteNeeds(t *testing.T, kind string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Errorf("%s is missing on this machine", kind)
	}
	t.Logf("%s is not installed", kind)
}

// taken reads a printed command.
func taken(t *testing.T, command string) (name string, p servers.Play) {
	t.Helper()
	m := regexp.MustCompile(`^ +([A-Z_]+)='.*' bin/participant-demo --name (\S+) --store '(.*)@(127[0-9.:]+)(.*)' --coordinator \S+(.*)$`).FindStringSubmatch(command)
	if m == nil {
		t.Fatalf("%s is of another form", command)
	}
	return m[2], servers.Play{Variable: m[1], Store: m[3] + "@HOST:PORT" + m[5], Flags: strings.Fields(m[6])}
}

// until waits for what processes bring about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// ready runs a participant until it says that it serves, and gives what ends it.
func ready(t *testing.T, command string) (stop func()) {
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
		t.Errorf("%s\nis no participant: %s", command, line)
	}
	return func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s\nended with %v: %s", command, err, &words)
		}
	}
}

// A kind of store that participant-demo takes, and that has no server here, would be missing in the table as well.
func TestEveryKindOfStoreHasAServer(t *testing.T) {
	source, err := os.ReadFile("../internal/servers/play.go")
	if err != nil {
		t.Fatal(err)
	}
	help := procs.Run(t, "participant-demo", "", "--help").Stdout
	_, help, _ = strings.Cut(help, "--store")
	help, _, _ = strings.Cut(help, "\n   --")
	kinds := regexp.MustCompile(`\b([a-z]+)://`).FindAllStringSubmatch(help, -1)
	if len(kinds) < 3 {
		t.Fatalf("found %v in %s", kinds, help)
	}
	for _, m := range kinds {
		name, is := map[string]string{"rediss": "redis", "mysql": "mariadb", "amqp": "rabbitmq"}[m[1]]
		if !is {
			name = m[1]
		}
		if !strings.Contains(string(source), `{"`+name+`", func`) {
			t.Errorf("%s:// has no row among servers.Kinds", m[1])
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "oracle"}, {"now"}, {"-bogus"}} {
		var words bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &words); code != 2 || words.Len() == 0 {
			t.Errorf("%v: %d, %s", args, code, &words)
		}
	}
	if all, err := chosen("redis,postgres"); err != nil || !slices.Equal([]string{all[0].Name, all[1].Name}, []string{"redis", "postgres"}) {
		t.Errorf("%v %v", all, err)
	}
}
