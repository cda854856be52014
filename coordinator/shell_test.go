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

func TestOpenAsksForWitnessesForASecond(t *testing.T) {
	for _, c := range []struct {
		name string
		deaf bool
		ctx  time.Duration
		took time.Duration
		err  error
	}{
		{"everybody answers", false, time.Hour, 0, nil},
		{"one does not", true, time.Hour, time.Second, nil},
		{"its context ends first", true, time.Second / 2, time.Second / 2, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newOffice(t, coordinator.Options{}, "a", "b")
				f.close()
				f.with("b", func(p *fake) { p.deaf = c.deaf })
				ctx, cancel := context.WithTimeout(t.Context(), c.ctx)
				defer cancel()
				began := time.Now()
				err := f.tryOpen(ctx)
				if took := time.Since(began); took != c.took || !errors.Is(err, c.err) {
					t.Errorf("%v, %v", took, err)
				}
				if err == nil {
					f.close()
				}
				f.wg.Wait()
			})
		})
	}
}

func TestOpenChecksItsOptions(t *testing.T) {
	for _, o := range []coordinator.Options{
		{Timeout: -1}, {MaxTimeout: -1}, {MaxTimeout: 2 * time.Hour}, {Timeout: time.Hour}, {MaxLive: -1}, {MaxQueue: -1},
		{MaxLive: 1 << 30}, {MaxQueue: 1 << 30}, {RetryMin: -1}, {RetryMin: time.Minute}, {RetryMin: 1}, {OrphanEvery: -1}, {AskFor: -1}, {HistorySpan: -1},
	} {
		log, rec, err := mem.Open(mem.NewDisk(), mem.Options{Cluster: "test", Number: 1, Mark: 1, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := coordinator.Open(t.Context(), log, rec, nil, o); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
			_ = c.Close(t.Context())
		}
	}
}

func TestAClientsLife(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	defer f.close()
	ctx := t.Context()
	r, err := f.c.Run(ctx, coordinator.Request{Work: work("a", "b")})
	if err != nil || r.Outcome != txc.Committed || !r.Applied {
		t.Fatalf("%+v, %v", r, err)
	}
	begun, err := f.c.Begin(ctx, coordinator.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.c.Enlist(ctx, begun.ID, work("a")[0]); err != nil {
		t.Error(err)
	}
	if r, err := f.c.Commit(ctx, begun.ID, coordinator.Applied, nil); err != nil || r.Outcome != txc.Committed {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := f.c.Abort(ctx, begun.ID, "late"); err != nil || r.Outcome != txc.Committed {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := f.c.Outcome(ctx, begun.ID, ""); err != nil || r.Outcome != txc.Committed {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := f.c.Get(ctx, tx(1, 99)); !errors.Is(err, txc.ErrNotFound) {
		t.Error(err)
	}
	if d, err := f.c.Get(ctx, begun.ID); err != nil || d.Outcome != txc.Committed || len(d.Timeline) == 0 {
		t.Errorf("%+v, %v", d, err)
	}
	s, err := f.c.Status(ctx)
	if err != nil || s.State != "serving" || s.Epoch != 1 || s.Cluster != "test" || s.DiskFree == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if a, err := f.c.Inquire(ctx, coordinator.Question{Participant: "a", Instance: f.fakes["a"].instance, ID: tx(1, 1), Mark: f.mark}); err != nil || a.Outcome != txc.Finished {
		t.Errorf("%+v, %v", a, err)
	}
	if err := f.c.Remove(ctx, "b", "eve", "old"); err != nil {
		t.Error(err)
	}
	if _, err := f.c.Accept(ctx, wal.ResolveLoss, "", "eve", "why"); !errors.Is(err, txc.ErrInvalid) {
		t.Error(err)
	}
	if _, err := f.c.Resolve(ctx, tx(1, 1), "a", txc.Committed, "eve", "why"); err == nil {
		t.Error("settled")
	}
	if _, err := f.c.Acknowledge(ctx, tx(1, 1), "eve", "why"); !refused(err, txc.CodeWrongState) {
		t.Error(err)
	}
	if err := f.c.Drain(ctx); err != nil {
		t.Error(err)
	}
	if _, err := f.c.Begin(ctx, coordinator.Request{}); !errors.Is(err, txc.ErrUnavailable) {
		t.Error(err)
	}
}

func TestAContextBoundsTheWaitingAlone(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a")
	defer f.close()
	f.with("a", func(p *fake) { p.deaf = true })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the client went away"))
	if _, err := f.c.Run(ctx, coordinator.Request{Work: work("a")}); !errors.Is(err, txc.ErrUnknown) {
		t.Error(err)
	}
	if r, err := f.c.Outcome(t.Context(), tx(1, 1), ""); err != nil || r.Outcome != txc.Undecided {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestC3_FailedSaysWhyAndNobodyHearsMore(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	f.disk.Fail(mem.FailedKept)
	_, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a", "b"), Wait: coordinator.Decided})
	if !errors.Is(err, txc.ErrUnknown) {
		t.Errorf("the one that was being decided: %v", err)
	}
	failure := <-f.c.Failed()
	if !errors.Is(failure, txc.ErrStopped) {
		t.Errorf("%v", failure)
	}
	if _, ok := <-f.c.Failed(); ok {
		t.Error("it failed twice")
	}
	if _, err := f.c.Begin(t.Context(), coordinator.Request{}); !errors.Is(err, txc.ErrUnavailable) || !errors.Is(err, txc.ErrStopped) || errors.Is(err, txc.ErrUnknown) {
		t.Errorf("one that comes later: %v", err)
	}
	f.close()
	f.open()
	defer f.close()
	if r, err := f.c.Outcome(t.Context(), tx(1, 1), ""); err != nil || r.Outcome != txc.Committed {
		t.Errorf("only the log tells: %+v, %v", r, err)
	}
}

// The log writes what is lazy by itself: nobody appends anything, and the coordinator must not go on.
func TestC3_ALogThatFailsBetweenTwoAppendsStopsIt(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a")
	defer f.close()
	if _, err := f.log.Append(t.Context(), []wal.Record{wal.New(tx(1, 1), time.Now(), wal.AbortBody{})}); err != nil {
		t.Fatal(err)
	}
	f.disk.Fail(mem.FailedLost)
	if err := f.log.Flush(); err == nil {
		t.Fatal("the write did not fail")
	}
	select {
	case err := <-f.c.Failed():
		if !errors.Is(err, txc.ErrStopped) {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

func TestSubmitAnswersEachRequestOnce(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a", "b")
	defer f.close()
	const n = 500
	batch := make([]coordinator.Request, n)
	for i := range batch {
		batch[i] = coordinator.Request{Work: work("a", "b"), Wait: coordinator.Decided}
		if i%10 == 0 {
			batch[i].Work = work("nobody")
		}
	}
	var told [n]atomic.Int32
	var all sync.WaitGroup
	all.Add(n)
	f.c.Submit(batch, func(i int, r coordinator.Result, err error) {
		if refused := i%10 == 0; refused != errors.Is(err, txc.ErrNotFound) || !refused && r.Outcome != txc.Committed {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
		told[i].Add(1)
		all.Done()
	})
	f.c.Submit(nil, nil)
	all.Wait()
	for i := range told {
		if told[i].Load() != 1 {
			t.Errorf("%d was told %d times", i, told[i].Load())
		}
	}
}

func TestTimeGoesOnWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, coordinator.Options{Timeout: 3 * time.Second}, "a")
		defer f.close()
		f.with("a", func(p *fake) { p.deaf = true })
		began := time.Now()
		r, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")})
		if took := time.Since(began); err != nil || r.Reason.Code != txc.CodeDeadline || took != 3*time.Second {
			t.Errorf("%+v, %v after %v", r, err, took)
		}
	})
}

func TestADiskThatIsNearlyFullIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, coordinator.Options{}, "a")
		defer f.close()
		f.low.Store(true)
		<-time.After(time.Second)
		if _, err := f.c.Begin(t.Context(), coordinator.Request{}); !errors.Is(err, txc.ErrUnavailable) {
			t.Error(err)
		}
		if s, err := f.c.Status(t.Context()); err != nil || s.DiskFree != 5 || !s.DiskLow {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
