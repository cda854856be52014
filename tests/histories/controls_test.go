package histories_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/history"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// schedules are each an anomaly, the flaw that lets it happen, and how it comes about. Over sound participants the very
// same schedule shows nothing.
var schedules = []struct {
	want history.Kind
	flaw flaw
	play func(*schedule)
}{
	{history.G2Item, unlockedReads, writeSkew},
	{history.Fractured, unlockedReads, readBetweenCommits},
	{history.Fractured, earlyRelease, readBetweenPrepares},
	{history.G1a, earlyRelease, readBeforeAbort},
	{history.LostUpdate, ignoredChecks, updateTwice},
}

// controls runs everything that must be found, and gives the number of what was.
func controls(t *testing.T, seed uint64) (found int) {
	for _, s := range schedules {
		flaws := []flaw{s.flaw, sound}
		if *size == suite.Small {
			flaws = flaws[:1]
		}
		for _, f := range flaws {
			t.Run(fmt.Sprintf("%s where %s", s.want, f), func(t *testing.T) {
				got := play(t, f, s.play)
				if want := f != sound; got.Has(s.want) != want || !want && len(got.Anomalies) > 0 {
					t.Errorf("seed %d: found: %v", seed, got.Anomalies)
				} else if want {
					found++
					t.Logf("found: %s", got.Anomalies[0])
				}
			})
		}
	}
	if *size == suite.Small {
		return found
	}
	for _, f := range []flaw{unlockedReads, earlyRelease, ignoredChecks} {
		t.Run("the workload where at one participant "+string(f), func(t *testing.T) {
			if wander(t, f, seed) {
				found++
			}
		})
	}
	return found
}

func play(t *testing.T, f flaw, act func(*schedule)) history.Result {
	s := newSchedule(t, f)
	act(s)
	s.look()
	got, err := history.Check(s.rec.history())
	if err != nil {
		t.Fatal(err)
	}
	if got.Counted < 2 {
		t.Errorf("nothing committed: %v", s.rec.history())
	}
	return got
}

// wanted are the anomalies of which the workload must show one.
var wanted = map[flaw][]history.Kind{
	unlockedReads: {history.Fractured, history.GSingle, history.G2Item},
	earlyRelease:  {history.G1a, history.Fractured, history.GSingle},
	ignoredChecks: {history.LostUpdate},
}

// wanderLimit is how long the workload may take to meet the anomaly; it is there within the first seconds.
const wanderLimit = 30 * time.Second

// wander runs the workload until an anomaly is there.
func wander(t *testing.T, f flaw, seed uint64) bool {
	w := newTown(t, map[string]flaw{"site-b": f})
	rec := newRecorder()
	for round := 0; rec.now() < wanderLimit; round++ {
		working, quiet := context.WithTimeout(t.Context(), time.Second)
		var workers sync.WaitGroup
		for i := range 8 {
			l := &lister{runner: w.Library, rec: rec, rng: rand.New(rand.NewPCG(seed, uint64(round)<<32+uint64(i))), name: fmt.Sprintf("w-%d-%d", round, i), names: w.Names()}
			workers.Go(func() { l.work(t.Context(), working) })
		}
		workers.Wait()
		quiet()
		got, err := history.Check(rec.history())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range got.Anomalies {
			if slices.Contains(wanted[f], a.Kind) {
				t.Logf("among %d transactions: %s", got.Counted, a)
				return true
			}
		}
	}
	t.Errorf("seed %d: %s, and within %v none of %v was found", seed, f, wanderLimit, wanted[f])
	return false
}
