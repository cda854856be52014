package network

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// The participants. Money of the victim's is in every transaction but the bystanders'.
var banks = []string{"bank-a", "bank-b", "bank-c"}

const (
	victim     = "bank-c"
	tellerHost = "teller"

	// Accounts of each bank: what is drawn during the trouble uses the first ones, and whoever must not wait for anyone
	// has one of his own.
	drawnAccounts    = campaign.Accounts - 3
	pinnedAccount    = campaign.Accounts - 1 // of the transaction whose phase it is
	bystanderAccount = campaign.Accounts - 2
	probeAccount     = campaign.Accounts - 3
)

// Bounds.
const (
	pinLimit   = 20 * time.Second // to the step where the transaction is held
	quietLimit = 40 * time.Second // after the trouble, to the last word that a client hears
	// wholeLimit is how long after the network is whole anything may be in doubt, and work may have to wait.
	wholeLimit = 5 * time.Second
)

// cell is one pattern in one phase, on a cluster of its own.
type cell struct {
	pattern pattern
	phase   phase
	seed    uint64
	size    suite.Size

	t       *testing.T
	rng     *rand.Rand
	lab     *Lab
	cluster *procs.Cluster // commands run at the teller's
	teller  teller
	held    *procs.Server // the process whose step the phase is
	clients sync.WaitGroup
	book    campaign.Book
	result  result
}

// result is what a cell came to.
type result struct {
	outcome   campaign.Heard // of the transaction whose phase it was
	lasted    time.Duration  // the trouble
	met       int            // packets that met it
	passed    int            // transactions that went on beside it
	transfers int            // tried in all
	settled   time.Duration  // after the network was whole
	working   time.Duration  // until every client had a transaction over everybody committed
}

// run runs the cell. Everything of it ends with the test.
func (c *cell) run(t *testing.T) {
	c.t, c.rng = t, rand.New(rand.NewPCG(c.seed, 0))
	c.raise()
	pinned := c.pin()
	trouble := c.pattern.make(c.lab, victim, c.seed)
	began := time.Now()
	whole := sync.OnceValue(func() error {
		met, err := trouble.end()
		c.result.met, c.result.lasted = met, time.Since(began)
		return err
	})
	defer func() {
		if err := whole(); err != nil {
			t.Error(err)
		}
	}()
	if err := trouble.begin(); err != nil {
		t.Fatal(err)
	}
	c.release()
	c.during(began)
	if err := whole(); err != nil {
		t.Fatal(err)
	}
	if c.result.met == 0 {
		t.Error("nothing met the trouble: nothing is proved")
	}
	c.after(time.Now(), pinned)
	c.audit()
}

// raise makes the network, the cluster on it, its accounts, and the teller.
func (c *cell) raise() {
	c.lab = New(c.t, append([]string{coordinatorHost, tellerHost}, banks...)...)
	c.cluster = procs.PlaceCluster(c.t, banks, c.lab.Place).From(c.lab.Place(tellerHost))
	if err := c.cluster.StartAll(); err != nil {
		c.t.Fatal(err)
	}
	campaign.OpenAccounts(c.t, c.cluster)
	c.teller = startTeller(c.t, c.lab.Place(tellerHost), c.cluster.Coordinator.Address)
}

// pin starts the transaction, and returns when it is where the phase says. What its client hears comes later.
func (c *cell) pin() <-chan campaign.Entry {
	c.held = c.cluster.Coordinator
	if c.phase.participant {
		c.held = c.cluster.Participant(victim)
	}
	if code, err := c.held.Stop(); code != 0 || err != nil {
		c.t.Fatalf("stop %s: code %d: %v", c.held.Name, code, err)
	}
	if err := c.held.Start("--fault", c.phase.fault); err != nil {
		c.t.Fatal(err)
	}
	if err := campaign.Registered(c.t.Context(), c.cluster); err != nil {
		c.t.Fatal(err)
	}
	var client campaign.Runner = c.teller
	if c.rng.IntN(2) == 0 {
		client = campaign.CLI{Cluster: c.cluster}
	}
	pinned := make(chan campaign.Entry, 1)
	c.clients.Go(func() { pinned <- c.try(client, c.pinnedTransfer()) })
	if c.phase.kills() {
		if code, err := c.held.Wait(pinLimit); code != -1 || err != nil {
			c.t.Fatalf("%s was to die at %s: code %d: %v", c.held.Name, c.phase.fault, code, err)
		}
	} else if err := c.held.WaitStopped(pinLimit); err != nil {
		c.t.Fatal(err)
	}
	if c.phase.participant && c.phase.kills() {
		if d := c.cluster.ReadDump(c.t, victim); len(d.InDoubt) != 1 {
			c.t.Fatalf("%s died with %d promises, not with the one of the phase", victim, len(d.InDoubt))
		}
	}
	return pinned
}

// pinnedKey is the key of the transaction whose phase it is.
const pinnedKey = "pinned"

func (c *cell) pinnedTransfer() campaign.Transfer {
	return campaign.Transfer{Key: pinnedKey, Legs: []campaign.Leg{
		{Participant: banks[0], Account: pinnedAccount, By: -10, Impossible: c.phase.refused},
		{Participant: banks[1], Account: pinnedAccount, By: 4},
		{Participant: victim, Account: pinnedAccount, By: 6},
	}}
}

// release lets the process of the phase go on, or starts it again, amid the trouble.
func (c *cell) release() {
	var err error
	if c.phase.kills() {
		err = c.held.Start()
	} else {
		err = c.held.Signal(syscall.SIGCONT)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
