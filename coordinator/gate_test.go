package coordinator_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// gate notes what passes, and fails what it is told to.
type gate struct {
	mu   sync.Mutex
	seen map[string]int
	fail string
}

var errGate = errors.New("injected")

func (g *gate) pass(s coordinator.Step) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = map[string]int{}
	}
	g.seen[s.Point]++
	if g.fail == s.Point {
		g.fail = ""
		return errGate
	}
	return nil
}

func (g *gate) failAt(point string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = point
}

func (g *gate) failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fail == ""
}

// Every point of the gate is hit by what a coordinator can live through, and no point is hit that is not listed.
func TestEveryPointOfTheGateIsHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		f := newOffice(t, coordinator.Options{Gate: g.pass, OrphanEvery: 5 * time.Second}, "a", "b", "c")
		ctx := t.Context()
		run := func(names ...string) coordinator.Result {
			t.Helper()
			r, err := f.c.Run(ctx, coordinator.Request{Work: work(names...), Wait: coordinator.Decided, Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // and the branches are told
			return r
		}
		later := func(d time.Duration) {
			t.Helper()
			for range d / (100 * time.Millisecond) {
				<-time.After(100 * time.Millisecond)
				f.flush()
			}
		}
		run("a", "b") // commit, end
		f.with("b", func(p *fake) { p.fate = fated(txc.Hazard) })
		mixed := run("a", "b") // heuristic
		f.with("b", func(p *fake) { p.fate = nil })
		f.with("c", func(p *fake) {
			p.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
		})
		stays := run("a", "c")
		later(2 * time.Second) // acknowledged
		if _, err := f.c.Resolve(ctx, stays.ID, "c", txc.Committed, "eve", "why"); err != nil {
			t.Error(err)
		}
		if _, err := f.c.Acknowledge(ctx, mixed.ID, "eve", "why"); err != nil {
			t.Error(err)
		}
		f.with("c", func(p *fake) {
			p.vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No}, true }
		})
		run("a", "c") // abort
		f.with("c", func(p *fake) { p.deaf = true })
		run("a", "c") // a promises; nobody decides
		f.mu.Lock()
		link := f.links["a"]
		f.mu.Unlock()
		link.receive(true, []protocol.Message{{ID: stays.ID, Mark: f.mark, Body: protocol.Inquiry{}}})
		f.participants() // and that was heard
		f.with("a", func(p *fake) {
			p.promised[tx(1, 4)] = protocol.InDoubt{ID: tx(1, 4), Mark: f.mark, Members: []string{"a", "c"}}
		})
		f.close()
		f.open()
		f.register("b")
		later(65 * time.Second) // presumed without c
		f.mu.Lock()
		link = f.links["b"]
		f.mu.Unlock()
		link.receive(true, []protocol.Message{{Body: protocol.Fenced{About: protocol.AboutCommit, Seen: protocol.Seen{Coordinator: 1, Epoch: 9, Mark: 9}}}}) // stopped
		if err := <-f.c.Failed(); !errors.Is(err, txc.ErrStopped) {
			t.Error(err)
		}
		f.close()
		for _, point := range coordinator.Points() {
			if g.seen[point] == 0 {
				t.Errorf("%s was never hit", point)
			}
			delete(g.seen, point)
		}
		for point := range g.seen {
			t.Errorf("%s is not listed", point)
		}
	})
}

func TestPointsAreNamedOnce(t *testing.T) {
	all := coordinator.Points()
	sorted := slices.Sorted(slices.Values(all))
	if len(slices.Compact(sorted)) != len(all) || slices.Contains(all, "") {
		t.Errorf("%v", all)
	}
}

func TestAnErrorAtTheGateIsTheFailureOfWhatPasses(t *testing.T) {
	for _, c := range []struct {
		point string
		check func(t *testing.T, f *office, r coordinator.Result, err error)
	}{
		{"coordinator/append-commit", stops},
		{coordinator.PointDurable, stops},
		{"coordinator/send-prepare", losesVote},
		{"coordinator/receive-vote", losesVote},
		{"coordinator/send-commit", applies},
		{"coordinator/receive-fate", applies},
		{coordinator.PointReply, func(t *testing.T, _ *office, r coordinator.Result, err error) {
			if !errors.Is(err, txc.ErrUnknown) || !errors.Is(err, errGate) {
				t.Errorf("%+v, %v", r, err)
			}
		}},
	} {
		t.Run(c.point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{}
				f := newOffice(t, coordinator.Options{Gate: g.pass}, "a", "b")
				defer f.close()
				synctest.Wait()
				g.failAt(c.point)
				r, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a", "b")})
				c.check(t, f, r, err)
				if !g.failed() {
					t.Error("it was not hit")
				}
			})
		})
	}
}

func stops(t *testing.T, f *office, r coordinator.Result, err error) {
	t.Helper()
	if !errors.Is(err, txc.ErrUnknown) {
		t.Errorf("%+v, %v", r, err)
	}
	if err := <-f.c.Failed(); !errors.Is(err, txc.ErrStopped) || !errors.Is(err, errGate) {
		t.Error(err)
	}
	for _, p := range f.fakes {
		if len(p.markers) != 0 {
			t.Error("a branch was committed")
		}
	}
}

func losesVote(t *testing.T, _ *office, r coordinator.Result, err error) {
	t.Helper()
	if err != nil || r.Outcome != txc.Aborted || r.Reason.Code != txc.CodeLostVote {
		t.Errorf("%+v, %v", r, err)
	}
}

func applies(t *testing.T, f *office, r coordinator.Result, err error) {
	t.Helper()
	if err != nil || r.Outcome != txc.Committed || !r.Applied {
		t.Errorf("%+v, %v", r, err)
	}
	if n := len(historyOf[wal.CommitBody](f)); n != 1 {
		t.Errorf("%d records", n)
	}
}
