package coordinator_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

func TestC10_RequestsThatWaitForTheOwnerHaveABound(t *testing.T) {
	var armed atomic.Bool
	stuck, hold := make(chan struct{}), make(chan struct{})
	f := newOffice(t, coordinator.Options{MaxQueue: 1 << 16, Gate: func(coordinator.Step) error {
		if armed.CompareAndSwap(true, false) {
			close(stuck)
			<-hold
		}
		return nil
	}}, "a")
	defer f.close()
	armed.Store(true)
	asked := make(chan error, 1)
	go func() {
		_, err := f.c.Begin(t.Context(), coordinator.Request{})
		asked <- err
	}()
	<-stuck // the owner does nothing now

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
	if err := <-asked; err != nil {
		t.Error(err)
	}
	if _, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); err != nil {
		t.Errorf("when they are served: %v", err)
	}
}
