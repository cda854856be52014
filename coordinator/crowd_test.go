package coordinator_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

// stuckOffice has a coordinator that has taken one Begin from its inbox, and takes nothing more until hold is closed.
func stuckOffice(t *testing.T) (f *office, hold chan struct{}, begun chan error) {
	t.Helper()
	var armed atomic.Bool
	stuck, hold := make(chan struct{}), make(chan struct{})
	f = newOffice(t, coordinator.Options{MaxQueue: 1 << 16, Gate: func(coordinator.Step) error {
		if armed.CompareAndSwap(true, false) {
			close(stuck)
			<-hold
		}
		return nil
	}}, "a")
	armed.Store(true)
	begun = make(chan error, 1)
	go func() {
		_, err := f.c.Begin(t.Context(), coordinator.Request{})
		begun <- err
	}()
	<-stuck
	return f, hold, begun
}

func TestC10_RequestsThatWaitForTheOwnerHaveABound(t *testing.T) {
	f, hold, begun := stuckOffice(t)
	defer f.close()
	batch := make([]coordinator.Request, coordinator.MaxFirsts+10, coordinator.MaxFirsts+12)
	for i := range batch {
		batch[i] = coordinator.Request{Work: work("a")}
	}
	// These may have run before: whether they have is for the core to find out.
	batch = append(batch, coordinator.Request{Work: work("a"), Key: "sent-again", OwnKey: true, FirstSentAgo: time.Second})
	batch = append(batch, coordinator.Request{Work: work("a"), Key: "order-17"})
	var refused, done atomic.Int64
	ended := make(chan struct{})
	n := int64(len(batch))
	f.c.Submit(batch, func(i int, r coordinator.Result, err error) {
		switch {
		case errors.Is(err, txc.ErrBusy) && i >= coordinator.MaxFirsts && i < coordinator.MaxFirsts+10:
			refused.Add(1)
		case err != nil || r.Outcome != txc.Committed:
			t.Errorf("request %d: %+v, %v", i, r, err)
		}
		if done.Add(1) == n {
			close(ended)
		}
	})
	if refused.Load() != 10 || done.Load() != 10 {
		t.Errorf("refused at the door: %d, of %d answers", refused.Load(), done.Load())
	}
	if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); !errors.Is(err, txc.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	if _, err := f.c.Begin(t.Context(), coordinator.Request{}); !errors.Is(err, txc.ErrBusy) {
		t.Errorf("one more to begin: %v", err)
	}
	told := make(chan coordinator.Answered, 1)
	if err := f.c.Ask(func(a coordinator.Answered) { told <- a }, func(t coordinator.Token) coordinator.Event {
		return coordinator.AskOutcome{Token: t, ID: tx(1, 1)}
	}); err != nil {
		t.Errorf("a question: %v", err)
	}
	close(hold)
	<-ended
	<-told
	if err := <-begun; err != nil {
		t.Error(err)
	}
	if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); err != nil {
		t.Errorf("when they are served: %v", err)
	}
}

func TestWhoComesAfterTheEndHearsOfIt(t *testing.T) {
	f, hold, _ := stuckOffice(t)
	defer f.close()
	defer close(hold)
	batch := make([]coordinator.Request, coordinator.MaxFirsts)
	for i := range batch {
		batch[i] = coordinator.Request{Work: work("a")}
	}
	f.c.Submit(batch, func(int, coordinator.Result, error) {})
	if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); !errors.Is(err, txc.ErrBusy) {
		t.Fatalf("the inbox is not full: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.c.Close(ctx); err == nil {
		t.Error("it has closed, though its owner is stuck")
	}
	if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); !errors.Is(err, txc.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
