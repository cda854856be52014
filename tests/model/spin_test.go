package model_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// Bounds of one search. A search that would need more is not complete, and fails.
const (
	buildTime = 5 * time.Minute
	depth     = 10_000
	megabytes = 12_000
)

// tools says what is missing to search at all.
func tools() error {
	for _, name := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: %s (make deps installs it)", suite.ErrMissing, name)
		}
	}
	return nil
}

// search is a model built with some switches: a program of its own, pan, which visits every state.
type search struct {
	dir      string
	switches []string
}

// build has spin write pan.c, and gcc compile it.
func build(t *testing.T, switches string, flags ...string) search {
	t.Helper()
	s := search{dir: t.TempDir(), switches: strings.Fields(switches)}
	for i, name := range s.switches {
		s.switches[i] = "-D" + name
	}
	files, err := filepath.Glob("*.pml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no model beside this test: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, f), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := s.run(t, buildTime, "spin", append(s.switches, "-a", "txc.pml")...); strings.TrimSpace(out) != "" {
		t.Fatalf("spin has something to say of the model:\n%s", out)
	}
	s.run(t, buildTime, "gcc", append(flags, "-w", "-DNOREDUCE", fmt.Sprintf("-DMEMLIM=%d", megabytes), "-o", "pan", "pan.c")...)
	return s
}

func (s search) run(t *testing.T, limit time.Duration, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil {
		t.Logf("%s: %v of processor time", name, cmd.ProcessState.UserTime().Round(10*time.Millisecond))
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// pan visits the states, and says what it saw.
func (s search) pan(t *testing.T, limit time.Duration, args ...string) string {
	t.Helper()
	return s.run(t, limit, "./pan", append([]string{fmt.Sprintf("-m%d", depth)}, args...)...)
}

var (
	errorCount = regexp.MustCompile(`(?m)^State-vector \d+ byte, depth reached \d+, errors: (\d+)$`)
	stateCount = regexp.MustCompile(`(?m)^\s*([0-9.e+]+) states, stored`)
	mutantName = regexp.MustCompile(`MUTANT_(\w+)`)
	complaint  = regexp.MustCompile(`(?m)^pan:1: (.*)$`)
)

// truncated are the words with which pan says that it has not seen everything.
var truncated = []string{"max search depth too small", "Search not completed", "out of memory", "reached -DMEMLIM", "hash table full", "Bitstate"}

// complete reads pan's report. It is an error if the search was cut short, or if the report is not one.
func complete(report string) (errors, states int, err error) {
	for _, words := range truncated {
		if strings.Contains(report, words) {
			return 0, 0, fmt.Errorf("the search is not complete: %s", words)
		}
	}
	found, stored := errorCount.FindStringSubmatch(report), stateCount.FindStringSubmatch(report)
	if found == nil || stored == nil {
		return 0, 0, fmt.Errorf("this is no report of a search")
	}
	if errors, err = strconv.Atoi(found[1]); err != nil {
		return 0, 0, err
	}
	n, err := strconv.ParseFloat(stored[1], 64)
	return errors, int(n), err
}

// story is how to read the trail of a failed search.
func story(switches string) string {
	defines := "-D" + strings.Join(strings.Fields(switches), " -D")
	return fmt.Sprintf("cd tests/model; spin %s -a txc.pml && gcc -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -m%d && spin %s -t -p -g txc.pml", defines, depth, defines)
}
