package crash_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/kinds"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// town is a cluster that goes through many rows, and the book of all their transactions.
type town struct {
	home    kinds.Home // the victim's store
	speech  campaign.Speech
	cluster *procs.Cluster
	book    campaign.Book
	turns   int
	slow    time.Duration // the longest settling
}

// newTown makes one whose victim has its store in a house; the other participant is a key-value store.
func newTown(t testing.TB, house kinds.House) *town {
	t.Helper()
	n := &town{cluster: procs.DescribeCluster(t, []string{other})}
	n.home = house.Home(t, n.cluster, victim)
	n.speech = campaign.Speech{victim: n.home.Write}
	if err := n.cluster.StartAll(); err != nil {
		t.Fatal(err)
	}
	campaign.CLI{Cluster: n.cluster, Speech: n.speech}.OpenAccounts(t)
	return n
}

func (n *town) server(name string) *procs.Server {
	if name == n.cluster.Coordinator.Name {
		return n.cluster.Coordinator
	}
	return n.cluster.Participant(name)
}

func (n *town) slowest(took time.Duration) { n.slow = max(n.slow, took) }

func resume(s *procs.Server) error { return s.Signal(syscall.SIGCONT) }

// rowLimit bounds one row, whatever happens.
const rowLimit = 3 * time.Minute

// lived is what a row came to.
type lived struct {
	recovery []string // the points that the killed victim passed while it recovered
	twice    bool     // the second kill came
}

// live lets the town live through a row.
func (n *town) live(ctx context.Context, r row) (l lived, err error) {
	ctx, cancel := context.WithTimeout(ctx, rowLimit)
	defer cancel()
	n.turns++
	c := &course{town: n, ctx: ctx, now: ctx, row: r, victim: n.server(victimOf(r.point)), turn: n.turns, txs: map[string]*tx{}}
	if err := c.strike(); err != nil {
		return l, err
	}
	if err := c.suffer(); err != nil {
		return l, err
	}
	c.armed.Store(false)
	if r.again != "" {
		if l.twice, err = c.recoverAndDie(); err != nil {
			return l, fmt.Errorf("while it recovers: %w", err)
		}
	}
	if err := c.heal(); err != nil {
		return l, err
	}
	if !c.victim.Running() {
		if err := c.bringUp(c.victim, watched(r)...); err != nil {
			return l, err
		}
	}
	if err := c.finish(); err != nil {
		return l, err
	}
	if l.recovery, err = c.recovery(); err != nil {
		return l, err
	}
	if err := c.ask(); err != nil {
		return l, err
	}
	if r.deed != "kill" { // the fault may act yet
		if err := stopNow(c.victim); err != nil {
			return l, err
		}
		return l, c.victim.Start()
	}
	return l, nil
}

// recoverAndDie has the killed victim recover with the second fault, until that strikes or all is settled without it.
func (c *course) recoverAndDie() (bool, error) {
	if err := c.victim.Launch("--fault", c.row.again+"=kill"); err != nil {
		return false, err
	}
	c.again = c.row.again
	defer func() { c.again = "" }()
	defer c.watch(c.killedAgain)()
	if err := c.heal(); err != nil {
		return false, err
	}
	if err := c.finish(); err != nil {
		return false, err
	}
	if !c.killedAgain() {
		if code, err := c.victim.Stop(); (err != nil || code != 0) && !c.killedAgain() {
			return false, fmt.Errorf("%s ended with code %d at SIGTERM: %w", c.victim.Name, code, err)
		}
	}
	if !c.killedAgain() {
		return false, nil
	}
	return true, c.died(c.victim)
}

// watched are the arguments of a start that logs each point that it passes, for the first time, and fails at none.
func watched(r row) (args []string) {
	if r.deed != "kill" || r.again != "" {
		return nil
	}
	for _, p := range pointsOf(r.point) {
		args = append(args, "--fault", p+"=delay:1ns")
	}
	return args
}

func pointsOf(point string) []string {
	if victimOf(point) == victim {
		return participant.Points()
	}
	return coordinator.Points()
}

// recovery is what the victim passed from its restart until everything was settled.
func (c *course) recovery() (all []string, err error) {
	if c.row.deed != "kill" || c.row.again != "" {
		return nil, nil
	}
	said, err := c.victim.Said()
	for _, p := range pointsOf(c.row.point) {
		if strings.Contains(said, faultLine(p)) {
			all = append(all, p)
		}
	}
	return all, err
}

// audit kills everything and compares the stores with the book.
func (n *town) audit(t testing.TB) {
	t.Helper()
	n.cluster.KillAll()
	left, err := n.home.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stores := map[string]procs.Dump{other: n.cluster.ReadDump(t, other), victim: left}
	for i, wrong := range n.book.Audit(stores) {
		if i < 20 {
			t.Error(wrong)
		}
	}
	committed, aborted, _, _ := n.book.Counts()
	t.Logf("%d rows: %d transactions committed, %d aborted, settled within %v", n.turns, committed, aborted, max(n.slow, 0).Round(time.Millisecond))
}
