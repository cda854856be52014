package mutants_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size  = suite.SizeFlag()
	seed  = suite.SeedFlag()
	which = flag.String("mutants", "", "those whose name contains this, whatever the size")
)

// Bounds of a run.
const (
	few   = 3                // of size small
	some  = 8                // of size ci
	bound = 75 * time.Second // no further mutant is begun after this, where they were drawn
	each  = 5 * time.Minute  // of one layer's build and tests; much longer than any takes
)

// Every patch applies, and says what it is about, whether it is drawn or not.
func TestPatches(t *testing.T) {
	for _, m := range load(t) {
		for _, c := range m.files {
			if _, err := patched(c); err != nil {
				t.Errorf("%s (%s): %v", m.name, m.rule, err)
			}
		}
	}
}

func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("each mutant is a build of its own")
	}
	report := &suite.Outcome{Layer: "mutants", Figures: map[string]int{"mutants": 0, "caught": 0}}
	suite.Report(t, report)
	all := load(t)
	drawn := false
	switch {
	case *which != "":
		all = slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.name, *which) })
	case *size != suite.All:
		drawn = true
		all = draw(all, suite.Seed(t, *seed))
	}
	if len(all) == 0 {
		t.Fatalf("no mutant's name contains %q", *which)
	}
	began := time.Now()
	for i, m := range all {
		if drawn && time.Since(began) > bound {
			t.Logf("time is over after %d of %d", i, len(all))
			return
		}
		t.Run(m.name, func(t *testing.T) {
			report.Figures["mutants"]++
			if by := kill(t, m); by != "" {
				report.Figures["caught"]++
				report.Notes = append(report.Notes, fmt.Sprintf("%-45s %-18s %s", m.name, m.rule, by))
			}
		})
	}
}

func load(t *testing.T) (all []mutant) {
	t.Helper()
	paths, err := filepath.Glob("*.patch")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no patches beside this test: %v", err)
	}
	for _, p := range paths {
		m, err := read(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// draw takes as many as the size has.
func draw(all []mutant, seed uint64) []mutant {
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(map[suite.Size]int{suite.Small: few, suite.CI: some}[*size], len(all))]
}

// patched is the text of a shipped file with the mistake in it.
func patched(c change) (string, error) {
	text, err := os.ReadFile(shipped(c))
	if err != nil {
		return "", fmt.Errorf("read what is to be patched: %w", err)
	}
	return c.apply(string(text))
}

func shipped(c change) string { return filepath.Join("..", "..", filepath.FromSlash(c.path)) }

// kill builds the layers' tests with the mistake, one after the other, and wants one of them to fail; it tells which.
func kill(t *testing.T, m mutant) string {
	overlay := overlayOf(t, m)
	var survived strings.Builder
	for _, l := range m.layers {
		sound(t, l)
		out, err := test(t, l, overlay, "-count=1", "-failfast")
		if caught(t, out, err) {
			by := strings.TrimPrefix(l.pkg, "./") + ": " + firstFailure(out)
			t.Logf("%s, %s: caught: %s", m.rule, m.says, by)
			return by
		}
		fmt.Fprintf(&survived, "nothing in %s -run %q notices:\n%s\n", l.pkg, l.run, out)
	}
	t.Errorf("it survives. %s: %s\n%s", m.rule, m.says, survived.String())
	return ""
}

// overlayOf writes the files with the mistake, and the list that go build reads.
func overlayOf(t *testing.T, m mutant) string {
	t.Helper()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir := t.TempDir()
	for i, c := range m.files {
		text, err := patched(c)
		if err != nil {
			t.Fatal(err)
		}
		from, err := filepath.Abs(shipped(c))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[from] = to
	}
	spec, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, spec, 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// sound wants the tests to pass without the mistake: what fails anyway notices nothing. Go remembers what passed.
func sound(t *testing.T, l layer) {
	t.Helper()
	if out, err := test(t, l, ""); err != nil {
		t.Fatalf("%s -run %q fails without the mistake, so that it proves nothing: %v\n%s", l.pkg, l.run, err, out)
	}
}

// test runs a layer with an overlay, or without. The overlay is handed down by the environment, so that it is in the
// programs too that the tests build.
func test(t *testing.T, l layer, overlay string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), each)
	defer cancel()
	args := append([]string{"test", "-vet=off", "-timeout=4m", "-run", l.run}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(append(args, l.pkg), l.args...)...)
	cmd.Dir = filepath.Join("..", "..")
	if overlay != "" {
		cmd.Env = append(os.Environ(), strings.TrimSpace("GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// caught reports whether tests failed as tests do; anything else that goes wrong proves nothing.
func caught(t *testing.T, out string, err error) bool {
	t.Helper()
	switch {
	case err == nil:
		return false
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]") || strings.Contains(out, "matched no packages"):
		t.Fatalf("it does not compile:\n%s", out)
	case strings.Contains(out, "panic: test timed out") || !strings.Contains(out, "FAIL"):
		t.Fatalf("its tests did not end in a failure: %v\n%s", err, out)
	}
	return true
}

// firstFailure is the line that names the first test that failed, for people.
func firstFailure(out string) string {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:") {
			return line
		}
	}
	return "FAIL"
}
