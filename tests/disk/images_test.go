package disk_test

import (
	"math/rand/v2"
	"testing"

	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// kinds are the stores that are tried.
var kinds = []string{"log", "kv"}

// torn is how many images have some of what was not synced, beside the one with nothing of it and the one with all.
const torn = 2

// A power cut behind any change to the disk, whatever it tears: the store opens, with everything that was told before.
func TestPowerCutsBehindEveryChange(t *testing.T) {
	suite.Need(t, fuseNeeded())
	o, draw := begin(t)
	for _, kind := range kinds {
		d, err := live(t.Context(), kind, faultfs.Fault{})
		if err != nil {
			t.Fatal(err)
		}
		ops := d.Ops()
		whole, err := toldBy(faultfs.Notes(ops))
		if err != nil || !whole.done || len(whole.wrong) > 0 {
			t.Fatalf("%s: without a fault it came to this: %+v: %v", kind, whole, err)
		}
		for _, n := range sampled(draw, len(ops), map[suite.Size]int{suite.Small: 12, suite.CI: 30}) {
			cutBehind(t, o, kind, ops[:n], draw.Uint64())
		}
		o.Figures["changes of a recorded run"] += len(ops)
	}
}

// sampled are all numbers from 1 to n, or so many of them.
func sampled(draw *rand.Rand, n int, most map[suite.Size]int) []int {
	all := draw.Perm(n)
	for i := range all {
		all[i]++
	}
	if k, ok := most[*size]; ok && k < n {
		all = all[:k]
	}
	return all
}

func cutBehind(t *testing.T, o *suite.Outcome, kind string, ops []faultfs.Op, seed uint64) {
	t.Helper()
	said, err := toldBy(faultfs.Notes(ops))
	if err != nil {
		t.Fatal(err)
	}
	keeps := []faultfs.Keep{{}, {All: true}}
	for i := range uint64(torn) {
		keeps = append(keeps, faultfs.Keep{Rng: rand.New(rand.NewPCG(seed, i))})
	}
	for i, keep := range keeps {
		err := image(ops, keep, func(dir string) error { return check(t.Context(), kind, dir, said) })
		o.Figures["images"]++
		if err != nil {
			t.Errorf("%s, image %d: %v", again(t, "%s: a power cut behind change %d (%v)", kind, len(ops), ops[len(ops)-1]), i, err)
		}
	}
}
