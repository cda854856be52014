package kv_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/wal/mem"
)

// world is a coordinator and two banks in one process.
type world struct {
	t      *testing.T
	dir    string
	disk   *mem.Disk
	log    *mem.Log
	c      *coordinator.Coordinator
	agents map[string]*participant.Agent
}

// door is how the banks reach the coordinator, which is opened after them.
type door struct {
	c atomic.Pointer[coordinator.Coordinator]
}

var errShut = errors.New("not open yet")

func (d *door) Register(ctx context.Context, p participant.Peer) (participant.Opening, error) {
	if c := d.c.Load(); c != nil {
		return c.Register(ctx, p)
	}
	return participant.Opening{}, errShut
}

func (d *door) Inquire(ctx context.Context, q participant.Question) (participant.Decision, error) {
	if c := d.c.Load(); c != nil {
		return c.Inquire(ctx, q)
	}
	return participant.Decision{}, errShut
}

func (w *world) open(mark uint64) {
	w.t.Helper()
	var way door
	w.agents = map[string]*participant.Agent{}
	for _, name := range []string{bank, "bank-b"} {
		o := options()
		o.Name = name
		store, err := kv.Open(w.t.Context(), filepath.Join(w.dir, name), o)
		if err != nil {
			w.t.Fatal(err)
		}
		w.agents[name], err = participant.Open(w.t.Context(), store, []participant.Coordinator{&way}, participant.Options{
			Cluster: cluster, Name: name, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	log, rec, err := mem.Open(w.disk, mem.Options{Cluster: cluster, Number: 1, Mark: mark, Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.log = log
	w.c, err = coordinator.Open(w.t.Context(), log, rec, func(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		return participant.InProcess(w.agents[p.Name], receive), nil
	}, coordinator.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	way.c.Store(w.c)
}

func (w *world) close() {
	w.t.Helper()
	ctx := context.Background()
	for _, end := range []func(context.Context) error{w.c.Close, w.agents[bank].Close, w.agents["bank-b"].Close, w.log.Close} {
		if err := end(ctx); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) run(ctx context.Context, age uint64, a, b []kv.Op) (coordinator.Result, error) {
	return w.c.Run(ctx, coordinator.Request{Timeout: 5 * time.Second, Age: age, Work: []coordinator.Work{
		{Participant: bank, Work: work(w.t, a...)}, {Participant: "bank-b", Work: work(w.t, b...)},
	}})
}

// Money moves between two stores, by many clients at once and over restarts of everything: none is made or lost, every
// pair of balances that one transaction reads adds up, and at the end nothing is in doubt or locked.
func TestTransfers(t *testing.T) {
	const accounts, each = 4, 1000
	w := &world{t: t, dir: t.TempDir(), disk: mem.NewDisk()}
	var committed, refused atomic.Int64
	for round := range uint64(3) {
		w.open(100 + round)
		w.ready()
		if round == 0 {
			w.fund(accounts, each)
		}
		var wg sync.WaitGroup
		for client := range uint64(8) {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(client, round))
				for range 40 {
					w.transfer(rnd, accounts, each, &committed, &refused)
				}
			})
		}
		wg.Wait()
		w.close()
	}
	t.Logf("%d committed, %d refused", committed.Load(), refused.Load())
	if committed.Load() < 100 {
		t.Error("hardly anything commits")
	}
	w.open(200)
	defer w.close()
	w.ready()
	for name, a := range w.agents {
		w.rest(name, a)
	}
}

// rest waits until a bank has neither promises nor locks: the end of a transaction is told to its client first.
func (w *world) rest(name string, a *participant.Agent) {
	w.t.Helper()
	for until := time.Now().Add(5 * time.Second); ; {
		is, err := a.Check(w.t.Context())
		if err == nil && is.InDoubt == 0 && is.Locks == 0 {
			return
		}
		if time.Now().After(until) {
			w.t.Errorf("%s at rest: %+v, %v", name, is, err)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// ready waits until both banks take part.
func (w *world) ready() {
	w.t.Helper()
	for {
		r, err := w.run(w.t.Context(), 0, []kv.Op{kv.Missing("none")}, []kv.Op{kv.Missing("none")})
		if err == nil && r.Outcome == txc.Committed {
			return
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *world) fund(accounts int, each int64) {
	var a, b []kv.Op
	for i := range accounts {
		a, b = append(a, kv.Add(fmt.Sprint(i), each)), append(b, kv.Add(fmt.Sprint(i), each))
	}
	if r, err := w.run(w.t.Context(), 0, a, b); err != nil || r.Outcome != txc.Committed {
		w.t.Fatal(r, err)
	}
}

func (w *world) transfer(rnd *rand.Rand, accounts int, each int64, committed, refused *atomic.Int64) {
	n := rnd.Int64N(2*each) - each
	a, b := []kv.Op{kv.Add(fmt.Sprint(rnd.IntN(accounts)), -n).Min(0)}, []kv.Op{kv.Add(fmt.Sprint(rnd.IntN(accounts)), n).Min(0)}
	audit := rnd.IntN(4) == 0
	if audit {
		a, b = nil, nil
		for i := range accounts {
			a, b = append(a, kv.Get(fmt.Sprint(i))), append(b, kv.Get(fmt.Sprint(i)))
		}
	}
	age := uint64(time.Now().UnixMicro())
	for range 20 {
		r, err := w.run(w.t.Context(), age, a, b)
		switch {
		case err != nil:
			w.t.Error(err)
			return
		case r.Outcome == txc.Committed:
			committed.Add(1)
			if audit {
				w.audited(r, 2*int64(accounts)*each)
			}
			return
		case !r.Reason.Retryable:
			refused.Add(1)
			return
		}
	}
}

func (w *world) audited(r coordinator.Result, want int64) {
	var sum int64
	for _, b := range r.Branches {
		all, err := kv.Results(b.Results)
		if err != nil {
			w.t.Error(err)
		}
		for _, x := range all {
			var n int64
			if _, err := fmt.Sscan(x.Value, &n); err != nil {
				w.t.Error(err)
			}
			sum += n
		}
	}
	if sum != want {
		w.t.Errorf("an audit saw %d, not %d", sum, want)
	}
}
