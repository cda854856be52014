package fuzz_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size = suite.SizeFlag()
	seed = suite.SeedFlag() // of the targets that a CI run draws
	only = flag.String("only", "", "a part of the names of the targets that run")
)

// How long the targets run.
const (
	ciEach    = 3 * time.Second
	ciTargets = 5 // of a CI run: each is a build of several seconds beside its fuzzing
	allEach   = 3 * time.Minute
	build     = 10 * time.Minute // and whatever else comes around the time of one target; much longer than it takes
)

// theCore is the target that is always among them.
const theCore = "coordinator.FuzzCore"

// Every decoder has a target, and the table says nothing that the tree does not have.
func TestEveryDecoderHasATarget(t *testing.T) {
	found := parse(t)
	listed := map[string]bool{}
	for _, d := range decoders {
		if listed[d.name] {
			t.Errorf("%s stands here twice", d.name)
		}
		listed[d.name] = true
		switch {
		case !found.functions[d.name]:
			t.Errorf("there is no %s any more", d.name)
		case (d.target == "") == (d.why == ""):
			t.Errorf("%s: either a target or a reason", d.name)
		case d.target != "" && !slices.Contains(found.targets, d.target):
			t.Errorf("%s: there is no target %s", d.name, d.target)
		}
	}
	for _, name := range found.decoders {
		if !listed[name] {
			t.Errorf("%s reads what comes from outside, and has no row in the table of decoders: give it a fuzz target", name)
		}
	}
}

func TestFuzz(t *testing.T) {
	o := &suite.Outcome{Layer: "fuzz", Figures: map[string]int{}}
	suite.Report(t, o)
	targets := parse(t).targets
	o.Figures["targets"] = len(targets)
	if *size == suite.Small {
		return // every go test reads the seeds
	}
	targets = slices.DeleteFunc(targets, func(name string) bool { return !strings.Contains(name, *only) })
	if len(targets) == 0 {
		t.Fatalf("no target's name contains %q", *only)
	}
	each := allEach
	draws := rand.New(rand.NewPCG(suite.Seed(t, *seed), 0))
	draws.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	if *size == suite.CI {
		each, targets = ciEach, few(targets)
	}
	programs, dir := map[string]string{}, t.TempDir()
	for _, name := range targets {
		pkg, target := split(name)
		t.Run(name, func(t *testing.T) {
			if programs[pkg] == "" {
				programs[pkg] = compile(t, pkg, filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_")+".test"))
			}
			o.Figures["executions"] += run(t, programs[pkg], pkg, target, each)
		})
	}
}

// few are those of a CI run: the one of the core, and the first of the rest, which another seed shuffles in another way.
func few(targets []string) []string {
	if i := slices.Index(targets, theCore); i > 0 {
		targets[0], targets[i] = targets[i], targets[0]
	}
	return targets[:min(ciTargets, len(targets))]
}

// split gives a target's package, as a path from the root, and its own name.
func split(name string) (pkg, target string) {
	dot := strings.LastIndexByte(name, '.')
	if pkg = name[:dot]; pkg == "txc" {
		pkg = "."
	}
	return pkg, name[dot+1:]
}

// compile makes a package's tests, instrumented for fuzzing: once for all of its targets.
func compile(t *testing.T, pkg, program string) string {
	t.Helper()
	command(t, root, build, "go", "test", "-c", "-fuzz", ".", "-o", program, "./"+pkg)
	return program
}

// run fuzzes one target for a time, and gives how often it ran. A find is written beside the test, as the go tool does.
func run(t *testing.T, program, pkg, target string, each time.Duration) int {
	t.Helper()
	out := command(t, filepath.Join(root, pkg), each+build, program, "-test.run", "^$", "-test.fuzz", "^"+target+"$",
		"-test.fuzztime", each.String(), "-test.parallel", "2", "-test.fuzzcachedir", filepath.Join(filepath.Dir(program), "cache"))
	n, err := count(out)
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d executions", n)
	return n
}

// late is how Go's fuzzing, before 1.27, says now and then that its time is over, as if that were a find: golang/go#75804. A
// find has its input's place between these lines.
var late = regexp.MustCompile(`--- FAIL: Fuzz\w+ \([^)]*\)\s+context deadline exceeded\s+FAIL\s*$`)

func command(t *testing.T, dir string, limit time.Duration, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && !late.Match(out) {
		t.Fatalf("%v\n%s\na find lies under testdata/fuzz in %s: give it a name that says what it is, and keep it;\n"+
			"go test -run Fuzz there plays it again", err, out, dir)
	}
	return string(out)
}

var executions = regexp.MustCompile(`execs: (\d+) `)

// count is the last number of executions that the go tool told.
func count(out string) (int, error) {
	all := executions.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return 0, errors.New("the go tool counts no executions")
	}
	n, err := strconv.Atoi(all[len(all)-1][1])
	if err == nil && n == 0 {
		err = fmt.Errorf("nothing was executed")
	}
	return n, err
}

func TestATimeThatIsOverIsNoFind(t *testing.T) {
	over := "fuzz: elapsed: 4s, execs: 42625 (0/sec), new interesting: 6 (total: 7)\n--- FAIL: FuzzChunk (4.02s)\n    context deadline exceeded\nFAIL\n"
	find := "--- FAIL: FuzzChunk (4.02s)\n    --- FAIL: FuzzChunk (0.00s)\n        x_test.go:9: context deadline exceeded\n    \n    Failing input written to testdata/fuzz/FuzzChunk/1\nFAIL\n"
	if !late.MatchString(over) || late.MatchString(find) || late.MatchString("panic: context deadline exceeded\nFAIL\n") {
		t.Error("one is taken for the other")
	}
}

func TestExecutionsAreCounted(t *testing.T) {
	if n, err := count("fuzz: elapsed: 3s, execs: 12 (4/sec)\nfuzz: elapsed: 6s, execs: 345 (100/sec), new interesting: 1\nPASS"); n != 345 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, out := range []string{"PASS", "fuzz: elapsed: 3s, execs: 0 (0/sec)"} {
		if _, err := count(out); err == nil {
			t.Errorf("%q is taken for a run", out)
		}
	}
}
