package stores_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/kinds"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// everything is a coordinator and a participant of each kind, named after it, each with a server of its own.
type everything struct {
	*procs.Cluster
	houses []kinds.House
	homes  map[string]kinds.Home
	speech campaign.Speech
	rng    *rand.Rand
	killed map[string]int
}

// newEverything starts the servers side by side, then the processes.
func newEverything(t *testing.T, given uint64) *everything {
	t.Helper()
	w := &everything{
		Cluster: procs.DescribeCluster(t, nil), houses: make([]kinds.House, len(kinds.All)), homes: map[string]kinds.Home{}, speech: campaign.Speech{},
		rng: rand.New(rand.NewPCG(given, 1)), killed: map[string]int{},
	}
	var wg sync.WaitGroup
	for i, k := range kinds.All {
		wg.Go(func() { w.houses[i] = k.Serve(t) })
	}
	wg.Wait()
	if t.Failed() || t.Skipped() { // in a goroutine that only ended itself
		t.FailNow()
	}
	for i, k := range kinds.All {
		w.homes[k.Name] = w.houses[i].Home(t, w.Cluster, k.Name)
		w.speech[k.Name] = w.homes[k.Name].Write
	}
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	w.cli().OpenAccounts(t)
	return w
}

func (w *everything) cli() campaign.CLI { return campaign.CLI{Cluster: w.Cluster, Speech: w.speech} }

// P1, P2, P7, P9, P10, P11: a transaction over a database of each kind, two brokers and a key-value store is in all of them
// or in none, and nothing is left behind, whatever is killed: servers, participants, the coordinator.
func TestATransactionOverAllStoresWhileEverythingIsKilled(t *testing.T) {
	t.Parallel()
	given := suite.Seed(t, *seed)
	w := newEverything(t, given)
	c := campaign.New(w.Cluster, campaign.Config{
		Seed: given, Kills: *serverKills, Rounds: 1, Runners: []campaign.Runner{w.cli(), w.cli(), w.cli(), w.cli()}, Hurt: w.hurt, Draw: overAll,
		SettleLimit: settled,
	})
	c.Run(t)
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
	stores := map[string]procs.Dump{}
	for name, home := range w.homes {
		var err error
		if stores[name], err = home.Read(t.Context()); err != nil {
			t.Fatalf("seed %d: read %s: %v", given, name, err)
		}
	}
	for i, wrong := range c.Book.Audit(stores) {
		if i < 20 {
			t.Errorf("seed %d: %s", given, wrong)
		}
	}
	t.Logf("seed %d: killed %v", given, w.killed)
}

// overAll draws a transfer between two stores in which all others take part, mostly; some are refused by one of them.
func overAll(rng *rand.Rand, names []string, key string) campaign.Transfer {
	order, amount := rng.Perm(len(names)), 1+rng.Int64N(20)
	if rng.IntN(4) == 0 {
		order = order[:2+rng.IntN(len(order)-1)]
	}
	t := campaign.Transfer{Key: key}
	for i, n := range order {
		leg := campaign.Leg{Participant: names[n], Account: rng.IntN(campaign.Accounts)}
		switch i {
		case 0:
			leg.By = -amount
		case 1:
			leg.By = amount
		}
		t.Legs = append(t.Legs, leg)
	}
	if rng.IntN(12) == 0 {
		t.Legs[rng.IntN(len(t.Legs))].Impossible = true
	}
	return t
}

// hurt kills so many servers, each alone or with a process, and as many processes again; what was killed comes back at once
// or in any order.
func (w *everything) hurt(ctx context.Context, times int) error {
	served := len(w.houses) - 1 // the first is the key-value store's
	var order []int
	for n := range times {
		if err := w.rest(ctx); err != nil {
			return err
		}
		if n%served == 0 { // each once, then again
			order = w.rng.Perm(served)
		}
		which := 1 + order[n%served]
		server := w.houses[which].Server()
		server.Kill()
		w.killed["server of "+kinds.All[which].Name]++
		together := w.rng.IntN(3) == 0
		if !together {
			if err := server.Start(); err != nil {
				return err
			}
			if err := w.rest(ctx); err != nil {
				return err
			}
		}
		victim := w.Nodes()[w.rng.IntN(len(w.Nodes()))]
		victim.Kill()
		w.killed[victim.Name]++
		var process error
		var wg sync.WaitGroup
		wg.Go(func() { process = victim.Start() }) // a participant waits for its server
		if together {
			if err := server.Start(); err != nil {
				wg.Wait()
				return err
			}
		}
		wg.Wait()
		if process != nil {
			return fmt.Errorf("start %s: %w", victim.Name, process)
		}
	}
	return w.rest(ctx)
}

func (w *everything) rest(ctx context.Context) error {
	timer := time.NewTimer(between + time.Duration(w.rng.Int64N(int64(between))))
	defer timer.Stop()
	select {
	case <-timer.C: // transactions go on meanwhile
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
