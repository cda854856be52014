package simulation

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone")
	steps   = flag.Bool("steps", false, "with -seed: print every step")
	seeds   = flag.Uint64("seeds", 0, "how many seeds to run; 0: as -size says")
	from    = flag.Uint64("from", 1, "the first seed: shards of a campaign run different ranges")
	keep    = flag.Bool("keep", false, "go on after a seed has failed")
	size    = suite.SizeFlag()
)

// bySize is how many seeds a campaign has.
var bySize = map[suite.Size]uint64{suite.Small: 1000, suite.CI: 100_000, suite.All: 1_000_000}

// again is how many seeds there are for each that is run twice.
const again = 100

func TestSeeds(t *testing.T) {
	if *oneSeed != 0 {
		runOne(t, *oneSeed)
		return
	}
	n := *seeds
	if n == 0 {
		n = bySize[*size]
	}
	c := campaign{outcome: &suite.Outcome{Layer: "simulation", Figures: map[string]int{}}}
	suite.Report(t, c.outcome)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(512 << 20)) // a seed's garbage is small and short-lived: it need not be
	defer debug.SetGCPercent(debug.SetGCPercent(4000))          // collected ten times a second
	var next atomic.Uint64
	next.Store(*from)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed := next.Add(1) - 1; seed < *from+n && (*keep || !t.Failed()); seed = next.Add(1) - 1 {
				r := Run(seed, nil)
				if seed%again == 0 {
					c.count("seeds run twice", 1)
					if second := Run(seed, nil); second != r {
						t.Errorf("seed %d does not replay: %+v and then %+v", seed, r, second)
					}
				}
				c.add(r)
				if r.Violation != "" {
					t.Errorf("seed %d: %s\nreplay: go test ./tests/simulation -run TestSeeds -seed %d -steps", seed, r.Violation, seed)
				}
			}
		})
	}
	all.Wait()
	c.close(t, n)
}

// campaign adds up what its seeds did.
type campaign struct {
	mu      sync.Mutex
	outcome *suite.Outcome
	faults  [kinds]int // seeds that had one
	total   [kinds]int
}

func (c *campaign) count(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcome.Figures[what] += n
}

func (c *campaign) add(r Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.outcome.Figures
	one := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	f["seeds"]++
	f["transactions"] += r.Transactions
	f["committed"] += r.Committed
	f["aborted"] += r.Aborted
	f["unknown"] += r.Unknown
	f["steps"] += r.Steps
	f["coordinator starts"] += r.CoordinatorStarts
	f["losses accepted"] += one(r.LossFound)
	f["two owners"] += one(r.TwoOwners)
	f["mixed, reported"] += one(r.Mixed)
	f["stores forgotten"] += one(r.Forgotten)
	for k, n := range r.Faults {
		f["faults"] += n
		c.total[k] += n
		c.faults[k] += one(n > 0)
	}
}

// close wants every kind of fault to have happened, where there were seeds enough for that.
func (c *campaign) close(t *testing.T, n uint64) {
	for k := range kinds {
		c.outcome.Notes = append(c.outcome.Notes, fmt.Sprintf("%-20s %9d in %d seeds", k, c.total[k], c.faults[k]))
		t.Log(c.outcome.Notes[k])
		if n >= 1000 && c.total[k] == 0 {
			t.Errorf("no seed had the fault %q", k)
		}
	}
	f := c.outcome.Figures
	if f["committed"] < int(n) || f["aborted"] == 0 || n >= 1000 && (f["losses accepted"] == 0 || f["mixed, reported"] == 0) {
		t.Errorf("the seeds did too little to prove anything: %v", f)
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
