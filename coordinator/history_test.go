package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestListAndGetGoOverMemoryAndHistory(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	ctx := t.Context()
	some := func(n int) {
		for i := range n {
			f.with("b", func(p *fake) {
				p.vote = nil
				if i%3 == 2 {
					p.vote = func(protocol.Message) (protocol.Vote, bool) {
						return protocol.Vote{Vote: txc.No, Certain: true, Reason: txc.Reason{Code: txc.CodeRefused}}, true
					}
				}
			})
			if _, err := f.c.Run(ctx, coordinator.Request{Labels: map[string]string{"n": fmt.Sprint(i)}, Work: work("a", "b")}); err != nil {
				t.Fatal(err)
			}
		}
		f.until(func() bool { s, _ := f.c.Status(ctx); return s.Live == 0 })
	}
	some(12)
	f.close()
	f.open() // memory is empty
	f.register("a")
	f.register("b")
	some(6)
	defer func() { f.close() }()
	pages := func(filter coordinator.Filter, limit int) (ids []string) {
		filter.Limit = limit
		for first := true; first || filter.Page != ""; first = false {
			all, next, err := f.c.List(ctx, filter)
			if err != nil || len(all) > limit {
				t.Fatalf("%d, %v", len(all), err)
			}
			for _, d := range all {
				ids = append(ids, d.ID.String())
			}
			filter.Page = next
		}
		return ids
	}
	want := []string{}
	for i := 6; i > 0; i-- {
		want = append(want, tx(2, uint64(i)).String())
	}
	for i := 12; i > 0; i-- {
		want = append(want, tx(1, uint64(i)).String())
	}
	for _, limit := range []int{1, 4, 6, 7, 18, 100} {
		if got := pages(coordinator.Filter{}, limit); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
	if got := pages(coordinator.Filter{States: []string{"aborted"}}, 3); fmt.Sprint(got) != "[c1.2.6 c1.2.3 c1.1.12 c1.1.9 c1.1.6 c1.1.3]" {
		t.Errorf("%v", got)
	}
	if got := pages(coordinator.Filter{Labels: map[string]string{"n": "1"}}, 3); fmt.Sprint(got) != "[c1.2.2 c1.1.2]" {
		t.Errorf("%v", got)
	}
	if got := pages(coordinator.Filter{States: []string{"in-doubt", "working"}}, 3); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for _, page := range []string{"x", "0", "mx", "m"} {
		if _, _, err := f.c.List(ctx, coordinator.Filter{Page: page}); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("page %q: %v", page, err)
		}
	}
	if _, _, err := f.c.List(ctx, coordinator.Filter{Limit: 1 << 20}); !errors.Is(err, txc.ErrInvalid) {
		t.Error(err)
	}
	old, err := f.c.Get(ctx, tx(1, 1))
	if err != nil || old.Outcome != txc.Committed || old.State != "ended" || !old.Applied || !old.Partial || old.Labels["n"] != "0" || old.Branches[1].State != "committed" {
		t.Errorf("%+v, %v", old, err)
	}
	if d, err := f.c.Get(ctx, tx(1, 3)); err != nil || d.Outcome != txc.Aborted || !d.Presumed {
		t.Errorf("%+v, %v", d, err)
	}
}

// Of what is older than the history nobody knows how far it came.
func TestGetOfTheUnknownHasNoState(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	defer func() { f.close() }()
	ctx := t.Context()
	for range 3 {
		if _, err := f.c.Run(ctx, coordinator.Request{Work: work("a", "b")}); err != nil {
			t.Fatal(err)
		}
	}
	f.until(func() bool { s, _ := f.c.Status(ctx); return s.Live == 0 })
	f.close()
	f.open() // memory is empty
	if err := f.log.Drop(f.log.Synced()); err != nil {
		t.Fatal(err)
	}
	if d, err := f.c.Get(ctx, tx(1, 1)); err != nil || d.Outcome != txc.Unknown || d.State != "" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestParticipantsAreAskedForASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, coordinator.Options{}, "a", "b")
		defer f.close()
		f.mu.Lock()
		f.check = func(ctx context.Context) (coordinator.Report, error) {
			<-ctx.Done()
			return coordinator.Report{}, ctx.Err()
		}
		f.mu.Unlock()
		began := time.Now()
		all := f.participants()
		if took := time.Since(began); took != time.Second || len(all) != 2 || !errors.Is(all[0].Err, context.DeadlineExceeded) {
			t.Errorf("%v, %+v", took, all)
		}
		f.with("a", func(p *fake) { p.promised[tx(1, 1)] = protocol.InDoubt{ID: tx(1, 1)} })
		f.with("b", func(p *fake) { p.deaf = true })
		doubts, err := f.c.InDoubt(t.Context())
		if err != nil || len(doubts) != 2 || len(doubts[0].Branches) != 1 || !errors.Is(doubts[1].Err, errNoDesk) {
			t.Errorf("%+v, %v", doubts, err)
		}
	})
}
