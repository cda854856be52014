package histories_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/history"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// plan is how much a size does.
type plan struct {
	histories int
	harms     int // in each
	rounds    int
	pause     time.Duration
}

var plans = map[suite.Size]plan{
	suite.Small: {1, 4, 1, 700 * time.Millisecond},
	suite.CI:    {3, 8, 1, 900 * time.Millisecond},
	suite.All:   {30, 18, 2, 1200 * time.Millisecond},
}

// Of everything that clients see, V2, V5, V6, V7, V8 and V23 are what is proved; of what the stores hold at the end, V1.
func TestHistories(t *testing.T) {
	first := suite.Seed(t, *seed)
	o := &suite.Outcome{Layer: "histories", Figures: map[string]int{}}
	suite.Report(t, o)
	t.Run("controls", func(t *testing.T) { o.Figures["controls"] = controls(t, first) })
	p := plans[*size]
	for i := range p.histories {
		t.Run(fmt.Sprintf("history-%d", i), func(t *testing.T) { run(t, o, p, first+uint64(i)) })
	}
}

// run makes one history, and judges it.
func run(t *testing.T, o *suite.Outcome, p plan, seed uint64) {
	t.Logf("again, with other timing: go test ./tests/histories -run TestHistories/history-0 -size %s -seed %d", *size, seed)
	names := []string{"site-a", "site-b", "site-c", "site-d", "site-e"}[:3+seed%3]
	c := procs.NewCluster(t, names)
	campaign.OpenAccounts(t, c)
	rec := newRecorder()
	library := campaign.NewLibrary(t, c)
	config := campaign.Config{
		Seed: seed, Kills: p.harms, Harms: []campaign.Harm{campaign.Stopped, campaign.Faulty}, Pause: p.pause, Rounds: p.rounds,
		Readers: []campaign.Runner{library}, Library: &library, Beside: beside(c, rec, library, seed),
	}
	hasty := library
	hasty.Patience = 25 * time.Millisecond
	for _, l := range []campaign.Library{library, library, library, hasty} {
		config.Runners = append(config.Runners, watched{l, rec})
	}
	campaigned := campaign.New(c, config)
	whole := false
	defer func() {
		if !whole { // what led to a breakdown is judged too
			judge(t, rec, rec.history(), "up to the breakdown")
			t.Logf("txc status: %s", c.Txc(t, "", "status").Stdout)
		}
	}()
	campaigned.Run(t)
	whole = true
	asHeard := rec.history()
	left := resolve(t, rec, library)
	final := readAll(t, rec, library, names)
	askAgain(t, rec, library)
	judge(t, rec, asHeard, "as it was heard")
	edges := judge(t, rec, rec.history(), "with every end asked for")
	if err := judgeRegisters(rec.seen); err != nil {
		t.Error(err)
	}
	audit(t, c, &campaigned.Book, final)
	count(t, o, rec, campaigned, edges, left)
}

// beside are the workers on lists, and the observers.
func beside(c *procs.Cluster, rec *recorder, library campaign.Library, seed uint64) []campaign.Worker {
	var all []campaign.Worker
	for i := range 8 {
		var runner campaign.Runner = library
		switch {
		case i == 0:
			runner = campaign.CLI{Cluster: c}
		case i%3 == 0:
			hasty := library
			hasty.Patience = time.Duration(i) * 15 * time.Millisecond
			runner = hasty
		}
		l := &lister{runner: watched{runner, rec}, rec: rec, rng: rand.New(rand.NewPCG(seed, 1<<32+uint64(i))), name: fmt.Sprintf("l-%d-%d", seed, i), names: c.Names()}
		all = append(all, l.work)
	}
	for i, ask := range []func(*procs.Cluster) observer{
		func(c *procs.Cluster) observer { return observer{rec: rec, ask: askCommand(c)} },
		func(*procs.Cluster) observer { return observer{rec: rec, ask: askLibrary(library)} },
		func(*procs.Cluster) observer { return observer{rec: rec, ask: askLibrary(library)} },
	} {
		o := ask(c)
		o.rng = rand.New(rand.NewPCG(seed, 2<<32+uint64(i)))
		all = append(all, o.watch)
	}
	return all
}

// resolve asks for every end that was not heard; it says how many there were. With everything up there is an answer.
func resolve(t *testing.T, rec *recorder, library campaign.Library) int {
	unknown := rec.unknown()
	for _, u := range unknown {
		heard, err := library.Ask(t.Context(), &u.entry)
		if err != nil {
			t.Error(err)
		}
		u.settle(heard, rec.now())
	}
	return len(unknown)
}

