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
)

var (
	which = flag.String("mutants", "", `"all", or a part of names; default: a few, drawn by -seed`)
	seed  = flag.Uint64("seed", 1, "which few are drawn")
)

// Bounds of a run.
const (
	few   = 8
	bound = 60 * time.Second // no further mutant is begun after this, where they were drawn
	each  = 5 * time.Minute  // of one mutant's build and tests; much longer than any takes
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
	all := load(t)
	drawn := *which == ""
	switch {
	case drawn:
		t.Logf("%d of %d mutants, drawn by -seed=%d", min(few, len(all)), len(all), *seed)
		all = draw(all)
	case *which != "all":
		all = slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.name, *which) })
	}
	if len(all) == 0 {
		t.Fatalf("no mutant's name contains %q", *which)
	}
	began := time.Now()
	for i, m := range all {
		if drawn && time.Since(began) > bound {
			t.Logf("time is over after %d of them", i)
			return
		}
		t.Run(m.name, func(t *testing.T) { kill(t, m) })
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

// draw takes a few, no two running the same way, as long as there is a choice.
func draw(all []mutant) []mutant {
	r := rand.New(rand.NewPCG(*seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(few, len(all))]
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

// kill builds the named tests with the mistake, and wants them to fail.
func kill(t *testing.T, m mutant) {
	sound(t, m)
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
	out, err := run(t, m, "-overlay", list, "-count=1", "-failfast")
	judge(t, m, out, err)
}

// sound wants the tests to pass without the mistake: what fails anyway notices nothing. Go remembers what passed.
func sound(t *testing.T, m mutant) {
	t.Helper()
	if out, err := run(t, m); err != nil {
		t.Fatalf("%s -run %q fails without the mistake, so that it proves nothing: %v\n%s", m.pkg, m.run, err, out)
	}
}

func run(t *testing.T, m mutant, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), each)
	defer cancel()
	args := append([]string{"test", "-vet=off", "-timeout=4m", "-run", m.run}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, m.pkg)...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func judge(t *testing.T, m mutant, out string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("it survives. %s: %s\nNothing in %s -run %q notices:\n%s", m.rule, m.says, m.pkg, m.run, out)
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]") || strings.Contains(out, "matched no packages"):
		t.Errorf("it does not compile:\n%s", out)
	case strings.Contains(out, "panic: test timed out") || !strings.Contains(out, "FAIL"):
		t.Errorf("its tests did not end in a failure: %v\n%s", err, out)
	default:
		t.Logf("%s, %s: caught: %s", m.rule, m.says, firstFailure(out))
	}
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
