package stores_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc/participant/staged/once"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// delivery is one message as a consumer gets it.
type delivery struct{ id, body string }

// broker is a message broker of these tests: one place to publish to, whose window for repetitions is longer than a test,
// if it has one.
type broker struct {
	to     string // where messages go
	exact  bool   // it drops repetitions itself
	server interface {
		Kill()
		Start() error
		Store() string // the address for --store
	}
	read func(ctx context.Context) ([]delivery, error) // all that was delivered, in order; a second call gives no less
}

// brokers are all of them. An adapter adds a row.
var brokers = map[string]func(t *testing.T) broker{"nats": natsBroker, "rabbitmq": rabbitBroker}

func natsBroker(t *testing.T) broker {
	server := servers.NATS(t)
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events", Duplicates: time.Hour})
	return broker{to: "events.paid", exact: true, server: server, read: func(ctx context.Context) ([]delivery, error) {
		all, err := stored(ctx, js, "events")
		var got []delivery
		for _, m := range all {
			got = append(got, delivery{m.Header.Get(once.Header), string(m.Data)})
		}
		return got, err
	}}
}

// post is a coordinator, a key-value bank, and a participant for a broker, each a process.
type post struct {
	*procs.Cluster
	broker
}

func newPost(t *testing.T, b broker) *post {
	t.Helper()
	w := &post{Cluster: procs.DescribeCluster(t, []string{"bank"}), broker: b}
	dir, address := t.TempDir(), procs.FreeAddress(t)
	secret, config := filepath.Join(dir, "password"), filepath.Join(dir, "config.yaml")
	for path, text := range map[string]string{secret: servers.Password + "\n", config: "password_file: " + secret + "\nstaging: " + filepath.Join(dir, "staging") + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Participants = append(w.Participants, procs.NewServer(t, "events", address, procs.Binary(t, "participant-demo"),
		"--name", "events", "--listen", address, "--coordinator", w.Coordinator.Address, "--store", b.server.Store(), "--config", config))
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w.Cluster); err != nil {
		t.Fatal(err)
	}
	return w
}

// delivered is what a consumer makes of it: each id once.
func (w *post) delivered(t *testing.T) (effects []string, repeated int) {
	t.Helper()
	all, err := w.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	memory := once.NewWindow(len(all) + 1)
	for _, d := range all {
		ran, err := once.Do(t.Context(), memory, d.id, func() error { effects = append(effects, d.body); return nil })
		if err != nil {
			t.Errorf("%q: %v", d.body, err)
		}
		if !ran {
			repeated++
		}
	}
	return effects, repeated
}

// A transaction file that publishes, from `txc run` to the consumer.
func TestPublish(t *testing.T) {
	t.Parallel()
	for name, of := range brokers {
		t.Run(name, func(t *testing.T) {
			w := newPost(t, of(t))
			run := func(min int, publish string) procs.Tx {
				t.Helper()
				r := w.Txc(t, fmt.Sprintf("branches:\n- participant: bank\n  kv: [{add: {key: alice, by: 1, min: %d}}]\n- participant: events\n  publish:\n%s", min, publish), "run", "-f", "-")
				var tx procs.Tx
				if err := r.JSON(&tx); err != nil {
					t.Fatalf("%+v: %v", r, err)
				}
				return tx
			}
			one := "  - {to: " + w.to + ", headers: {type: order}, content_type: application/json, body: '{\"id\":1}'}\n  - {to: " + w.to + ", body_base64: AP8=}\n"
			if tx := run(0, one); tx.Outcome != "committed" {
				t.Fatalf("%+v", tx)
			}
			if tx := run(100, one); tx.Outcome != "aborted" { // the bank refuses
				t.Fatalf("%+v", tx)
			}
			if tx := run(0, one+"  - {to: nowhere.at.all, body: x}\n"); tx.Outcome != "aborted" || tx.Reason == nil || tx.Reason.Code != "refused" || tx.Reason.Participant != "events" {
				t.Fatalf("%+v", tx)
			}
			effects, repeated := w.delivered(t)
			if want := []string{`{"id":1}`, "\x00\xff"}; !slices.Equal(effects, want) || repeated != 0 {
				t.Fatalf("delivered %q, %d of them again", effects, repeated)
			}
			if err := w.StopAll(); err != nil {
				t.Error(err)
			}
			if v := w.ReadDump(t, "bank").Data["alice"]; v != "1" {
				t.Errorf("the bank took part in %s transactions", v)
			}
		})
	}
}

