package model_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size = suite.SizeFlag()
	seed = suite.SeedFlag() // of the mutants that are drawn
)

// draws is how many mutants a run looks at.
func draws() int { return []int{2, 12, len(mutants)}[*size] }

// limit of one search: much longer than any of that size takes on two quiet cores.
func limit() time.Duration {
	if *size == suite.All {
		return time.Hour
	}
	return 20 * time.Minute
}

func TestModel(t *testing.T) {
	suite.Need(t, tools())
	o := &suite.Outcome{Layer: "model", Figures: map[string]int{}}
	suite.Report(t, o)
	var states, searched, caught atomic.Int64
	wanted := 0
	s := &steps{contained: map[string]bool{}, taken: map[string]bool{}}
	drawn := rand.New(rand.NewPCG(suite.Seed(t, *seed), 0)).Perm(len(mutants))[:draws()]
	t.Run("searches", func(t *testing.T) {
		for _, c := range configurations {
			if c.from <= *size {
				wanted++
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					states.Add(int64(holds(t, c, s)))
					searched.Add(1)
				})
			}
		}
		for i, m := range mutants {
			if slices.Contains(drawn, i) {
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					isCaught(t, m)
					caught.Add(1)
				})
			}
		}
	})
	if !t.Failed() && *size >= suite.CI && int(searched.Load()) == wanted { // a part of them takes some steps only
		for _, step := range s.never() {
			t.Errorf("no search takes %s: a rule that nothing looks at", step)
		}
	}
	o.Figures["states"], o.Figures["configurations"], o.Figures["mutants"] = int(states.Load()), int(searched.Load()), int(caught.Load())
}

// optimised is for gcc: of a short search, compiling is the longer part.
func optimised() string {
	if *size == suite.All {
		return "-O2"
	}
	return "-O0"
}

// holds wants every assertion to hold in every state of a configuration, and nothing left unseen.
func holds(t *testing.T, c configuration, s *steps) (states int) {
	b := build(t, c.switches, optimised(), "-DSAFETY", "-DCOLLAPSE")
	report := b.pan(t, limit())
	errors, states, err := complete(report)
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, report)
	case errors > 0:
		t.Fatalf("a rule does not hold:\n%s\nthe story: %s", report, story(c.switches))
	}
	if err := s.add(b.run(t, time.Minute, "./pan", "-d"), report); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d states", c.switches, states)
	return states
}

// isCaught wants an assertion to fail, and the trail to it.
func isCaught(t *testing.T, m mutant) {
	b := build(t, m.switches+" MUTANT_"+m.name, "-O0", "-DSAFETY", "-DCOLLAPSE")
	report := b.pan(t, limit())
	errors, _, err := complete(strings.ReplaceAll(report, "Search not completed", "")) // it stops at the first error
	if err != nil {
		t.Fatalf("%v\n%s", err, report)
	}
	why := complaint.FindStringSubmatch(report)
	if errors == 0 || why == nil || !strings.HasPrefix(why[1], "assertion violated") {
		t.Fatalf("%s: nothing notices it with %s\n%s", m.rule, m.switches, report)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "txc.pml.trail")); err != nil {
		t.Fatalf("no trail to it: %v", err)
	}
	t.Logf("%s: %s", m.rule, why[1])
}

// Every step changes something for good, so that a run ends and its last state tells of liveness: there is no cycle.
func TestEveryRunEnds(t *testing.T) {
	suite.Need(t, tools())
	if *size < suite.CI {
		t.Skip("a search of its own")
	}
	const switches = "N=2 CRASHES=0"
	report := build(t, switches, optimised(), "-DNP", "-DCOLLAPSE").pan(t, limit(), "-l")
	if errors, _, err := complete(report); err != nil || errors > 0 {
		t.Fatalf("a cycle: %v\n%s", err, report)
	}
}

// Every mistake that the model can make is in the table, and every one of the table is in the model.
func TestMutantsAreListed(t *testing.T) {
	files, err := filepath.Glob("*.pml")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	listed := map[string]bool{}
	for _, m := range mutants {
		listed[m.name] = true
		if !strings.Contains(all.String(), "MUTANT_"+m.name) {
			t.Errorf("the model knows no %s", m.name)
		}
	}
	for _, name := range mutantName.FindAllStringSubmatch(all.String(), -1) {
		if !listed[name[1]] {
			t.Errorf("%s is not in the table", name[1])
		}
	}
}
