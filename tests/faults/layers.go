package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// layer is one way of looking for faults: a package of tests.
type layer struct {
	name  string
	says  string // what it does, for the page
	pkg   string
	args  func(suite.Size, uint64) []string
	limit time.Duration  // of one run of CI's size; all takes as long as it takes, within allLimit
	calm  bool           // needs processors and no peace: runs beside the others, which wait for processes, and gives way
	read  *regexp.Regexp // figures from the output, where the package hands in no report: name by group
}

// allLimit bounds a run of everything that a layer has.
const allLimit = 6 * time.Hour

// layers, the cheap and sharp ones first.
var layers = []layer{
	{
		name: "exploration", says: "every interleaving of both machines under loss, repetition, reordering, crashes and power losses",
		pkg: "./internal/protocol", args: func(suite.Size, uint64) []string { return []string{"-run", "^TestExplore"} },
		limit: 5 * time.Minute, read: regexp.MustCompile(`(?m): (?P<states>\d+) states, (?P<steps>\d+) steps`),
	},
	{name: "model", says: "the protocol in Promela, written apart from the code, searched by Spin", pkg: "./tests/model", args: sized, limit: 5 * time.Minute},
	{
		name: "simulation", says: "the real cores in one thread under virtual time, from seeds", pkg: "./tests/simulation",
		args: func(s suite.Size, seed uint64) []string {
			return []string{"-run", "^Test", "-size", s.String(), "-from", strconv.FormatUint(seed, 10)}
		},
		limit: 15 * time.Minute, calm: true,
	},
	{name: "fuzz", says: "every decoder and parser, and random sequences of calls against a model", pkg: "./tests/fuzz", args: sized, limit: 5 * time.Minute},
	{name: "crash", says: "the programs, killed, stopped, failed and delayed at every point of their gates, and again while they recover", pkg: "./tests/crash", args: sized, limit: 8 * time.Minute},
	{name: "disk", says: "power cuts, failed writes and syncs, torn sectors, flipped bytes, full disks", pkg: "./tests/disk", args: sized, limit: 8 * time.Minute},
	{name: "network", says: "hosts in network namespaces, cut off, flapping, reset, slow, lossy, in every phase of a transaction", pkg: "./tests/network", args: sized, limit: 8 * time.Minute},
	{name: "histories", says: "a bank and lists under faults, checked for strict serializability, with controls that must be found", pkg: "./tests/histories", args: sized, limit: 8 * time.Minute},
	{name: "campaign", says: "the programs, killed at random under load, and an audit of all money", pkg: "./tests/blackbox", args: only("^TestCampaign$"), limit: 8 * time.Minute},
	{name: "mutants", says: "one-line mistakes in the shipped source, each of which a test must catch", pkg: "./tests/mutants", args: sized, limit: 8 * time.Minute},
}

// sized are the flags that most layers take.
func sized(s suite.Size, seed uint64) []string { return only("^Test")(s, seed) }

// only runs some tests of a package.
func only(tests string) func(suite.Size, uint64) []string {
	return func(s suite.Size, seed uint64) []string {
		return []string{"-run", tests, "-size", s.String(), "-seed", strconv.FormatUint(seed, 10)}
	}
}

// figures counts what a layer's output says, where the layer hands in nothing.
func (l layer) figures(output []byte) (map[string]int, error) {
	sums := map[string]int{}
	for _, found := range l.read.FindAllSubmatch(output, -1) {
		for i, name := range l.read.SubexpNames() {
			if name == "" {
				continue
			}
			n, err := strconv.Atoi(string(found[i]))
			if err != nil {
				return nil, fmt.Errorf("read the figures of %s: %w", l.name, err)
			}
			sums[name] += n
		}
	}
	if len(sums) == 0 {
		return nil, fmt.Errorf("the output of %s has no figures", l.name)
	}
	return sums, nil
}
