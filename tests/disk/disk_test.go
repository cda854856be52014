package disk_test

import (
	"hash/fnv"
	"math/rand/v2"
	"testing"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// outcome is that of the whole layer: its tests add to it, one after the other.
var outcome = &suite.Outcome{Layer: "disk", Figures: map[string]int{}}

// begin begins a test of the layer. What it draws comes from the seed and its own name, so that it draws the same alone.
func begin(t *testing.T) (*suite.Outcome, *rand.Rand) {
	t.Helper()
	*seed = suite.Seed(t, *seed)
	suite.Report(t, outcome)
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name())) // it never fails
	return outcome, rand.New(rand.NewPCG(*seed, name.Sum64()))
}

// notSmall leaves to larger runs what takes built programs and a while.
func notSmall(t *testing.T) {
	t.Helper()
	if *size == suite.Small {
		t.Skip("from -size ci on")
	}
}
