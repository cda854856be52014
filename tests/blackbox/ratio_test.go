package blackbox_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

var (
	ratio        = flag.Duration("ratio", 0, "measure so long in each round, and print a table; 0: do not measure")
	ratioRounds  = flag.Int("ratio-rounds", 3, "rounds, of which the median counts")
	ratioClients = flag.Int("ratio-clients", 64, "concurrent clients")
)

// Committed transactions per second over bare unary gRPC calls per second, of one machine in one run: a yardstick that
// survives noisy machines. It is printed, and nothing is asserted of it.
func TestRatio(t *testing.T) {
	if *ratio == 0 {
		t.Skip("measures for a while: -ratio 3s")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := procs.FreeAddress(t)
	bare := procs.NewServer(t, "echo", address, self, "-echo-server", address)
	if err := bare.Start(); err != nil {
		t.Fatal(err)
	}
	call, closed, err := echoer(address)
	if err != nil {
		t.Fatal(err)
	}
	defer closed()
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	pay, stop := payer(t, c)
	defer stop()

	var calls, txs, ratios []float64
	for round := range *ratioRounds {
		echoes := measure(t, *ratioClients, call)
		paid := measure(t, *ratioClients, pay)
		calls, txs = append(calls, echoes.rate), append(txs, paid.rate)
		ratios = append(ratios, paid.rate/echoes.rate)
		t.Logf("round %d: %7.0f calls/s (p50 %v), %7.0f transactions/s (p50 %v, p99 %v), ratio %.3f",
			round+1, echoes.rate, echoes.p50, paid.rate, paid.p50, paid.p99, paid.rate/echoes.rate)
	}
	t.Logf("median of %d rounds, %d clients: %.0f bare calls/s, %.0f transactions/s, ratio %.3f (goal 0.25)",
		*ratioRounds, *ratioClients, median(calls), median(txs), median(ratios))
}

// payer runs one small transaction over two participants, answered once it is decided; no two touch the same keys.
func payer(t *testing.T, c *procs.Cluster) (pay func(ctx context.Context) error, stop func() error) {
	t.Helper()
	library, err := client.Dial([]string{c.Coordinator.Address}, client.Options{Software: "ratio", DialWait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	value := []byte(strings.Repeat("v", payload))
	var n atomic.Uint64
	return func(ctx context.Context) error {
		key := fmt.Sprintf("k%d", n.Add(1)%100_000)
		_, err := library.Run(ctx, func(_ context.Context, tx *client.Tx) error {
			return errors.Join(tx.Enlist("bank-a", client.KV(client.Put(key, value))), tx.Enlist("bank-b", client.KV(client.Put(key, value))))
		}, client.WaitDecided())
		return err
	}, library.Close
}

type measured struct {
	rate     float64 // per second
	p50, p99 time.Duration
}

// measure lets clients call one after the other for a while.
func measure(t *testing.T, clients int, call func(ctx context.Context) error) measured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+*ratio)
	defer cancel()
	began := time.Now()
	took := make([][]time.Duration, clients)
	errs := make([]error, clients)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for at := time.Now(); at.Sub(began) < *ratio; {
				if errs[i] = call(ctx); errs[i] != nil {
					return
				}
				now := time.Now()
				took[i] = append(took[i], now.Sub(at))
				at = now
			}
		})
	}
	all.Wait()
	span := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	times := slices.Sorted(slices.Values(slices.Concat(took...)))
	return measured{
		rate: float64(len(times)) / span.Seconds(),
		p50:  times[len(times)/2].Round(time.Microsecond), p99: times[len(times)*99/100].Round(time.Microsecond),
	}
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
