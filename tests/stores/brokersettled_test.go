package stores_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// H2, H4: with coordinator and broker away, an operator settles a promised branch as committed. Its message comes as soon as
// the broker is back; and when the coordinator is, which has not heard of that and aborts, the difference is shown.
func TestBrokersBranchIsSettledByHand(t *testing.T) {
	t.Parallel()
	for name, of := range brokers {
		t.Run(name, func(t *testing.T) {
			w := newPost(t, of(t))
			bank := w.Participant("bank")
			bank.Kill()
			if err := bank.Start("--stall"); err != nil {
				t.Fatal(err)
			}
			asking, enough := context.WithCancel(t.Context())
			defer enough()
			ran := make(chan struct{})
			go func() { // its outcome is nobody's concern: the coordinator is killed
				defer close(ran)
				procs.RunContext(asking, w.TxcPath(), "timeout: 60s\nbranches:\n- participant: bank\n  kv: [{put: {key: a, value: b}}]\n- participant: events\n  publish: [{to: "+w.to+", body: m}]\n", w.Args("run", "-f", "-")...)
			}()
			id := w.promised(t)
			w.Coordinator.Kill()
			enough()
			<-ran
			w.server.Kill()
			r := w.Txc(t, "", "resolve", id, "--participant", "events", "--at", w.Participant("events").Address, "--outcome", "commit", "--reason", "the test says so")
			if r.Code != 0 {
				t.Fatalf("%+v", r)
			}
			if err := w.server.Start(); err != nil {
				t.Fatal(err)
			}
			w.until(t, "the message is there", func() bool {
				effects, _ := w.delivered(t)
				return slices.Equal(effects, []string{"m"})
			})
			bank.Kill()
			if err := w.StartAll(); err != nil {
				t.Fatal(err)
			}
			w.until(t, "the difference is shown", func() bool {
				var tx procs.Tx
				r := w.Txc(t, "", "show", id)
				return r.JSON(&tx) == nil && tx.Outcome == "aborted" && tx.Heuristic == "mixed"
			})
			if effects, _ := w.delivered(t); !slices.Equal(effects, []string{"m"}) {
				t.Errorf("delivered %q", effects)
			}
		})
	}
}

// promised waits until the events have promised, and tells of which transaction.
func (w *post) promised(t *testing.T) (id string) {
	t.Helper()
	w.until(t, "the broker's branch is promised", func() bool {
		var list struct {
			InDoubt []struct {
				ID          string `json:"id"`
				Participant string `json:"participant"`
			} `json:"in_doubt"`
		}
		r := w.Txc(t, "", "list", "--state", "in-doubt")
		if json.Unmarshal([]byte(r.Stdout), &list) == nil && len(list.InDoubt) == 1 && list.InDoubt[0].Participant == "events" {
			id = list.InDoubt[0].ID
		}
		return id != ""
	})
	return id
}

func (w *post) until(t *testing.T, says string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); !holds(); <-look.C {
		if time.Since(began) > deathTime {
			t.Fatalf("%v later it is not so that %s", deathTime, says)
		}
	}
}
