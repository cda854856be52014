package participant_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

func call(sequence uint64, e participant.Enlistment) participant.Work {
	return participant.Work{ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: sequence}, Mark: 70, TimeLeft: 5 * time.Second, Enlistment: e}
}

func TestCallsJoinABranch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		o := newOffice(t)
		a := open(t, store, participant.Options{}, o)
		o.dial(a)
		var e participant.Enlistment
		for n := range uint32(2) {
			_, leave, err := a.Join(t.Context(), call(1, e))
			if err != nil {
				t.Fatal(err)
			}
			if e, err = leave(nil); err != nil || e != (participant.Enlistment{Incarnation: a.Incarnation(), Calls: n + 1}) {
				t.Fatalf("trailer %+v, %v", e, err)
			}
		}
		o.say(1, protocol.Prepare{Incarnation: e.Incarnation, Joined: true, Calls: e.Calls, TimeLeft: time.Second})
		if v := expect[protocol.Vote](o); v.Vote != txc.Yes {
			t.Errorf("vote %+v", v)
		}
		if _, _, err := a.Join(t.Context(), call(1, e)); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("P4: a call joined a closed branch: %v", err)
		}
		shut(t, a)
	})
}

func TestCallsOfOneBranchTakeTurnsAtTheStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		inside := make(chan struct{}, 1)
		store.before = func(_ context.Context, deed string, _ participant.Branch) error {
			if deed == "join" || deed == "leave" {
				select {
				case inside <- struct{}{}:
				default:
					t.Error("two calls talk to the store at once")
				}
				<-time.After(100 * time.Millisecond) // virtual
				<-inside
			}
			return nil
		}
		a := open(t, store, participant.Options{})
		done := make(chan error, 3)
		for range 3 {
			go func() {
				_, leave, err := a.Join(t.Context(), call(1, participant.Enlistment{}))
				if err == nil {
					_, err = leave(nil)
				}
				done <- err
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		shut(t, a)
	})
}

func TestCallThatFailedDoomsTheBranch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := open(t, &hooked{Toy: toyAt(t, t.TempDir())}, participant.Options{})
		_, leave, err := a.Join(t.Context(), call(1, participant.Enlistment{}))
		if err != nil {
			t.Fatal(err)
		}
		failed := errors.New("no such account")
		if _, err := leave(failed); !errors.Is(err, txc.ErrAborted) || !errors.Is(err, failed) {
			t.Errorf("leave: %v", err)
		}
		if _, _, err := a.Join(t.Context(), call(1, participant.Enlistment{Incarnation: a.Incarnation()})); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("joined: %v", err)
		}
		shut(t, a)
	})
}

func TestDeadlineEndsTheContextOfACall(t *testing.T) { // P3
	bubble(t, func(t *testing.T) {
		a := open(t, &hooked{Toy: toyAt(t, t.TempDir())}, participant.Options{})
		ctx, leave, err := a.Join(t.Context(), call(1, participant.Enlistment{}))
		if err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		synctest.Wait()
		if _, err := leave(nil); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("leave: %v", err)
		}
		shut(t, a)
	})
}

func TestAbortEndsTheContextOfACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		a := open(t, &hooked{Toy: toyAt(t, t.TempDir())}, participant.Options{}, o)
		o.dial(a)
		ctx, leave, err := a.Join(t.Context(), call(1, participant.Enlistment{}))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		o.say(1, protocol.Abort{})
		<-ctx.Done()
		synctest.Wait()
		if len(o.heard) > 0 {
			t.Error("answered while a call still runs")
		}
		if _, err := leave(nil); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("leave: %v", err)
		}
		if f := expect[protocol.Fated](o); f.Fate != txc.AbortedNow || time.Since(start) > 0 {
			t.Errorf("fate %v", f)
		}
		shut(t, a)
	})
}

func TestStoreWithoutCallsRefusesThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := open(t, toyAt(t, t.TempDir()), participant.Options{})
		if _, _, err := a.Join(t.Context(), call(1, participant.Enlistment{})); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("joined: %v", err)
		}
		shut(t, a)
	})
}

func TestCallWhoseCallerLeftIsEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &hooked{Toy: toyAt(t, t.TempDir())}
		a := open(t, store, participant.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := a.Join(ctx, call(1, participant.Enlistment{}))
		if err == nil {
			t.Fatal("joined")
		}
		synctest.Wait()
		if _, _, err := a.Join(t.Context(), call(1, participant.Enlistment{})); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("a branch whose call nobody will end is still open: %v", err)
		}
		shut(t, a)
	})
}
