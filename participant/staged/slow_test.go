package staged_test

import (
	"context"
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// C10: a broker that never takes all of a branch in the time that it is given has all of it in the end, each message once.
func TestASlowBrokerHasEverythingInTheEnd(t *testing.T) {
	dir, q := t.TempDir(), newQueue()
	q.known = nil // it knows no ids
	q.slow = 2
	s := open(t, dir, q)
	bodies := []string{"1", "2", "3", "4", "5"}
	b, hand := branch(1), branch(2)
	p, by := promise(t, s, b, bodies...), promise(t, s, hand, "6", "7", "8")
	for range 2 {
		if f, err := s.Commit(t.Context(), b, p.Evidence); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("commit: %v, %v", f, err)
		}
	}
	commit(t, s, b, p.Evidence, txc.CommittedNow)
	wants(t, q, bodies...)
	settle(t, s, hand, txc.Committed)
	commit(t, s, hand, by.Evidence, txc.CommittedBefore)
	wants(t, q, append(bodies, "6", "7", "8")...)
	dropped := branch(3)
	p = promise(t, s, dropped, "a", "b", "c")
	if _, err := s.Commit(t.Context(), dropped, p.Evidence); err == nil {
		t.Fatal("committed")
	}
	settle(t, s, dropped, txc.Aborted)
	if n := staged.Remembered(s); n != 0 {
		t.Errorf("%d branches are remembered that have ended", n)
	}
}
