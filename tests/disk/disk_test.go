package disk_test

import (
	"math/rand/v2"
	"testing"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// V5, V9: what was told is there after any fault of a disk, or the store is refused; never is it shorter.
func TestDisk(t *testing.T) {
	*seed = suite.Seed(t, *seed)
	o := &suite.Outcome{Layer: "disk", Figures: map[string]int{}}
	suite.Report(t, o)
	defer shownNotes(t, o)
	for i, part := range []struct {
		name string
		run  func(t *testing.T, o *suite.Outcome, draw *rand.Rand)
	}{
		{"codec", codec},
		{"flips", flips},
		{"images", powerCuts},
		{"failures", failures},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, o, rand.New(rand.NewPCG(*seed, uint64(i)))) })
	}
}

func shownNotes(t *testing.T, o *suite.Outcome) {
	for _, n := range o.Notes {
		t.Log(n)
	}
}
