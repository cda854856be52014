package participant_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

func TestCommitsPassPreparesThatWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		store.before = func(ctx context.Context, deed string, b participant.Branch) error {
			if deed == "prepare" && ctx.Err() != nil {
				t.Error("the store was given a Prepare whose time was over")
			}
			if deed == "prepare" && b.ID.Sequence > 1 {
				<-ctx.Done() // it waits for a lock until its time is over
			}
			return nil
		}
		o := newOffice(t)
		a := open(t, store, participant.Options{Workers: participant.MinWorkers}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		for n := range uint64(10) {
			o.prepare(a, n+2, "bob=1")
		}
		start := time.Now()
		o.say(1, protocol.Commit{})
		if f := expect[protocol.Fated](o); f.Fate != txc.CommittedNow || time.Since(start) > 0 {
			t.Errorf("fate %v after %v", f, time.Since(start))
		}
		o.say(100, protocol.Abort{}) // the worker that did it takes no Prepare now
		if f := expect[protocol.Fated](o); f.Fate != txc.AbortedNow || time.Since(start) > 0 {
			t.Errorf("fate %v after %v", f, time.Since(start))
		}
		for range 10 { // P3: each ends at its deadline, whether a worker took it or not
			if v := expect[protocol.Vote](o); v.Vote != txc.No || !v.Certain || v.Reason.Code != txc.CodeDeadline {
				t.Errorf("vote %+v", v)
			}
		}
		shut(t, a)
	})
}

func TestAbortCutsAPrepareOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		store.before = func(ctx context.Context, deed string, _ participant.Branch) error {
			if deed == "prepare" {
				<-ctx.Done()
			}
			return nil
		}
		o := newOffice(t)
		a := open(t, store, participant.Options{}, o)
		o.dial(a)
		start := time.Now()
		o.prepare(a, 1, "alice=30")
		o.say(1, protocol.Abort{})
		if v := expect[protocol.Vote](o); v.Vote != txc.No || !v.Certain {
			t.Errorf("vote %+v", v)
		}
		if f := expect[protocol.Fated](o); f.Fate != txc.AbortedNow || time.Since(start) > 0 {
			t.Errorf("fate %v after %v", f, time.Since(start))
		}
		shut(t, a)
	})
}

func TestCloseKeepsPromisesAndWaitsForWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		hold := make(chan struct{})
		store.before = func(_ context.Context, deed string, _ participant.Branch) error {
			if deed == "commit" {
				<-hold
			}
			return nil
		}
		o := newOffice(t)
		a := open(t, store, participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		o.prepare(a, 2, "bob=30")
		expect[protocol.Vote](o)
		expect[protocol.Vote](o)
		o.say(1, protocol.Commit{})
		var wg sync.WaitGroup
		wg.Go(func() { shut(t, a) })
		synctest.Wait()
		o.prepare(a, 3, "carol=30")
		if v := expect[protocol.Vote](o); v.Vote != txc.No || v.Certain || v.Reason.Code != txc.CodeBusy {
			t.Errorf("vote while closing: %+v", v)
		}
		close(hold)
		wg.Wait()
		if f := expect[protocol.Fated](o); f.Fate != txc.CommittedNow {
			t.Errorf("fate %v", f)
		}
		n := 0
		for d, err := range store.InDoubt(t.Context()) {
			n++
			if err != nil || d.ID.Sequence != 2 {
				t.Errorf("in doubt: %v, %v", d, err)
			}
		}
		if n != 1 || store.Value("alice") != "30" {
			t.Errorf("%d in doubt, alice=%s", n, store.Value("alice"))
		}
	})
}

func TestCloseThatIsCutShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		store.before = func(ctx context.Context, deed string, _ participant.Branch) error {
			if deed == "commit" { // the store does not answer; it does honour its context
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		o := newOffice(t)
		a := open(t, store, participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		o.say(1, protocol.Commit{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
	})
}
