package stores_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	library "github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

const (
	speedRounds = 3
	speedSpan   = 4 * time.Second
	speedRows   = 100_000 // accounts of each side: two transactions rarely meet
	speedPay    = "update account set balance = balance + $1 where id = $2"
)

// BenchmarkPostgresToPostgres moves money between two PostgreSQL servers: by the product, and by a bare loop, which has the
// adapter prepare and then commit both branches at once, without a coordinator. The two take turns; the ratio of the medians
// is what coordination costs beside what the databases do.
//
//	go test ./tests/stores -run xxx -bench PostgresToPostgres -benchtime 1x
func BenchmarkPostgresToPostgres(b *testing.B) {
	var sides [2]*servers.PostgresServer
	for i := range sides {
		sides[i] = servers.Postgres(b, "max_connections=500", "max_prepared_transactions=300")
		do(b, sides[i].URL("postgres"), fmt.Sprintf(`create table account (id int primary key, balance bigint not null);
			insert into account select i, 0 from generate_series(0, %d) i`, speedRows-1))
	}
	w := procs.DescribeCluster(b, nil)
	b.Setenv("PGPASSWORD", servers.Password)
	for i, s := range sides {
		w.Add(b, sideOf(i), "--store", s.Store("postgres"), "--allow-free-sql", "--connections", "64")
	}
	if err := w.StartAll(); err != nil {
		b.Fatal(err)
	}
	if err := campaign.Registered(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	c, err := library.Dial([]string{w.Coordinator.Address}, library.Options{Software: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			loop := newBareLoop(b, sides, clients)
			var product, bare []float64
			for range speedRounds {
				bare = append(bare, perSecond(b, clients, loop.pay))
				product = append(product, perSecond(b, clients, func(ctx context.Context, client int, n uint64) error { return payBoth(ctx, c, n) }))
			}
			slices.Sort(product)
			slices.Sort(bare)
			p, q := product[speedRounds/2], bare[speedRounds/2]
			b.ReportMetric(p, "tx/s")
			b.ReportMetric(q, "bare/s")
			b.ReportMetric(p/q, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
	if err := w.StopAll(); err != nil {
		b.Error(err)
	}
}

func sideOf(i int) string { return [...]string{"left", "right"}[i] }

func payWith(n uint64, side int) library.Statement {
	return library.ExecText(speedPay, 1-2*side, int(n*7919%speedRows)).Rows(1)
}

func payBoth(ctx context.Context, c *library.Client, n uint64) error {
	_, err := c.Run(ctx, func(_ context.Context, tx *library.Tx) error {
		return errors.Join(tx.Enlist(sideOf(0), library.SQL(payWith(n, 0))), tx.Enlist(sideOf(1), library.SQL(payWith(n, 1))))
	})
	return err
}

// perSecond has clients do one deed after the other for a while.
func perSecond(b *testing.B, clients int, deed func(ctx context.Context, client int, n uint64) error) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), speedSpan)
	defer cancel()
	var done, next atomic.Uint64
	var wg sync.WaitGroup
	began := time.Now()
	for i := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := deed(b.Context(), i, next.Add(1)); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// bareLoop drives two adapters without a coordinator.
type bareLoop struct {
	stores [2]*postgres.Store
	last   atomic.Uint64 // id; all loops of a run have ids of their own
}

var loops atomic.Uint64

// newBareLoop opens both databases under names of its own, with a session for each client.
func newBareLoop(b *testing.B, sides [2]*servers.PostgresServer, clients int) *bareLoop {
	l := &bareLoop{}
	l.last.Store(loops.Add(1) << 40)
	for i, s := range sides {
		var err error
		l.stores[i], err = postgres.Open(b.Context(), s.URL("postgres"), postgres.Options{
			Cluster: "bare", Name: sideOf(i), AllowFreeSQL: true, Connections: max(2, clients),
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := l.stores[i].Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
	return l
}

// pay prepares both branches at once, then commits both at once.
func (l *bareLoop) pay(ctx context.Context, _ int, n uint64) error {
	id := txc.ID{Coordinator: 9, Epoch: 1, Sequence: l.last.Add(1)}
	branch := func(i int) participant.Branch {
		return participant.Branch{ID: id, Mark: 1, Cluster: "bare", Participant: sideOf(i), Age: n + 1, Members: []string{sideOf(0), sideOf(1)}}
	}
	var promises [2]participant.Promise
	err := both(func(i int) (err error) {
		work, err := library.SQL(payWith(n, i)).MarshalWork()
		if err == nil {
			promises[i], err = l.stores[i].Prepare(ctx, branch(i), work, false)
		}
		if err == nil && promises[i].Vote != txc.Yes {
			err = fmt.Errorf("vote %v: %s", promises[i].Vote, promises[i].Reason)
		}
		return err
	})
	if err != nil {
		return err
	}
	return both(func(i int) error {
		fate, err := l.stores[i].Commit(ctx, branch(i), promises[i].Evidence)
		if err == nil && fate != txc.CommittedNow {
			err = fmt.Errorf("fate %v", fate)
		}
		return err
	})
}

func both(f func(i int) error) error {
	other := make(chan error, 1)
	go func() { other <- f(1) }()
	return errors.Join(f(0), <-other)
}
