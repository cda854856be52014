package kv_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
)

// Calls of one branch overlap, and a call's code may have goroutines of its own: an operation that waits for a lock holds up
// the others, and harms none.
func TestOperationsOfABranchComeOneByOne(t *testing.T) {
	s := open(t, t.TempDir())
	young, elder := branch(90), branch(1)
	other, held := join(t, s, young)
	if err := held.Put(other, "k", "young"); err != nil {
		t.Fatal(err)
	}
	one, a := join(t, s, elder)
	two, b := join(t, s, elder)
	first, further := make(chan error, 1), make(chan error, 2)
	go func() { first <- a.Put(one, "k", "elder") }()
	for must[int](t)(s.Waiting(t.Context())) == 0 { // each look is a turn of the store's owner
	}
	go func() { further <- a.Put(one, "l", "of the same call") }()
	go func() { further <- b.Put(two, "m", "of another call") }()
	if _, err := s.Abort(t.Context(), young, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-first, <-further, <-further, s.Leave(one, elder, nil), s.Leave(two, elder, nil)); err != nil {
		t.Error(err)
	}
	if p := closes(t, s, elder); p.Vote != txc.Yes {
		t.Errorf("%+v", p)
	}
}

// P3: an operation that its context ends while it waits for its turn has not been done, and that cannot be passed over.
func TestAnOperationThatGaveUpItsTurnDooms(t *testing.T) {
	for says, same := range map[string]bool{"behind the same call": true, "behind another call": false} {
		s := open(t, t.TempDir())
		young, elder := branch(90), branch(1)
		other, held := join(t, s, young)
		if err := held.Put(other, "k", "young"); err != nil {
			t.Fatal(err)
		}
		one, a := join(t, s, elder)
		two, b := join(t, s, elder)
		if same {
			b = a
		}
		first := make(chan error, 1)
		go func() { first <- a.Put(one, "k", "elder") }()
		for must[int](t)(s.Waiting(t.Context())) == 0 { // each look is a turn of the store's owner
		}
		soon, cancel := context.WithTimeout(two, 20*time.Millisecond)
		defer cancel()
		if err := b.Put(soon, "l", "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", says, err)
		}
		var refused *txc.Refusal
		if err := <-first; !errors.As(err, &refused) || refused.Reason.Code != txc.CodeCancelled {
			t.Errorf("%s: the branch is doomed, and an operation goes on: %v", says, err)
		}
		for _, ctx := range []context.Context{one, two} {
			if err := s.Leave(ctx, elder, nil); err == nil {
				t.Errorf("%s: the caller hears nothing", says)
			}
		}
		if p := closes(t, s, elder); p.Vote != txc.No {
			t.Errorf("%s: %+v", says, p)
		}
	}
}
