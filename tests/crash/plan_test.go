package crash_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/kinds"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// row is one fault at one point in one scenario; with a second kill while the victim recovers from the first.
type row struct {
	kind  int // in kinds.All
	point string
	use   use
	deed  string // kill, stop, error, delay:D
	again string // the point of the second kill; "": none
	long  bool   // it stands still for longer than a silent link is kept
}

func (r row) String() string {
	text := fmt.Sprintf("%s: %s in %s", kinds.All[r.kind].Name, r.fault(), r.use.scenario.name)
	if r.again != "" {
		text += ", then " + r.again + "=kill"
	}
	return text
}

// fault is what the victim is started with.
func (r row) fault() string {
	text := r.point + "=" + r.deed
	if r.use.pass > 0 {
		text += fmt.Sprintf("@%d", r.use.pass)
	}
	return text
}

// slowly is long for a step, and short enough that nobody gives up for it.
const slowly = "delay:100ms"

// everyLong is how many rows that stand still come on one that does for long.
const everyLong = 8

// singles are all rows with one fault.
func singles() (all []row) {
	for k, of := range kinds.All {
		for _, p := range slices.Concat(coordinator.Points(), participant.Points()) {
			if of.Lockless && locking[p] {
				continue
			}
			for _, u := range points[p] {
				if k > 0 && u.pass > 0 && u.scenario == crowd {
					continue // how many groups a crowd makes is a matter of the store's time
				}
				for _, deed := range []string{"kill", "stop", "error", slowly} {
					all = append(all, row{kind: k, point: p, use: u, deed: deed})
				}
			}
		}
	}
	return all
}

// doubles are the rows with two kills: of each single one, at each point that its victim's recovery passed.
func doubles(killed []row, recoveries map[string][]string) (all []row) {
	for _, r := range killed {
		for _, p := range recoveries[r.String()] {
			twice := r
			twice.again = p
			all = append(all, twice)
		}
	}
	return all
}

// share is how much of the rows of each deed a size takes; all of what is not named. Small is a look.
type share struct{ kills, stops, errors, delays, doubles int }

const everything = 1 << 30

var shares = map[suite.Size]share{
	suite.Small: {kills: 3, stops: 1, errors: 1, delays: 0, doubles: 1},
	suite.CI:    {kills: everything, stops: 2, errors: 6, delays: 3, doubles: 8},
	suite.All:   {everything, everything, everything, everything, everything},
}

// servedShares are those of each kind beside the key-value store: the gate and what stands behind it are the same, and what
// is not is for tests/stores to kill.
var servedShares = map[suite.Size]share{
	suite.Small: {},
	suite.CI:    {kills: 4, errors: 1},
	suite.All:   {kills: everything, stops: 2, errors: everything, delays: 2},
}

// plan draws the rows of each kind.
func plan(rng *rand.Rand, all []row, size suite.Size) (drawn []row) {
	for k := range kinds.All {
		s := shares[size]
		if k > 0 {
			s = servedShares[size]
		}
		of := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return r.kind != k })
		drawn = append(drawn, draw(rng, of, s)...)
	}
	return drawn
}

// draw takes a share of the single rows of a kind, in an order of the seed's.
func draw(rng *rand.Rand, all []row, s share) (drawn []row) {
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	left := map[string]int{"kill": s.kills, "stop": s.stops, "error": s.errors, slowly: s.delays}
	stops := 0
	for _, r := range all {
		if left[r.deed] == 0 {
			continue
		}
		left[r.deed]--
		if r.deed == "stop" {
			stops++
			r.long = s.stops == everything && stops%everyLong == 0
		}
		drawn = append(drawn, r)
	}
	// Those that stand still are waited for: they begin first.
	slices.SortStableFunc(drawn, func(a, b row) int { return cmp.Compare(weight(b), weight(a)) })
	return drawn
}

func weight(r row) int {
	switch {
	case r.long:
		return 2
	case r.deed == "stop":
		return 1
	default:
		return 0
	}
}

func drawDoubles(rng *rand.Rand, all []row, n int) []row {
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(a.String(), b.String()) })
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// chosen are the rows whose name contains text; of text that names two kills, for the first round the part before.
func chosen(all []row, text string) []row {
	return slices.DeleteFunc(slices.Clone(all), func(r row) bool { return !strings.Contains(r.String(), text) })
}

// pairs counts how often the second kill was to come at each point, and did.
type pairs map[string][2]int

func (p pairs) add(point string, came bool) {
	n := p[point]
	n[0]++
	if came {
		n[1]++
	}
	p[point] = n
}

// never lists the points of recovery at which no second kill came.
func (p pairs) never() (all []string) {
	for _, point := range slices.Sorted(maps.Keys(p)) {
		if p[point][1] == 0 {
			all = append(all, point)
		}
	}
	return all
}
