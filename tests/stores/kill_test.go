package stores_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

const (
	payers   = 8                      // that pay at once
	accounts = 5                      // of the shop
	start    = 1000                   // on each
	between  = 300 * time.Millisecond // at least, and at most twice that, between two kills
	settled  = 10 * time.Second       // after all are up, nothing is prepared any more
)

// payment is what a payer asked for and heard.
type payment struct {
	key   string
	heard campaign.Heard
	id    string
}

// P2, P7, P10, P11: with the server, participants and the coordinator killed at any moment, a payment is in the database
// and in the key-value store, or in neither.
func TestTransfersWhileServersAreKilled(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) market{
		"postgres": tables(onPostgres), "mariadb": tables(onMariaDB()), "mariadb with the binary log": tables(onMariaDB("log-bin", "sync-binlog=1")),
		"redis": keys,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transfers(t, open(t))
		})
	}
}

func transfers(t *testing.T, w market) {
	given := suite.Seed(t, *seed)
	working, quiet := context.WithCancel(t.Context())
	defer quiet()
	var wg sync.WaitGroup
	books := make([][]payment, payers)
	for i := range books {
		wg.Go(func() { books[i] = pay(t.Context(), working, w, given, i) })
	}
	victims, err := w.disturb(rand.New(rand.NewPCG(given, 0)), *kills)
	quiet()
	wg.Wait()
	if err != nil {
		t.Fatalf("seed %d: %v", given, err)
	}
	if err := w.StartAll(); err != nil {
		t.Fatalf("seed %d: %v", given, err)
	}
	took := w.unprepared(t)
	if _, err := campaign.Settle(t.Context(), w.Cluster, time.Now(), settled); err != nil {
		t.Errorf("seed %d: %v", given, err)
	}
	if err := campaign.Reconciled(t.Context(), w.Cluster); err != nil {
		t.Errorf("seed %d: %v", given, err)
	}
	w.audit(t, books)
	t.Logf("seed %d: killed %v; nothing prepared after %v", given, victims, took.Round(time.Millisecond))
}

func pay(ctx, working context.Context, w market, given uint64, payer int) (book []payment) {
	rng := rand.New(rand.NewPCG(given, uint64(payer)+1))
	for n := 0; working.Err() == nil; n++ {
		p := payment{key: fmt.Sprintf("p-%d-%d", payer, n)}
		amount := 1 + rng.IntN(3)
		text, err := json.Marshal(map[string]any{"timeout": "2s", "key": p.key, "branches": []any{
			map[string]any{"participant": "bank", "kv": []any{
				map[string]any{"add": map[string]any{"key": fmt.Sprintf("paid-%d", payer), "by": amount}}, map[string]any{"add": map[string]any{"key": p.key, "by": 1}}}},
			w.branch(amount, rng.IntN(accounts), p.key),
		}})
		if err != nil {
			panic(err)
		}
		r := procs.RunContext(ctx, w.TxcPath(), string(text), w.Args("run", "-f", "-")...)
		var tx procs.Tx
		err = r.JSON(&tx)
		switch p.id = tx.ID; {
		case err == nil && r.Code == 0 && tx.Outcome == "committed":
			p.heard = campaign.Committed
		case err == nil && (r.Code == 3 && tx.Outcome == "aborted" || r.Code == 5):
			p.heard = campaign.Aborted
		}
		book = append(book, p)
	}
	return book
}

// disturb kills the server as often as all others together, each time with one of the others or alone, and starts them again.
func (w market) disturb(rng *rand.Rand, times int) (map[string]int, error) {
	killed := map[string]int{}
	for n := range times {
		<-time.After(between + time.Duration(rng.Int64N(int64(between)))) // the payers work meanwhile
		if n%2 == 0 {
			w.server.Kill()
			killed["server"]++
			if err := w.server.Start(); err != nil {
				return killed, err
			}
			continue
		}
		victim := w.Nodes()[rng.IntN(len(w.Nodes()))]
		victim.Kill()
		killed[victim.Name]++
		if rng.IntN(3) == 0 { // what it left comes back before it does
			w.server.Kill()
			killed["server"]++
			if err := w.server.Start(); err != nil {
				return killed, err
			}
		}
		if err := victim.Start(); err != nil {
			return killed, err
		}
	}
	return killed, nil
}

// unprepared waits until the database shows no branch that is prepared.
func (w market) unprepared(t *testing.T) time.Duration {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for up := time.Now(); ; <-look.C {
		left := w.doubtful(t)
		if left == 0 {
			return time.Since(up)
		}
		if time.Since(up) > settled {
			t.Errorf("%v after all are up, %d branches are prepared", settled, left)
			return time.Since(up)
		}
	}
}

// audit compares the two stores, each read with its own tool, with each other and with what was told.
func (w market) audit(t *testing.T, books [][]payment) {
	t.Helper()
	answers := map[string]campaign.Heard{}
	for _, book := range books {
		for _, p := range book {
			if p.heard == campaign.Unknown {
				h, err := campaign.Ask(t.Context(), w.Cluster, &campaign.Entry{Transfer: campaign.Transfer{Key: p.key}, ID: p.id})
				if err != nil {
					t.Error(err)
				}
				p.heard = h
			}
			answers[p.key] = p.heard
		}
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
	bank := w.ReadDump(t, "bank").Data
	shop, left := w.sold(t)
	committed := 0
	for key, heard := range answers {
		if shop[key] != (bank[key] == "1") || shop[key] != (heard == campaign.Committed) || heard == campaign.Unknown {
			t.Errorf("%s: shop %v, bank %q, told %v", key, shop[key], bank[key], heard)
		}
		if shop[key] {
			committed++
		}
	}
	paid := 0
	for payer := range payers {
		n, _ := strconv.Atoi(bank[fmt.Sprintf("paid-%d", payer)]) // absent: nothing was paid
		paid += n
	}
	if accounts*start-left != paid {
		t.Errorf("the shop has %d of %d left, the bank was paid %d", left, accounts*start, paid)
	}
	if len(shop) != committed || committed == 0 {
		t.Errorf("%d payments are in the database, %d committed, of %d", len(shop), committed, len(answers))
	}
	t.Logf("%d payments, %d committed", len(answers), committed)
}
