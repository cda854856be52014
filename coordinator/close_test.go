package coordinator_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

func TestCloseTwiceAndDuringLoad(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	var clients sync.WaitGroup
	var committed, unknown atomic.Int64
	running := make(chan struct{})
	for range 8 {
		clients.Go(func() {
			for first := true; ; first = false {
				r, err := f.c.Run(context.Background(), coordinator.Request{Work: work("a", "b"), Wait: coordinator.Decided})
				switch {
				case err == nil && r.Outcome == txc.Committed:
					committed.Add(1)
				case errors.Is(err, txc.ErrUnknown): // it was on its way
					unknown.Add(1)
				case errors.Is(err, txc.ErrClosed) && !errors.Is(err, txc.ErrUnknown): // it came later
					return
				default:
					t.Errorf("%+v, %v", r, err)
					return
				}
				if first {
					running <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-running
	}
	var answered sync.WaitGroup
	answered.Add(100)
	batch := make([]coordinator.Request, 100)
	for i := range batch {
		batch[i] = coordinator.Request{Work: work("a", "b")}
	}
	f.c.Submit(batch, func(_ int, r coordinator.Result, err error) {
		if err != nil && !errors.Is(err, txc.ErrUnknown) {
			t.Errorf("%+v, %v", r, err)
		}
		answered.Done()
	})
	f.close()
	if err := f.c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	clients.Wait()
	answered.Wait()
	if err, ok := <-f.c.Failed(); ok {
		t.Error(err)
	}
	select {
	case <-f.c.Done():
	default:
		t.Error("not done")
	}
	told := 0
	f.c.Submit(batch[:3], func(_ int, _ coordinator.Result, err error) {
		if !errors.Is(err, txc.ErrClosed) || errors.Is(err, txc.ErrUnknown) {
			t.Error(err)
		}
		told++
	})
	if told != 3 {
		t.Errorf("%d of a batch that came later were answered", told)
	}
	if err := f.c.Ask(func(coordinator.Answered) { t.Error("answered") }, func(token coordinator.Token) coordinator.Event {
		return coordinator.AskStatus{Token: token}
	}); !errors.Is(err, txc.ErrClosed) {
		t.Error(err)
	}
	if n := len(historyOf[wal.CommitBody](f)); n < int(committed.Load()) {
		t.Errorf("%d clients heard committed, %d records", committed.Load(), n)
	}
}

func TestCloseDuringAStuckAppendReturnsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, coordinator.Options{}, "a")
		f.c.Close(t.Context())
		f.wg.Wait()
		f.mark++
		log, rec, err := mem.Open(f.disk, mem.Options{Cluster: "test", Number: 1, Mark: f.mark, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		stuck := &stuckLog{Log: log, free: make(chan struct{})}
		if f.c, err = coordinator.Open(t.Context(), stuck, rec, f.dial, f.o); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")})
			done <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := f.c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := <-done; !errors.Is(err, txc.ErrUnknown) {
			t.Errorf("the request that was being decided: %v", err)
		}
		close(stuck.free)
		f.wg.Wait()
		synctest.Wait()
	})
}

// stuckLog never comes back from an append of a commit.
type stuckLog struct {
	wal.Log
	free chan struct{}
}

func (l *stuckLog) Append(ctx context.Context, recs []wal.Record) (uint64, error) {
	if recs[0].Kind == wal.Commit {
		<-l.free
	}
	return l.Log.Append(ctx, recs)
}