// P1, P7, P11: with broker, participants and coordinator killed at any moment, the messages of a transaction are delivered,
// in their order, if and only if it committed; inside the broker's window each is there once.
func TestMessagesWhileBrokersAreKilled(t *testing.T) {
	t.Parallel()
	given := suite.Seed(t, *seed)
	for name, of := range brokers {
		t.Run(name, func(t *testing.T) {
			w := newPost(t, of(t))
			working, quiet := context.WithCancel(t.Context())
			defer quiet()
			var wg sync.WaitGroup
			books := make([][]payment, payers)
			for i := range books {
				wg.Go(func() { books[i] = w.pay(t.Context(), working, given, i) })
			}
			killed, err := w.disturb(rand.New(rand.NewPCG(given, 0)), *kills)
			quiet()
			wg.Wait()
			if err != nil {
				t.Fatalf("seed %d: %v", given, err)
			}
			if err := w.StartAll(); err != nil {
				t.Fatalf("seed %d: %v", given, err)
			}
			took, err := campaign.Settle(t.Context(), w.Cluster, time.Now(), settled)
			if err != nil {
				t.Errorf("seed %d: %v", given, err)
			}
			if err := campaign.Reconciled(t.Context(), w.Cluster); err != nil {
				t.Errorf("seed %d: %v", given, err)
			}
			w.audit(t, books)
			t.Logf("seed %d: killed %v; nothing in doubt after %v", given, killed, took.Round(time.Millisecond))
		})
	}
}

// pay has the bank keep a key, and publishes it twice, with its place.
func (w *post) pay(ctx, working context.Context, given uint64, payer int) (book []payment) {
	rng := rand.New(rand.NewPCG(given, uint64(payer)+1))
	for n := 0; working.Err() == nil; n++ {
		p := payment{key: fmt.Sprintf("p-%d-%d", payer, n)}
		check := map[string]any{"key": "nobody", "exists": rng.IntN(4) == 0} // a quarter of them aborts
		text, err := json.Marshal(map[string]any{"timeout": "2s", "key": p.key, "branches": []any{
			map[string]any{"participant": "bank", "kv": []any{
				map[string]any{"check": check}, map[string]any{"add": map[string]any{"key": p.key, "by": 1}}}},
			map[string]any{"participant": "events", "publish": []any{
				map[string]any{"to": w.to, "body": p.key + " first"}, map[string]any{"to": w.to, "body": p.key + " second"}}},
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

// disturb kills the broker as often as all others together, and starts it again, at times after the others.
func (w *post) disturb(rng *rand.Rand, times int) (map[string]int, error) {
	killed := map[string]int{}
	for n := range times {
		<-time.After(between + time.Duration(rng.Int64N(int64(between)))) // the payers work meanwhile
		again := []func() error{}
		if n%2 == 0 || rng.IntN(3) == 0 {
			w.server.Kill()
			killed["broker"]++
			again = append(again, w.server.Start)
		}
		if n%2 == 1 {
			victim := w.Nodes()[rng.IntN(len(w.Nodes()))]
			victim.Kill()
			killed[victim.Name]++
			again = append(again, func() error { return victim.Start() })
		}
		if rng.IntN(2) == 0 {
			slices.Reverse(again) // a participant starts without its broker
		}
		for _, start := range again {
			if err := start(); err != nil {
				return killed, err
			}
		}
	}
	return killed, nil
}

// audit compares what was delivered with the bank, and both with what was told.
func (w *post) audit(t *testing.T, books [][]payment) {
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
	effects, repeated := w.delivered(t)
	places := map[string]int{}
	for i, body := range effects {
		places[body] = i + 1
	}
	committed := 0
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		first, second := places[key+" first"], places[key+" second"]
		there := first > 0
		if there != (second > 0) || first > second || there != (bank[key] == "1") || there != (answers[key] == campaign.Committed) || answers[key] == campaign.Unknown {
			t.Errorf("%s: delivered as %d and %d, bank %q, told %v", key, first, second, bank[key], answers[key])
		}
		if there {
			committed++
		}
	}
	if len(effects) != 2*committed || committed == 0 || committed == len(answers) || w.exact && repeated > 0 {
		t.Errorf("%d messages of %d committed transactions, of %d; %d were there again", len(effects), committed, len(answers), repeated)
	}
	t.Logf("%d transactions, %d committed, %d messages delivered again", len(answers), committed, repeated)
}
