package simulation

import (
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone")
	steps   = flag.Bool("steps", false, "with -seed: print every step")
	seeds   = flag.Uint64("seeds", 1000, "how many seeds to run")
	from    = flag.Uint64("from", 1, "the first seed")
)

func TestSeeds(t *testing.T) {
	if *oneSeed != 0 {
		runOne(t, *oneSeed)
		return
	}
	var next, committed, aborted, faults, unknown, lost, found, two atomic.Uint64
	next.Store(*from)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < *from+*seeds && !t.Failed(); seed = next.Add(1) - 1 {
				r := Run(seed, nil)
				committed.Add(uint64(r.Committed))
				aborted.Add(uint64(r.Aborted))
				unknown.Add(uint64(r.Unknown))
				faults.Add(uint64(r.Faults))
				if r.TailLost {
					lost.Add(1)
				}
				if r.TwoOwners {
					two.Add(1)
				}
				if r.LossFound {
					found.Add(1)
				}
				if r.Violation != "" {
					t.Errorf("seed %d: %s\nreplay: go test ./tests/simulation -run TestSeeds -seed %d -steps", seed, r.Violation, seed)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds: %d committed, %d aborted, %d unknown, %d faults; %d logs lost their tail, %d had two owners; %d losses were found and accepted", *seeds, committed.Load(), aborted.Load(), unknown.Load(), faults.Load(), lost.Load(), two.Load(), found.Load())
	if committed.Load() < *seeds || aborted.Load() == 0 || faults.Load() < *seeds || *seeds >= 1000 && found.Load() == 0 {
		t.Error("the seeds did too little to prove anything")
	}
}

func runOne(t *testing.T, seed uint64) {
	var r Report
	if *steps {
		r = Run(seed, os.Stdout)
	} else {
		r = Run(seed, nil)
	}
	t.Logf("%+v", r)
	if r.Violation != "" {
		t.Error(r.Violation)
	}
}

// A seed replays to the bit.
func TestASeedReplays(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		if a, b := Run(seed, nil), Run(seed, nil); a != b {
			t.Errorf("seed %d: %+v and then %+v", seed, a, b)
		}
	}
}
