package crash_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/txc-dev/txc/tests/internal/kinds"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	size = suite.SizeFlag()
	seed = suite.SeedFlag()
	only = flag.String("row", "", "only the rows whose name contains this")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(towns)); err != nil { // they mostly wait: not one for each processor
		panic(err)
	}
	procs.Main(m)
}

// Bounds of a round of rows.
const (
	towns       = 4 // clusters at once: a row mostly waits
	maxFailures = 6 // in one round, before the rest is not even begun

	progressEvery = 20 // rows
)

// C1, C3, C6, C9, P1, P2, P7, P10, P11, V1, V5, V6, V7, V17, V21: whichever point a process fails at, and in whatever way, once all
// are up again every transaction ends within 5 s, at all branches alike, as its client was told; and nothing is left.
func TestCrash(t *testing.T) {
	report := &suite.Outcome{Layer: "crash", Figures: map[string]int{"points": len(points)}}
	suite.Report(t, report)
	from := suite.Seed(t, *seed)
	rng := rand.New(rand.NewPCG(from, 0))
	part := shares[*size]
	all, of := singles(), *size
	if *only != "" {
		first, _, _ := strings.Cut(*only, ", then ")
		all, part, of = chosen(all, first), shares[suite.All], suite.All
	}
	rows := plan(rng, all, of)
	first := &round{name: "one fault", again: fmt.Sprintf("-seed %d", from), rows: rows, recoveries: map[string][]string{}, pairs: pairs{}}
	first.run(t)

	kills := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.deed != "kill" || r.kind > 0 })
	twice := doubles(kills, first.recoveries)
	if *only != "" {
		twice = chosen(twice, *only)
	}
	second := &round{name: "two kills", again: first.again, rows: drawDoubles(rng, twice, part.doubles), pairs: pairs{}}
	second.run(t)
	if never := second.pairs.never(); *size == suite.All && *only == "" && len(never) > 0 {
		t.Errorf("no second kill came at %v, though a recovery passed them", never)
	}
	sum(report, first, second)
}

// sum counts what was done, and makes the table for people.
func sum(report *suite.Outcome, first, second *round) {
	f := report.Figures
	f["rows"] = first.done + second.done
	for _, r := range first.lived {
		deed, _, _ := strings.Cut(r.deed, ":")
		f[deed+"s"]++
	}
	for point, n := range second.pairs {
		f["kills"] += n[0] + n[1]
		f["double kills"] += n[1]
		f["second kills that did not come"] += n[0] - n[1]
		report.Notes = append(report.Notes, fmt.Sprintf("recovery %-32s a second kill in %d rows of %d", point, n[1], n[0]))
	}
	slices.Sort(report.Notes)
	for point, by := range joinedOnly {
		report.Notes = append(report.Notes, fmt.Sprintf("%s is passed by joined calls alone, which no program here takes: %s strikes it in process", point, by))
	}
}

// round is a number of rows, which several towns live through at once.
type round struct {
	name, again string

	mu         sync.Mutex
	rows       []row // that are left
	lived      []row
	done       int
	failures   int
	recoveries map[string][]string // by row
	pairs      pairs
}

func (r *round) run(t *testing.T) {
	byKind := map[int][]row{}
	for _, one := range r.rows {
		byKind[one.kind] = append(byKind[one.kind], one)
	}
	total := len(r.rows)
	for _, k := range slices.Sorted(maps.Keys(byKind)) {
		r.rows = byKind[k]
		n := min(towns, (len(r.rows)+2)/3)
		t.Run(r.name, func(t *testing.T) { // ends when all towns have
			house := kinds.All[k].Serve(t)
			for i := range n {
				t.Run(fmt.Sprintf("%s-%d", kinds.All[k].Name, i+1), func(t *testing.T) {
					t.Parallel()
					r.town(t, house)
				})
			}
		})
		if left := len(r.rows); left > 0 {
			t.Errorf("%s: %d rows were not begun, after %d failures", r.name, left, r.failures)
		}
	}
	t.Logf("%s: %d rows of %d", r.name, r.done, total)
}

// town takes rows until none is left. A row that fails may leave anything behind: a new town goes on.
func (r *round) town(t *testing.T, house kinds.House) {
	var n *town
	for {
		one, ok := r.next()
		if !ok {
			break
		}
		if n == nil {
			n = newTown(t, house)
		}
		l, err := n.live(t.Context(), one)
		if done := r.end(one, l, err); done%progressEvery == 0 {
			t.Logf("%s: %d rows, %d to be begun", r.name, done, r.left())
		}
		if err != nil {
			t.Errorf("%s: %v\nagain: go test ./tests/crash %s -row '%s'", one, err, r.again, one)
			n.cluster.KillAll()
			n = nil
		}
	}
	if n != nil {
		n.audit(t)
	}
}

func (r *round) next() (row, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 || r.failures >= maxFailures {
		return row{}, false
	}
	one := r.rows[0]
	r.rows = r.rows[1:]
	return one, true
}

func (r *round) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rows)
}

// end notes what a row came to, and gives the number of those that have ended.
func (r *round) end(one row, l lived, err error) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if err != nil {
		r.failures++
		return r.done
	}
	r.lived = append(r.lived, one)
	if one.again != "" {
		r.pairs.add(one.again, l.twice)
	} else if one.deed == "kill" {
		r.recoveries[one.String()] = l.recovery
	}
	return r.done
}
