package kv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// join begins a call on a branch.
func join(t testing.TB, s *kv.Store, b participant.Branch) (context.Context, *kv.Keys) {
	t.Helper()
	ctx, err := s.Join(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kv.View(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, keys
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func closes(t testing.TB, s *kv.Store, b participant.Branch) participant.Promise {
	t.Helper()
	p, err := s.Prepare(t.Context(), b, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func free(t testing.TB, s *kv.Store) {
	t.Helper()
	if r := must[participant.Report](t)(s.Check(t.Context())); r.Locks != 0 || r.InDoubt != 0 {
		t.Errorf("left: %d locks, %d in doubt", r.Locks, r.InDoubt)
	}
}

func TestAView(t *testing.T) {
	s := open(t, t.TempDir())
	b := branch(1)
	one, keys := join(t, s, b)
	if n := must[int64](t)(keys.Add(one, "n", 7)); n != 7 {
		t.Errorf("the sum is %d", n)
	}
	if err := errors.Join(keys.Put(one, "a", "x"), keys.Delete(one, "gone"), s.Leave(one, b, nil)); err != nil {
		t.Fatal(err)
	}
	two, again := join(t, s, b)
	if v, found, err := again.Get(two, "a"); v != "x" || !found || err != nil {
		t.Errorf("the second call reads %q, %v, %v", v, found, err)
	}
	if _, err := again.Do(two, kv.Put("", "x")); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("no key: %v", err)
	}
	all := must[[]kv.Result](t)(again.Do(two, kv.Get("n"), kv.Get("gone"), kv.Exists("a")))
	if len(all) != 2 || all[0].Value != "7" || all[1].Found {
		t.Errorf("%+v", all)
	}
	if err := keys.Put(one, "late", "x"); err == nil {
		t.Error("a call that has returned still writes")
	}
	if err := s.Leave(two, b, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.View(t.Context()); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("without a call: %v", err)
	}
	p := closes(t, s, b)
	if p.Vote != txc.Yes {
		t.Fatalf("%+v", p)
	}
	if again := closes(t, s, b); again.Vote != txc.Yes || string(again.Evidence) != string(p.Evidence) {
		t.Errorf("P4: %+v, then %+v", p, again)
	}
	if f, err := s.Commit(t.Context(), b, p.Evidence); err != nil || f != txc.CommittedNow {
		t.Errorf("%v: %v", f, err)
	}
	for key, want := range map[string]string{"n": "7", "a": "x", "late": ""} {
		if v, _, err := s.Get(key); err != nil || v != want {
			t.Errorf("%s is %q: %v", key, v, err)
		}
	}
	free(t, s)
}

// Whatever a call's code makes of it: after an operation that failed, or a call that did, the branch is not promised, and
// its locks are free.
func TestWhatDoomsAViewsBranch(t *testing.T) {
	s := open(t, t.TempDir())
	elder := branch(1)
	other, held := join(t, s, elder)
	if err := held.Put(other, "held", "1"); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		says string
		do   func(ctx context.Context, keys *kv.Keys) error // what the call's code does, and returns
		code txc.Code
	}{
		{"a bound was passed over", func(ctx context.Context, keys *kv.Keys) error {
			_, err := keys.Do(ctx, kv.Add("k", -1).Min(0))
			return told(err)
		}, txc.CodeRefused},
		{"a conflict was passed over", func(ctx context.Context, keys *kv.Keys) error {
			return told(keys.Put(ctx, "held", "2"))
		}, txc.CodeConflict},
		{"the call failed", func(ctx context.Context, keys *kv.Keys) error { return errors.New("no such customer") }, ""},
	}
	for i, row := range rows {
		t.Run(row.says, func(t *testing.T) {
			b := branch(uint64(i) + 10)
			ctx, keys := join(t, s, b)
			if err := keys.Put(ctx, "mine", "1"); err != nil {
				t.Fatal(err)
			}
			failed := row.do(ctx, keys)
			if row.code != "" && keys.Put(ctx, "more", "1") == nil {
				t.Error("it goes on")
			}
			err := s.Leave(ctx, b, failed)
			var refused *txc.Refusal
			if row.code != "" && (!errors.As(err, &refused) || refused.Reason.Code != row.code) {
				t.Errorf("the caller hears %v", err)
			}
			for range 2 {
				if p := closes(t, s, b); p.Vote != txc.No || p.Reason.Code != txc.CodeAbortOnly {
					t.Errorf("%+v", p)
				}
			}
			if v, found, err := s.Get("mine"); found || err != nil {
				t.Errorf("mine is %q: %v", v, err)
			}
		})
	}
	if f, err := s.Abort(t.Context(), elder, nil); err != nil || f != txc.AbortedNow {
		t.Errorf("%v: %v", f, err)
	}
	if err := held.Put(other, "held", "3"); err == nil {
		t.Error("an aborted branch still writes")
	}
	free(t, s)
}

// The caller may use its requests again as soon as the vote is there: the locks are free by then.
func TestADoomedBranchVotesWhenItsLocksAreFree(t *testing.T) {
	s := open(t, t.TempDir())
	b := branch(1)
	ctx, keys := join(t, s, b)
	if err := keys.Put(ctx, "k", "1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Leave(ctx, b, errors.New("no such customer")); err != nil {
		t.Fatal(err)
	}
	vote := make(chan participant.Reply, 1)
	reqs := []participant.Request{{Verb: participant.VerbPrepare, Branch: b, Joined: true}}
	s.Submit(reqs, func(i int, r participant.Reply) {
		reqs[i] = participant.Request{}
		vote <- r
	})
	if r := <-vote; r.Err != nil || r.Promise.Vote != txc.No || r.Promise.Reason.Code != txc.CodeAbortOnly {
		t.Errorf("%+v", r)
	}
	free(t, s)
}

// told passes an error over, and tells if there was none.
func told(err error) error {
	if err == nil {
		return errors.New("it did not fail")
	}
	return nil
}

// S3: an operation that waits for a lock ends with its context, with its branch, and when the lock is free.
func TestAViewThatWaits(t *testing.T) {
	s := open(t, t.TempDir())
	young := branch(90)
	ctx, keys := join(t, s, young)
	if err := keys.Put(ctx, "k", "young"); err != nil {
		t.Fatal(err)
	}
	waits := func(b participant.Branch) (context.Context, *kv.Keys, func(ctx context.Context) <-chan error) {
		ctx, keys := join(t, s, b)
		return ctx, keys, func(ctx context.Context) <-chan error {
			done := make(chan error, 1)
			go func() { done <- keys.Put(ctx, "k", "elder") }()
			return done
		}
	}
	one, _, put := waits(branch(1))
	soon, cancel := context.WithTimeout(one, 20*time.Millisecond)
	defer cancel()
	var refused *txc.Refusal
	if err := <-put(soon); !errors.As(err, &refused) || refused.Reason.Code != txc.CodeCancelled {
		t.Errorf("its caller has given up: %v", err)
	}
	two, _, put := waits(branch(2))
	done := put(two)
	if f, err := s.Abort(t.Context(), branch(2), nil); err != nil || f != txc.AbortedNow {
		t.Errorf("%v: %v", f, err)
	}
	if err := <-done; err == nil {
		t.Error("its branch was aborted, and it writes")
	}
	three, more, put := waits(branch(3))
	done = put(three)
	second := make(chan error, 1)
	go func() { second <- more.Put(three, "l", "after it") }() // takes its turn
	if _, err := s.Abort(t.Context(), young, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, <-second, s.Leave(three, branch(3), nil)); err != nil {
		t.Error(err)
	}
	if p := closes(t, s, branch(3)); p.Vote != txc.Yes {
		t.Errorf("%+v", p)
	}
}

// S1, P1: transfers by calls and by shipped work, from many sides, over crashes of nothing: no money comes or goes, and what
// each call reads of two accounts in a row is one state of them.
func TestCallsAndShippedWorkTogether(t *testing.T) {
	s := open(t, t.TempDir())
	const accounts, each = 6, 100
	fund := make([]kv.Op, accounts)
	for i := range fund {
		fund[i] = kv.Put(fmt.Sprint("a", i), fmt.Sprint(each))
	}
	promise(t, s, branch(1), fund...)
	commit(t, s, branch(1))
	var mu sync.Mutex
	next, committed := uint64(1), map[bool]int{}
	fresh := func() participant.Branch {
		mu.Lock()
		defer mu.Unlock()
		next++
		return branch(next)
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		rnd := rand.New(rand.NewPCG(uint64(worker), 1))
		wg.Go(func() {
			for range 150 {
				b := fresh()
				from, to := fmt.Sprint("a", rnd.IntN(accounts)), fmt.Sprint("a", rnd.IntN(accounts))
				joined := worker%2 == 0
				var p participant.Promise
				var err error
				if joined {
					if p, err = byCalls(s, b, from, to); err != nil {
						t.Error(err)
					}
				} else if p, err = s.Prepare(t.Context(), b, work(t, kv.Add(from, -1).Min(0), kv.Add(to, 1)), false); err != nil {
					t.Error(err)
				}
				if p.Vote != txc.Yes {
					continue
				}
				if f, err := s.Commit(t.Context(), b, p.Evidence); err != nil || f != txc.CommittedNow {
					t.Errorf("%v: %v", f, err)
				}
				mu.Lock()
				committed[joined]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum := 0
	for i := range accounts {
		v, _, err := s.Get(fmt.Sprint("a", i))
		var n int
		if _, scan := fmt.Sscan(v, &n); err != nil || scan != nil {
			t.Fatalf("%q: %v", v, errors.Join(err, scan))
		}
		sum += n
	}
	if sum != accounts*each || committed[true] < 20 || committed[false] < 20 {
		t.Errorf("%d in all accounts, want %d; committed by calls and shipped: %v", sum, accounts*each, committed)
	}
	free(t, s)
}

// byCalls transfers as a service's methods would: one takes, another gives.
func byCalls(s *kv.Store, b participant.Branch, from, to string) (participant.Promise, error) {
	for _, step := range []func(ctx context.Context, keys *kv.Keys) error{
		func(ctx context.Context, keys *kv.Keys) error {
			v, _, err := keys.Get(ctx, from)
			if err == nil && strings.HasPrefix(v, "-") {
				return errors.New("a balance below zero was seen")
			}
			if err == nil {
				_, err = keys.Do(ctx, kv.Add(from, -1).Min(0))
			}
			return err
		},
		func(ctx context.Context, keys *kv.Keys) error {
			_, err := keys.Add(ctx, to, 1)
			return err
		},
	} {
		ctx, err := s.Join(context.Background(), b)
		if err != nil {
			return participant.Promise{}, err
		}
		keys, err := kv.View(ctx)
		if err != nil {
			return participant.Promise{}, err
		}
		if err := step(ctx, keys); err != nil && strings.Contains(err.Error(), "below zero was") {
			return participant.Promise{}, err
		}
		if s.Leave(ctx, b, nil) != nil { // doomed
			_, err := s.Abort(context.Background(), b, nil)
			return participant.Promise{}, err
		}
	}
	return s.Prepare(context.Background(), b, nil, true)
}
