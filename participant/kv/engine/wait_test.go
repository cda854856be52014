package engine_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// S3: lock waits are bounded; a younger one waits a short time for a promised holder, and goes on if no elder is left.
func TestLockWaits(t *testing.T) {
	rows := []struct {
		says   string
		age    uint64 // of the requester; the holders have 5 and, behind it, the waiter 3
		before func(s *store)
		after  time.Duration
		want   txc.Code
	}{
		{"an older one waits for a second", 1, func(s *store) { s.promise(tx{seq: 5, age: 5}, put("k", "1")) }, engine.LockWait, txc.CodeLockTimeout},
		{"a younger one waits for a promised holder for a moment", 9, func(s *store) { s.promise(tx{seq: 5, age: 5}, put("k", "1")) }, engine.Grace, txc.CodeConflict},
		{"a younger one dies of a waiter at once", 9, func(s *store) {
			s.promise(tx{seq: 5, age: 5}, put("k", "1"))
			s.prepare(tx{seq: 3, age: 3}, put("k", "1"))
		}, 0, txc.CodeConflict},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			r.before(s)
			n := s.prepare(tx{seq: 20, age: r.age}, put("k", "2"))
			if r.after > 0 {
				s.after(r.after - 1)
				if s.answered(n) {
					t.Fatal("refused before its time")
				}
				s.after(1)
			}
			s.refused(n, r.want)
		})
	}
	t.Run("who gets the lock in time runs on", func(t *testing.T) {
		s := open(t, newDisk())
		s.promise(tx{seq: 5, age: 5}, add("k", 1))
		n := s.prepare(tx{seq: 20, age: 9}, add("k", 1))
		s.after(engine.Grace - 1)
		s.commit(tx{seq: 5, age: 5})
		s.flush()
		if s.vote(n).Vote != txc.Yes {
			t.Error("no promise")
		}
	})
	t.Run("a short wait becomes a long one when no elder is left", func(t *testing.T) {
		s := open(t, newDisk())
		s.promise(tx{seq: 5, age: 5}, get("k"))
		s.promise(tx{seq: 6, age: 99}, get("k"))
		n := s.prepare(tx{seq: 20, age: 9}, put("k", "1"))
		s.commit(tx{seq: 5, age: 5})
		s.flush()
		s.after(engine.Grace)
		if s.answered(n) {
			t.Fatalf("refused: %v", s.vote(n).Reason)
		}
		s.after(engine.LockWait)
		s.refused(n, txc.CodeLockTimeout)
	})
	t.Run("a store's own limit", func(t *testing.T) {
		for _, limit := range []time.Duration{5 * time.Millisecond, 3 * time.Second} { // one below a short wait, one above the default
			s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{LockWait: limit}}
			s.reopen()
			s.promise(tx{seq: 5, age: 5}, put("k", "1"))
			older, younger := s.prepare(tx{seq: 6, age: 1}, put("k", "2")), s.prepare(tx{seq: 7, age: 9}, put("k", "3"))
			s.after(min(limit, engine.Grace))
			if s.answered(older) != (limit < engine.Grace) || !s.answered(younger) {
				t.Errorf("%v: after a short wait the older one is answered: %v, the younger: %v", limit, s.answered(older), s.answered(younger))
			}
			s.after(limit - min(limit, engine.Grace))
			s.refused(older, txc.CodeLockTimeout)
		}
	})
}
