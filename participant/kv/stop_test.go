package kv_test

import (
	"context"
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv"
)

var errDisk = errors.New("disk says no")

// P11: after a write of unknown fate the store answers nothing but that it has stopped; opening it again tells.
func TestUnknownWriteStops(t *testing.T) {
	dir := t.TempDir()
	s, err := kv.Open(t.Context(), dir, options())
	if err != nil {
		t.Fatal(err)
	}
	promise(t, s, branch(1), kv.Put("k", "v"))
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	if err := s.Poison(errDisk); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	stopped := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, txc.ErrStopped) || !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f, err := s.Commit(t.Context(), branch(1), nil)
	stopped("commit", err)
	if f != 0 {
		t.Errorf("fate %v", f)
	}
	<-s.Failed()
	stopped("why", s.Err())
	_, err = s.Prepare(t.Context(), branch(2), work(t, kv.Put("a", "v")), false)
	stopped("prepare", err)
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	again := open(t, dir)
	if f := commit(t, again, branch(1)); f != txc.CommittedNow {
		t.Error(f)
	}
}
