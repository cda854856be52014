package turns_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc/participant/turns"
)

func TestCallsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := turns.New()
		one, two := b.NewCall(), b.NewCall()
		for range 2 { // a call has its turn as often as it likes
			if err := one.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := two.Enter(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the other call: %v", err)
		}
		entered := make(chan error, 1)
		go func() { entered <- two.Enter(t.Context()) }()
		one.Exit()
		synctest.Wait()
		select {
		case err := <-entered:
			t.Errorf("it has the turn while the first call needs it: %v", err)
		default:
		}
		one.Exit()
		if err := <-entered; err != nil {
			t.Error(err)
		}
		two.Exit()
		if err := errors.Join(one.Leave(), two.Leave()); err != nil {
			t.Error(err)
		}
		if err := one.Enter(t.Context()); err == nil {
			t.Error("a call that has returned has a turn")
		}
		if !b.Take() || b.Take() {
			t.Error("the turn is not there once, to be taken")
		}
	})
}

func TestACallThatLeavesSomethingOpenKeepsItsTurn(t *testing.T) {
	b := turns.New()
	c := b.NewCall()
	if err := c.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Leave(); err == nil {
		t.Error("it says nothing")
	}
	c.Exit()
	if b.Take() {
		t.Error("what nobody knows the state of is used by others")
	}
}

func TestDoomEndsAllWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := turns.New()
		one, two := b.NewCall(), b.NewCall()
		if err := one.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		entered := make(chan error, 1)
		go func() { entered <- two.Enter(t.Context()) }()
		synctest.Wait()
		why := errors.New("the first reason")
		b.Doom(why)
		b.Doom(errors.New("a later one"))
		if err := <-entered; err != why {
			t.Errorf("who waited hears %v", err)
		}
		one.Exit()
		if err := two.Enter(t.Context()); err != why || b.Doomed() != why {
			t.Errorf("who comes hears %v", err)
		}
		select {
		case <-b.Over():
		default:
			t.Error("it is not over")
		}
	})
}
