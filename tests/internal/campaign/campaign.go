package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// Config says how much of what.
type Config struct {
	Seed    uint64
	Kills   int           // SIGKILLs in all
	Harms   []Harm        // what else is done to processes, as often as a kill each; then Kills counts all of them
	Pause   time.Duration // at most so long between two
	Rounds  int           // after each, everything is up and quiet for a moment, and looked at
	Runners []Runner      // one worker each
	Readers []Runner      // one reader of all accounts each
	Beside  []Worker      // what else goes on while processes are killed
	Library *Library      // asks for what was not heard; nil: the command does

	Hurt func(ctx context.Context, times int) error                // what befalls the cluster, as often as Kills says, instead of kills
	Draw func(rng *rand.Rand, names []string, key string) Transfer // what is asked for; nil: Draw

	SettleLimit time.Duration // from everything up to nothing in doubt; 0: 5 s
}

// Worker works until `working` ends, and brings to its end what it has begun.
type Worker func(ctx, working context.Context)

// Bounds of what has to happen when all processes are up.
const (
	settleLimit = 5 * time.Second  // nothing is in doubt
	quietLimit  = 40 * time.Second // workers have come to the end of what they were doing
)

// Campaign is one run.
type Campaign struct {
	Config
	Cluster *procs.Cluster
	Book    Book

	rng    *rand.Rand
	killed map[string]int
	harmed map[Harm]int
	slow   time.Duration // the longest settling
	asked  int           // transfers whose end was not heard at first
}

// New prepares a campaign on accounts that are open.
func New(cluster *procs.Cluster, config Config) *Campaign {
	if config.SettleLimit == 0 {
		config.SettleLimit = settleLimit
	}
	if config.Draw == nil {
		config.Draw = func(rng *rand.Rand, names []string, key string) Transfer { return Draw(rng, names, Accounts, key) }
	}
	return &Campaign{Config: config, Cluster: cluster, rng: rand.New(rand.NewPCG(config.Seed, 0)), killed: map[string]int{}, harmed: map[Harm]int{}}
}

// OpenAccounts gives every account of key-value participants its first balance.
func OpenAccounts(t testing.TB, cluster *procs.Cluster) {
	t.Helper()
	CLI{Cluster: cluster}.OpenAccounts(t)
}

// OpenAccounts gives every account its first balance.
func (c CLI) OpenAccounts(t testing.TB) {
	t.Helper()
	cluster := c.Cluster
	work := map[string][]Op{}
	for _, name := range cluster.Names() {
		for i := range Accounts {
			work[name] = append(work[name], Op{Put: &KeyValue{AccountKey(i), strconv.Itoa(Start)}})
		}
	}
	if err := Registered(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	if told := c.Run(t.Context(), "opening", work); told.Heard != Committed {
		t.Fatalf("open the accounts: %s", told.Why)
	}
}

// Run runs all rounds.
func (c *Campaign) Run(t testing.TB) {
	t.Helper()
	for round := range c.Rounds {
		kills := c.Kills*(round+1)/c.Rounds - c.Kills*round/c.Rounds
		if err := c.round(t.Context(), uint64(round), kills); err != nil {
			t.Fatalf("seed %d, round %d: %v", c.Seed, round, err)
		}
	}
	committed, aborted, unknown, reads := c.Book.Counts()
	t.Logf("seed %d: %d transfers committed, %d aborted, %d unknown, %d of them asked for later; %d reads of all accounts; killed %v; settled within %v",
		c.Seed, committed, aborted, unknown, c.asked, reads, c.killed, max(c.slow, 0).Round(time.Millisecond))
	if committed == 0 || reads == 0 && len(c.Readers) > 0 || aborted == 0 && committed > 500 {
		t.Errorf("seed %d: a campaign without commits, aborts or reads proves little", c.Seed)
	}
}

// Figures counts what was done.
func (c *Campaign) Figures() map[string]int {
	committed, aborted, unknown, reads := c.Book.Counts()
	kills := 0
	for _, n := range c.killed {
		kills += n
	}
	return map[string]int{"kills": kills, "committed": committed, "aborted": aborted, "unknown": unknown, "readings": reads}
}

// Asked is how many transfers' ends were not heard at first.
func (c *Campaign) Asked() int { return c.asked }

// round lets the workers work while processes are killed, then looks at everything in peace.
func (c *Campaign) round(ctx context.Context, round uint64, kills int) error {
	working, quiet := context.WithCancel(ctx)
	defer quiet()
	var workers sync.WaitGroup
	for i, r := range c.Runners {
		rng := rand.New(rand.NewPCG(c.Seed, round<<32|uint64(i)+1))
		workers.Go(func() { c.work(ctx, working, r, rng, fmt.Sprintf("%d-%d", round, i)) })
	}
	for _, r := range c.Readers {
		workers.Go(func() { c.read(ctx, working, r) })
	}
	for _, w := range c.Beside {
		workers.Go(func() { w(ctx, working) })
	}
	hurt := c.disturb
	if c.Hurt != nil {
		hurt = c.Hurt
	}
	err := hurt(ctx, kills)
	quiet()
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	if err == nil {
		err = c.Cluster.StartAll()
	}
	up := time.Now()
	if err == nil {
		err = c.settle(ctx, up)
	}
	limit := time.NewTimer(quietLimit)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		return errors.Join(err, fmt.Errorf("a worker has not come to an end within %v", quietLimit))
	}
	if err != nil {
		return err
	}
	if err := c.resolve(ctx); err != nil {
		return err
	}
	return c.unlocked(ctx)
}

func (c *Campaign) upTo(d time.Duration) time.Duration {
	return time.Duration(c.rng.Int64N(int64(d) + 1))
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
