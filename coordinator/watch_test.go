package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

func TestWatchersSeeEveryPhaseAndSlowOnesAreCutOff(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	defer f.close()
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan coordinator.Detail, 64)
	slow := make(chan error, 1)
	var watchers sync.WaitGroup
	watchers.Go(func() {
		for d, err := range f.c.Watch(ctx, coordinator.Filter{Participant: "a"}) {
			if err != nil {
				t.Error(err)
			}
			select {
			case seen <- d:
			default:
			}
		}
	})
	hold := make(chan struct{})
	watchers.Go(func() {
		for _, err := range f.c.Watch(ctx, coordinator.Filter{}) {
			if err != nil {
				slow <- err
				return
			}
			<-hold
		}
	})
	f.until(func() bool { // both watch once something arrives
		if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a", "b")}); err != nil {
			t.Fatal(err)
		}
		return len(seen) > 0
	})
	r, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a", "b")})
	if err != nil {
		t.Fatal(err)
	}
	f.until(func() bool { s, err := f.c.Status(t.Context()); return err == nil && s.Live == 0 })
	var states []string
	for d := range seen {
		if d.ID != r.ID {
			continue
		}
		if states = append(states, d.State); d.State == "ended" {
			break
		}
	}
	if fmt.Sprint(states) != "[voting deciding committing ending ended]" {
		t.Errorf("%v", states)
	}
	for range 400 { // five changes each: more than a watcher's buffer
		if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("b"), Wait: coordinator.Decided}); err != nil {
			t.Fatal(err)
		}
	}
	close(hold)
	if err := <-slow; !errors.Is(err, txc.ErrBusy) {
		t.Error(err)
	}
	cancel()
	watchers.Wait()
}

func TestAWatchEndsWithTheCoordinator(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a")
	ended := make(chan struct{})
	go func() {
		for range f.c.Watch(context.Background(), coordinator.Filter{}) {
		}
		close(ended)
	}()
	f.close()
	<-ended
	for _, err := range f.c.Watch(t.Context(), coordinator.Filter{}) {
		if !errors.Is(err, txc.ErrClosed) {
			t.Error(err)
		}
	}
}
