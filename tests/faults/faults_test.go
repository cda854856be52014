package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// hand plays go test: it writes a report and an output, and fails as it is told.
func hand(o *suite.Outcome, output string, fails error) tester {
	return func(_ context.Context, dir, log string, _ []string) error {
		if o != nil {
			text, err := json.Marshal(o)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, o.Layer+".json"), text, 0o600); err != nil {
				return err
			}
		}
		return errors.Join(fails, os.WriteFile(log, []byte(output), 0o600))
	}
}

func campaignOf(t *testing.T, test tester, names ...string) *campaign {
	c := &campaign{size: suite.CI, seed: 7, out: t.TempDir(), test: test, stdout: io.Discard}
	for _, l := range layers {
		if slices.Contains(names, l.name) {
			c.layers = append(c.layers, l)
		}
	}
	return c
}

func TestJudgement(t *testing.T) {
	good := suite.Outcome{Layer: "crash", Figures: map[string]int{"points": 3}}
	bad, left := good, good
	bad.Failed = true
	left.Skipped = []string{"namespaces"}
	for _, row := range []struct {
		says   string
		test   tester
		passed bool
	}{
		{"a layer that passed and says what it did passes", hand(&good, "", nil), true},
		{"a failed test fails", hand(&good, "", errors.New("exit status 1")), false},
		{"a report of a failure fails, whatever the exit code says", hand(&bad, "", nil), false},
		{"no report fails: the layer was skipped", hand(nil, "ok", nil), false},
		{"what was left out fails", hand(&left, "", nil), false},
	} {
		s, err := campaignOf(t, row.test, "crash").run(t.Context())
		if err != nil || s.Passed != row.passed {
			t.Errorf("%s: passed %v, %v", row.says, s.Passed, err)
		}
	}
}

func TestFiguresFromTheOutput(t *testing.T) {
	s, err := campaignOf(t, hand(nil, "x: 10 states, 20 steps\ny: 5 states, 6 steps\n", nil), "exploration").run(t.Context())
	if err != nil || !s.Passed || s.Layers[0].Figures["states"] != 15 || s.Layers[0].Figures["steps"] != 26 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = campaignOf(t, hand(nil, "ok\n", nil), "exploration").run(t.Context())
	if err != nil || s.Passed {
		t.Errorf("no figures, and yet it passed: %+v, %v", s, err)
	}
}

func TestRoundsHaveTheirOwnSeeds(t *testing.T) {
	var seeds []string
	report := hand(&suite.Outcome{Layer: "crash", Figures: map[string]int{"points": 1}}, "", nil)
	c := campaignOf(t, nil, "crash")
	c.during = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	c.test = func(ctx context.Context, dir, log string, args []string) error {
		seeds = append(seeds, args[len(args)-1])
		if len(seeds) == 3 {
			stop()
		}
		return report(ctx, dir, log, args)
	}
	if _, err := c.run(ctx); err == nil || len(seeds) != 3 {
		t.Errorf("cut off: %v, seeds %v", err, seeds)
	}
	slices.Sort(seeds)
	if len(slices.Compact(seeds)) != 3 {
		t.Errorf("seeds repeat: %v", seeds)
	}
}

func TestTheSummaryIsWritten(t *testing.T) {
	c := campaignOf(t, hand(&suite.Outcome{Layer: "crash", Figures: map[string]int{"kills": 4}, Notes: []string{"a <note>"}}, "", errors.New("exit status 1")), "crash")
	s, err := c.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(c.out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"summary.txt": "go test -v", "summary.json": `"kills": 4`, "summary.html": "a &lt;note&gt;"} {
		text, err := os.ReadFile(filepath.Join(c.out, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v\n%s", name, want, err, text)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "nothing"}, {"-size", "huge"}, {"more"}} {
		var words strings.Builder
		if code := run(t.Context(), args, io.Discard, &words); code != 2 || words.Len() == 0 {
			t.Errorf("%v: code %d, %q", args, code, words.String())
		}
	}
}

// Every layer stands in a package of its own that exists, so that the campaign leaves none out.
func TestEveryLayerIsRun(t *testing.T) {
	found, err := filepath.Glob("../*/*_test.go")
	if err != nil || len(found) == 0 {
		t.Fatalf("look for layers: %v", err)
	}
	alone := []string{"../faults", "../polyglot", "../stores", "../servers"} // this program; another language; adapters, with a campaign of their own; servers to play with
	var dirs []string
	for _, f := range found {
		if dir := filepath.Dir(f); !slices.Contains(dirs, dir) && !slices.Contains(alone, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		if pkg := "./tests/" + filepath.Base(dir); !slices.ContainsFunc(layers, func(l layer) bool { return l.pkg == pkg }) {
			t.Errorf("%s has tests, and is no layer of the campaign: add a row to layers.go", pkg)
		}
	}
	for _, l := range layers {
		if _, err := os.Stat(filepath.Join("..", "..", l.pkg)); err != nil {
			t.Errorf("layer %s: %v", l.name, err)
		}
	}
}
