package stores_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// deathTime is how long a participant may live on that is to die at its next deed.
const deathTime = 30 * time.Second

// P1, P11: a broker's participant is killed right before and right after each of its deeds, whatever the moment in the broker.
func TestBrokersParticipantDiesAtEachDeed(t *testing.T) {
	t.Parallel()
	given := suite.Seed(t, *seed)
	for _, name := range slices.Sorted(maps.Keys(brokers)) {
		t.Run(name, func(t *testing.T) {
			w := newPost(t, brokers[name](t))
			events := w.Participant("events")
			books := make([][]payment, 0, 16)
			for i, point := range []string{"prepare", "prepare-written", "commit", "commit-written", "abort", "abort-written"} {
				events.Kill()
				if err := events.Start("--fault", "participant/"+point+"=kill@3"); err != nil {
					t.Fatalf("%s: %v", point, err)
				}
				working, quiet := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				two := make([][]payment, 2)
				for j := range two {
					wg.Go(func() { two[j] = w.pay(t.Context(), working, given, 2*i+j) })
				}
				_, err := events.Wait(deathTime)
				if err == nil {
					err = events.Start()
				}
				quiet()
				wg.Wait()
				books = append(books, two...)
				if err != nil {
					t.Fatalf("%s: %v", point, err)
				}
			}
			if _, err := campaign.Settle(t.Context(), w.Cluster, time.Now(), settled); err != nil {
				t.Error(err)
			}
			w.audit(t, books)
		})
	}
}
