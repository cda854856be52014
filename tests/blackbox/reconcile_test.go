package blackbox_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

const (
	comparisons = 15  // of log and stores, amid everything
	atLeast     = 100 // transactions by then, at the least
)

// C1, P5: with transactions under way, and participants killed and started again, nothing that is only on its way is taken
// for a contradiction.
func TestReconcileAmidTransactions(t *testing.T) {
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	library := campaign.NewLibrary(t, c)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var all sync.WaitGroup
	var committed, proofs, unfinished atomic.Int64
	for i := range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				if payFor(ctx, library, i) == nil {
					committed.Add(1)
				}
			}
		})
	}
	for n := 0; n < comparisons || n < 20*comparisons && (committed.Load() < atLeast || unfinished.Load() == 0); n++ {
		if n%5 == 4 { // what was under way is in doubt until it is back
			victim := c.Participants[n/5%2]
			victim.Kill()
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
		}
		r := c.Txc(t, "", "reconcile", "-o", "json")
		var o struct {
			Findings []struct{ Name, Participant, ID, Text string }
			Examined struct{ Proofs, Unfinished int64 }
		}
		if err := r.JSON(&o); err != nil || r.Code != 0 {
			t.Fatalf("comparison %d: code %d, %v: %s%s", n, r.Code, err, r.Stdout, r.Stderr)
		}
		proofs.Add(o.Examined.Proofs)
		unfinished.Add(o.Examined.Unfinished)
	}
	enough()
	all.Wait()
	if _, err := campaign.Settle(t.Context(), c, time.Now(), settleLimit); err != nil {
		t.Error(err)
	}
	if err := campaign.Reconciled(t.Context(), c); err != nil {
		t.Error(err)
	}
	if proofs.Load() == 0 || unfinished.Load() == 0 {
		t.Errorf("nothing was compared: %d proofs, %d unfinished transactions", proofs.Load(), unfinished.Load())
	}
	t.Logf("%d transactions; compared %d proofs and %d unfinished transactions", committed.Load(), proofs.Load(), unfinished.Load())
}
