package network

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size       = suite.SizeFlag()
	seed       = suite.SeedFlag()
	tellerPath = flag.String(tellerFlag, "", "be a teller: serve on this socket, for the coordinator at the address that follows; not for people")
)

// sideBySide is how many cells run at once: they mostly wait.
const sideBySide = 4

func TestMain(m *testing.M) {
	flag.Parse()
	if *tellerPath != "" {
		if err := serveTeller(*tellerPath, flag.Arg(0)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := flag.Set("test.parallel", fmt.Sprint(max(sideBySide, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	procs.Main(m)
}

// V1, V5, V6, V7, V8, V17, V19 and V21 are what each cell proves.
func TestCells(t *testing.T) {
	suite.Need(t, Check())
	drawn := suite.Seed(t, *seed)
	cells := drawCells(drawn, *size)
	o := &suite.Outcome{Layer: "network", Figures: map[string]int{
		"cells": 0, "patterns": 0, "phases": 0, "packets in trouble": 0, "transfers": 0, "bystanders": 0,
	}}
	suite.Report(t, o)
	o.Notes = append(o.Notes, fmt.Sprintf("%-26s  %-32s %8s %8s %7s %6s  %-9s %8s %8s", "pattern", "phase", "lasted", "met", "tried", "beside", "outcome", "settled", "working"))
	var mu sync.Mutex
	seenPattern, seenPhase := map[string]bool{}, map[string]bool{}
	for _, c := range cells {
		t.Run(c.pattern.name+"/"+c.phase.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("seed %d: go test ./tests/network -size %v -seed %d -run '%s'", drawn, *size, drawn, t.Name())
				}
			})
			c.run(t)
			mu.Lock()
			defer mu.Unlock()
			seenPattern[c.pattern.name], seenPhase[c.phase.name] = true, true
			o.Figures["cells"]++
			o.Figures["patterns"], o.Figures["phases"] = len(seenPattern), len(seenPhase)
			o.Figures["packets in trouble"] += c.result.met
			o.Figures["transfers"] += c.result.transfers
			o.Figures["bystanders"] += c.result.passed
			o.Notes = append(o.Notes, c.String())
			t.Log(c.String())
		})
	}
}

// drawCells are the cells of a run: in the largest all; in the others a sample with as many patterns and phases as there is room for.
func drawCells(drawn uint64, size suite.Size) []*cell {
	rng := rand.New(rand.NewPCG(drawn, 0))
	whichPattern, whichPhase := rng.Perm(len(patterns)), rng.Perm(len(phases))
	var all []*cell
	add := func(pattern, phase int) {
		all = append(all, &cell{
			pattern: patterns[pattern], phase: phases[phase], seed: drawn ^ uint64(pattern*len(phases)+phase+1)<<48, size: size,
		})
	}
	switch size {
	case suite.Small:
		for i := range 2 {
			add(whichPattern[i], whichPhase[i])
		}
	case suite.CI:
		for i := range patterns {
			add(whichPattern[i], whichPhase[i%len(phases)])
		}
	case suite.All:
		for i := range patterns {
			for j := range phases {
				add(i, j)
			}
		}
	}
	return all
}

func (c *cell) String() string {
	r := c.result
	ms := func(d time.Duration) string { return fmt.Sprint(d.Round(time.Millisecond)) }
	return strings.TrimRight(fmt.Sprintf("%-26s  %-32s %8s %8d %7d %6d  %-9v %8s %8s", c.pattern.name, c.phase.name, ms(r.lasted), r.met, r.transfers, r.passed,
		r.outcome, ms(max(r.settled, 0)), ms(r.working)), " ")
}
