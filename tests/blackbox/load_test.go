package blackbox_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

const (
	loaded    = 15_000          // transactions before everything is killed
	backLimit = 5 * time.Second // until new work is taken again; it should be far below one
)

// C6, C8, V17: everything is killed at once amid thousands of transactions per second. What the participants then show,
// thousands of markers, is checked before anything new may begin: that must not take longer than a restart does.
func TestAllKilledUnderLoad(t *testing.T) {
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	library := campaign.NewLibrary(t, c)
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var all sync.WaitGroup
	var committed atomic.Int64
	enough := make(chan struct{})
	for i := range passers {
		all.Go(func() {
			for ctx.Err() == nil {
				if payFor(ctx, library, i) == nil && committed.Add(1) == loaded {
					close(enough)
				}
			}
		})
	}
	<-enough
	c.KillAll()
	giveUp()
	all.Wait()

	began := time.Now()
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	up := time.Since(began)
	settled, err := campaign.Settle(t.Context(), c, began.Add(up), settleLimit)
	if err != nil {
		t.Error(err)
	}
	retry, cancel := context.WithTimeout(t.Context(), backLimit)
	defer cancel()
	if err := payFor(retry, library, 0); err != nil {
		t.Errorf("new work, %v after all are up: %v", time.Since(began)-up, err)
	}
	t.Logf("killed after %d transactions: up after %v, settled %v later, new work was done %v after all were up",
		committed.Load(), up.Round(time.Millisecond), max(settled, 0).Round(time.Millisecond), (time.Since(began) - up).Round(time.Millisecond))
}

// payFor adds one to a worker's count at both participants.
func payFor(ctx context.Context, library campaign.Library, worker int) error {
	_, err := library.Client.Run(ctx, func(_ context.Context, tx *client.Tx) error {
		if err := tx.Enlist("bank-a", client.KV(client.Add(passKey(worker), 1))); err != nil {
			return err
		}
		return tx.Enlist("bank-b", client.KV(client.Add(passKey(worker), 1)))
	})
	return err
}
