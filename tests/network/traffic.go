package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

const (
	drawers   = 2                     // clients that draw transfers during the trouble
	leastPass = 3                     // transactions that go on beside any trouble, at the least
	rest      = 20 * time.Millisecond // after what did not commit
)

// during is what happens amid the trouble: transfers of all sorts are tried, and what does not need the victim goes on.
func (c *cell) during(began time.Time) {
	working, quiet := context.WithDeadline(c.t.Context(), began.Add(c.lasts()))
	defer quiet()
	for i := range drawers {
		rng := rand.New(rand.NewPCG(c.seed, uint64(i)+2))
		c.clients.Go(func() { c.draw(working, rng, i) })
	}
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		if c.pattern.spares {
			c.pass(working)
		}
	}()
	if c.phase.want == campaign.Committed {
		c.decided()
	}
	<-passed
	<-working.Done()
}

// lasts draws how long the trouble lasts: it ends before TCP gives a connection up, which takes it 5 seconds, or well after,
// or, in the largest run, when the keepalive has found every connection dead.
func (c *cell) lasts() time.Duration {
	const shortest, givenUp, keepalive, spread = 1500 * time.Millisecond, 6500 * time.Millisecond, 15 * time.Second, 2 * time.Second
	last := time.Duration(c.rng.Int64N(int64(spread)))
	switch n := c.rng.IntN(4); {
	case c.size == suite.Small || n >= 2:
		return shortest + last
	case c.size == suite.All && n == 1:
		return keepalive + last
	default:
		return givenUp + last
	}
}

// decided asks on the coordinator's own host, which the trouble does not concern, whether the phase is past the decision.
func (c *cell) decided() {
	here := c.cluster.From(c.lab.Place(coordinatorHost))
	r := procs.RunContext(c.t.Context(), here.TxcPath(), "", here.Args("show", "--key", pinnedKey)...)
	var tx procs.Tx
	if err := r.JSON(&tx); err != nil || tx.Outcome != "committed" {
		c.t.Errorf("%s: amid the trouble the coordinator says: %s%s", c.phase.proves, r.Stdout, r.Stderr)
	}
}

// draw runs transfers as they are drawn until the trouble ends; what was begun is brought to its end.
func (c *cell) draw(working context.Context, rng *rand.Rand, worker int) {
	for n := 0; working.Err() == nil; n++ {
		e := c.try(c.teller, campaign.Draw(rng, banks, drawnAccounts, fmt.Sprintf("drawn-%d-%d", worker, n)))
		if e.Heard != campaign.Committed && !pause(working, rest) {
			return
		}
	}
}

// pass runs transactions without the victim: all commit, whatever happens to it (V19).
func (c *cell) pass(working context.Context) {
	for working.Err() == nil || c.result.passed < leastPass {
		by := int64(1 - 2*(c.result.passed%2)) // there and back
		e := c.try(c.teller, campaign.Transfer{Key: fmt.Sprintf("pass-%d", c.result.passed), Legs: []campaign.Leg{
			{Participant: banks[0], Account: bystanderAccount, By: -by},
			{Participant: banks[1], Account: bystanderAccount, By: by},
		}})
		if e.Heard != campaign.Committed {
			c.t.Errorf("V19: a transaction that has nothing to do with %s, whose line is in trouble, is %s: %s", victim, e.Heard, e.Why)
			return
		}
		c.result.passed++
	}
}

// try runs one transfer to whatever end its client hears of, and notes it.
func (c *cell) try(r campaign.Runner, t campaign.Transfer) campaign.Entry {
	told := r.Run(c.t.Context(), t.Key, t.Work())
	if told.Odd != "" {
		c.book.Odd(t.Key + ": " + told.Odd)
	}
	e := campaign.Entry{Transfer: t, Heard: told.Heard, ID: told.ID, Why: told.Why}
	c.book.Add(e)
	return e
}

// after is what must be when the network is whole: nothing in doubt, and work for everybody, both soon; then every client
// comes to know how its transaction ended.
func (c *cell) after(whole time.Time, pinned <-chan campaign.Entry) {
	probes := make(chan time.Duration, 2)
	for name, r := range map[string]campaign.Runner{"before": c.teller, "now": campaign.CLI{Cluster: c.cluster}} {
		c.clients.Go(func() { probes <- c.probe(whole, name, r) })
	}
	var err error
	if c.result.settled, err = campaign.Settle(c.t.Context(), c.cluster, whole, wholeLimit); err != nil {
		c.t.Errorf("V17: %v", err)
	}
	c.result.working = max(<-probes, <-probes)
	quiet := make(chan struct{})
	go func() { c.clients.Wait(); close(quiet) }()
	limit := time.NewTimer(quietLimit)
	defer limit.Stop()
	select {
	case <-quiet:
	case <-limit.C:
		c.t.Fatalf("%v after the network was whole a client still waits", quietLimit)
	}
	c.resolve(<-pinned)
}

// probe tries transactions over everybody until one commits; it says how long that took.
func (c *cell) probe(whole time.Time, connected string, r campaign.Runner) time.Duration {
	for n := 0; ; n++ {
		e := c.try(r, campaign.Transfer{Key: fmt.Sprintf("probe-%s-%d", connected, n), Legs: []campaign.Leg{
			{Participant: banks[0], Account: probeAccount, By: -2},
			{Participant: banks[1], Account: probeAccount, By: 1},
			{Participant: victim, Account: probeAccount, By: 1},
		}})
		took := time.Since(whole)
		if took > wholeLimit {
			c.t.Errorf("%v after the network was whole a client that had connected %s had nothing committed: %s", took.Round(time.Millisecond), connected, e.Why)
		}
		if e.Heard == campaign.Committed || took > wholeLimit {
			return took
		}
		if !pause(c.t.Context(), rest) {
			return took
		}
	}
}

// resolve asks for what was not heard, and looks at the transaction whose phase it was.
func (c *cell) resolve(pinned campaign.Entry) {
	heard, err := campaign.Ask(c.t.Context(), c.cluster, &pinned)
	if err != nil {
		c.t.Error(err)
	}
	if c.result.outcome = heard; c.phase.want != anyEnd && heard != c.phase.want {
		c.t.Errorf("%s: it is %s, not %s: %s", c.phase.proves, heard, c.phase.want, pinned.Why)
	}
	for _, e := range c.book.Unknown() {
		heard, err := campaign.Ask(c.t.Context(), c.cluster, e)
		if err != nil {
			c.t.Error(err)
		}
		c.book.Settle(e, heard)
	}
	committed, aborted, _, _ := c.book.Counts()
	c.result.transfers = committed + aborted
}

// audit compares the stores with what the clients were told.
func (c *cell) audit() {
	if _, err := campaign.Settle(c.t.Context(), c.cluster, time.Now(), wholeLimit); err != nil {
		c.t.Error(err)
	}
	if err := campaign.Reconciled(c.t.Context(), c.cluster); err != nil {
		c.t.Error(err)
	}
	c.cluster.KillAll()
	stores := map[string]procs.Dump{}
	for _, name := range banks {
		stores[name] = c.cluster.ReadDump(c.t, name)
	}
	for i, wrong := range c.book.Audit(stores) {
		if i < 20 {
			c.t.Error(wrong)
		}
	}
}

// pause waits; false: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
