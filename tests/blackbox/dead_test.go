package blackbox_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

var passing = flag.Int("passing", 15_000, "transactions that pass while one participant is dead")

// Bounds of what may be left behind by transactions that are over: far below their number.
const (
	maxGrowth  = 96 << 20 // bytes that a process may grow by while they pass: memtables fill and are flushed
	maxMarkers = 1_000    // proofs of commits that a participant keeps, beside those of the last seconds: it drops them now and then
	passers    = 64
	stragglers = 10 // transactions at leisure, with which the last watermarks come
)

// P5, C8: one participant dead for long delays its own transactions alone. What the others and the log remember does not
// grow with the transactions that pass it by.
func TestOneDeadForLong(t *testing.T) {
	c := procs.NewCluster(t, []string{"bank-a", "bank-b", "bank-c"})
	campaign.OpenAccounts(t, c)
	var book campaign.Book
	library := campaign.NewLibrary(t, c)
	waiting := killAmid(t, c, &book, library)
	t.Logf("bank-c is dead: %d decided transactions wait for it", waiting)

	pass(t, library, *passing/3) // until memory is as it stays
	before := memory(t, c)
	began := time.Now()
	pass(t, library, *passing)
	t.Logf("%d transactions passed, %.0f/s", *passing, float64(*passing)/time.Since(began).Seconds())
	for name, now := range memory(t, c) {
		t.Logf("%s: %d MiB before, %d MiB after", name, before[name]>>20, now>>20)
		if now > before[name]+maxGrowth {
			t.Errorf("%s grew from %d to %d bytes while %d transactions passed", name, before[name], now, *passing)
		}
	}
	waitsFor(t, c, waiting, "while it is dead")
	c.Coordinator.Kill()
	began = time.Now()
	if err := c.Coordinator.Start(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the coordinator was ready again after %v", time.Since(began).Round(time.Millisecond))
	waitsFor(t, c, waiting, "after a restart: the log's unfinished part")

	if err := c.Participant("bank-c").Start(); err != nil {
		t.Fatal(err)
	}
	settled, err := campaign.Settle(t.Context(), c, time.Now(), settleLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("all settled %v after bank-c was back", max(settled, 0).Round(time.Millisecond))
	for _, e := range book.Unknown() {
		heard, err := campaign.Ask(t.Context(), c, e)
		if err != nil {
			t.Error(err)
		}
		book.Settle(e, heard)
	}
	for range stragglers {
		<-time.After(100 * time.Millisecond)
		pass(t, library, 1)
	}
	auditDead(t, c, &book)
}

// killAmid kills bank-c amid transfers of three, so that some are decided and unheard there; it gives their number.
func killAmid(t *testing.T, c *procs.Cluster, book *campaign.Book, library campaign.Library) int {
	t.Helper()
	library.Patience = 700 * time.Millisecond // what waits for bank-c is not waited for
	var begun atomic.Int64
	half := make(chan struct{})
	var all sync.WaitGroup
	for i := range passers {
		all.Go(func() {
			for n := range 4 {
				if begun.Add(1) == passers*2 {
					close(half)
				}
				tx := campaign.Transfer{Key: fmt.Sprintf("amid-%d-%d", i, n), Legs: []campaign.Leg{
					{Participant: "bank-a", Account: i % campaign.Accounts, By: -2},
					{Participant: "bank-b", Account: (i + n) % campaign.Accounts, By: 1},
					{Participant: "bank-c", Account: (i + 2*n) % campaign.Accounts, By: 1},
				}}
				told := library.Run(t.Context(), tx.Key, tx.Work())
				if told.Odd != "" {
					book.Odd(told.Odd)
				}
				book.Add(campaign.Entry{Transfer: tx, Heard: told.Heard, ID: told.ID, Why: told.Why})
			}
		})
	}
	<-half
	c.Participant("bank-c").Kill()
	all.Wait()
	return inDoubt(t, c)
}

// pass runs transactions that have nothing to do with bank-c.
func pass(t *testing.T, library campaign.Library, n int) {
	t.Helper()
	var all sync.WaitGroup
	var next atomic.Int64
	failed := make(chan error, passers)
	for i := range passers {
		all.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := payFor(t.Context(), library, i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Fatalf("a transaction that passes the dead participant by: %v", err)
	default:
	}
}

func passKey(i int) string { return "pass/" + strconv.Itoa(i) }

// memory is what the living processes hold, in bytes.
func memory(t *testing.T, c *procs.Cluster) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for _, s := range c.Nodes() {
		if !s.Running() {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
		if err != nil {
			t.Skipf("no figures of a process's memory here: %v", err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
				kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				all[s.Name] = kb << 10
			}
		}
	}
	return all
}

// inDoubt is how many decided transactions the coordinator has unfinished, once it knows.
func inDoubt(t *testing.T, c *procs.Cluster) int {
	t.Helper()
	r := c.Txc(t, "", "status")
	var status struct {
		State   string `json:"state"`
		InDoubt int    `json:"in_doubt"`
	}
	if err := r.JSON(&status); err != nil || r.Code != 0 {
		t.Fatalf("status: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	return status.InDoubt
}

// waitsFor waits until so many decided transactions are unfinished, and no more.
func waitsFor(t *testing.T, c *procs.Cluster, want int, when string) {
	t.Helper()
	got := 0
	for range 100 {
		if got = inDoubt(t, c); got == want {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Errorf("%s: %d decided transactions are unfinished, not the %d of bank-c", when, got, want)
}

// auditDead is the audit, and counts what the passing transactions left.
func auditDead(t *testing.T, c *procs.Cluster, book *campaign.Book) {
	t.Helper()
	c.KillAll()
	stores := map[string]procs.Dump{}
	for _, name := range c.Names() {
		d := c.ReadDump(t, name)
		passed := 0
		for i := range passers {
			n, err := strconv.Atoi(d.Data[passKey(i)])
			if err == nil {
				passed += n
			}
			delete(d.Data, passKey(i))
		}
		if want := *passing + *passing/3 + stragglers; name != "bank-c" && passed != want {
			t.Errorf("%s: %d of the passing transactions are there, of %d", name, passed, want)
		}
		t.Logf("%s keeps %d markers", name, len(d.Committed))
		if len(d.Committed) > *passing/3+maxMarkers { // the last third may have passed within a second
			t.Errorf("%s keeps %d markers of transactions that are over", name, len(d.Committed))
		}
		stores[name] = d
	}
	for i, wrong := range book.Audit(stores) {
		if i < 20 {
			t.Error(wrong)
		}
	}
}