// readAll reads every list that was ever written, in transactions of their own.
func readAll(t *testing.T, rec *recorder, library campaign.Library, names []string) map[string]string {
	l := &lister{runner: library, rec: rec, names: names}
	final := map[string]string{}
	for list := range rec.given()/(active*full)*active + active {
		found := l.read(t.Context(), []int{list})
		if found == nil {
			t.Fatalf("with everything up, %s cannot be read", listKey(list))
		}
		for key, r := range found {
			if r.Found {
				final[key] = r.Value
			}
		}
	}
	return final
}

// askAgain asks once more for every key and every id that was heard of: with everything up, what was decided is told.
func askAgain(t *testing.T, rec *recorder, library campaign.Library) {
	asked := map[keys]bool{}
	for _, o := range slices.Clone(rec.seen) {
		for _, k := range []keys{{o.key, ""}, {o.key, o.id}} {
			if asked[k] {
				continue
			}
			asked[k] = true
			again := observation{key: k.key, begin: rec.now()}
			again.id, again.says = askLibrary(library)(t.Context(), k)
			again.end = rec.now()
			if again.says == undecided || again.says == nothing {
				t.Errorf("with everything up, %s %s is %s", k.key, k.id, again.says)
			}
			rec.observe(again)
		}
	}
}

func judge(t *testing.T, rec *recorder, txs []history.Tx, which string) history.Edges {
	t.Helper()
	got, err := history.Check(txs)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got.Anomalies {
		if i < 5 {
			t.Errorf("the history, %s: %s", which, a)
		}
	}
	return got.Edges
}

// audit compares the stores with the bank's book, and with the lists that were read last.
func audit(t *testing.T, c *procs.Cluster, book *campaign.Book, final map[string]string) {
	if _, err := campaign.Settle(t.Context(), c, time.Now(), 5*time.Second); err != nil {
		t.Error(err)
	}
	c.KillAll()
	stores, held := map[string]procs.Dump{}, map[string]string{}
	for _, name := range c.Names() {
		d := c.ReadDump(t, name)
		maps.DeleteFunc(d.Data, func(key, value string) bool {
			ours := strings.HasPrefix(key, "list/") || strings.HasPrefix(key, "count/")
			if ours {
				held[key] = value
			}
			return ours
		})
		stores[name] = d
	}
	wrong := book.Audit(stores)
	for _, key := range slices.Sorted(maps.Keys(final)) {
		if held[key] != final[key] {
			wrong = append(wrong, fmt.Sprintf("%s was read as %q, and the stores hold %q", key, final[key], held[key]))
		}
	}
	if len(held) != len(final) {
		wrong = append(wrong, fmt.Sprintf("%d lists and counts were read, and the stores hold %d", len(final), len(held)))
	}
	for i, w := range wrong {
		if i < 20 {
			t.Error(w)
		}
	}
}

// count adds a history's figures to the layer's.
func count(t *testing.T, o *suite.Outcome, rec *recorder, c *campaign.Campaign, edges history.Edges, left int) {
	if len(rec.odd) > 0 {
		t.Errorf("%d things that never should be seen: %s", len(rec.odd), strings.Join(rec.odd[:min(5, len(rec.odd))], "\n"))
	}
	bankCommitted, bankAborted, _, bankReads := c.Book.Counts()
	kills, others := c.Harmed()
	figures := map[string]int{
		"histories": 1, "transactions": len(rec.txs) + bankCommitted + bankAborted + bankReads, "committed": bankCommitted + bankReads, "aborted": bankAborted,
		"unknown": left + c.Asked(), "kills": kills, "stops": others[campaign.Stopped], "failpoints": others[campaign.Faulty], "edges": edges.All(), "observations": len(rec.seen),
	}
	for _, tx := range rec.txs {
		switch tx.Status {
		case history.Committed:
			figures["committed"]++
		case history.Aborted:
			figures["aborted"]++
		}
	}
	for name, n := range figures {
		o.Figures[name] += n
	}
	t.Logf("%v; edges %+v", figures, edges)
	if edges.WriteWrite == 0 || edges.ReadWrite == 0 || edges.WriteRead == 0 || len(rec.seen) == 0 {
		t.Error("a history without edges or observers proves nothing")
	}
}
