package engine_test

import (
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func (s *store) settle(x tx, o txc.Outcome) (done func() bool) {
	s.t.Helper()
	s.n++
	n := s.n
	s.step(&engine.Settle{N: n, Name: x.name(), Settlement: participant.Settlement{Outcome: o, Who: "ada", Why: "ticket 7", When: start}})
	return func() bool {
		s.t.Helper()
		if err := s.reply(n).Err; err != nil {
			s.t.Fatal(err)
		}
		return s.answers[n].Done
	}
}

func (s *store) reconcile(x tx) {
	s.t.Helper()
	s.n++
	s.step(&engine.Reconcile{N: s.n, Name: x.name()})
	s.flush()
	if err := s.reply(s.n).Err; err != nil {
		s.t.Fatal(err)
	}
}

// H2, H4: an operator ends a promised branch, once; it is listed as settled, over restarts, until it is reconciled, and
// what it came to is provable from then on.
func TestSettlement(t *testing.T) {
	rows := []struct {
		outcome       txc.Outcome
		value         string
		commit, abort txc.Fate
	}{
		{txc.Committed, "1", txc.CommittedBefore, txc.CommittedBefore},
		{txc.Aborted, "-", txc.AbortedBefore, txc.AbortedNow},
	}
	for _, r := range rows {
		t.Run(r.outcome.String(), func(t *testing.T) {
			s := open(t, newDisk())
			x := tx{seq: 1, age: 1}
			s.promise(x, put("k", "1"), get("r"))
			done := s.settle(x, r.outcome)
			if len(s.answers) != 1 {
				t.Fatal("told before it was durable")
			}
			s.flush()
			if !done() || s.value("k") != r.value || s.c.Stats().Locks != 0 {
				t.Fatalf("done %v, k=%s, %d locks", done(), s.value("k"), s.c.Stats().Locks)
			}
			check := func() {
				t.Helper()
				if s.settle(x, txc.Committed)() {
					t.Error("settled twice")
				}
				if c, a := s.fate(s.commit(x)), s.fate(s.abort(x)); c != r.commit || a != r.abort {
					t.Errorf("commit %v, abort %v", c, a)
				}
			}
			for range 2 {
				in := s.c.InDoubt()
				if len(in) != 1 || in[0].Settled != r.commit || !strings.Contains(in[0].Why.Text, "ticket 7") || len(in[0].Members) != 2 {
					t.Fatalf("in doubt: %+v", in)
				}
				check()
				s.d.powerLoss()
				s.reopen()
			}
			s.reconcile(x)
			for range 2 {
				if all := s.c.Committed(txc.ID{}); len(all) != 0 {
					t.Errorf("C6: shown as what the coordinator decided: %v", all)
				}
				if in := s.c.InDoubt(); len(in) != 0 {
					t.Fatalf("in doubt: %+v", in)
				}
				check()
				s.d.powerLoss()
				s.reopen()
			}
			s.reconcile(x) // again: nothing to do
		})
	}
}

// H2: the first of decision and operator wins.
func TestSettlementIsCompareAndSet(t *testing.T) {
	x := tx{seq: 1, age: 1}
	t.Run("the decision was first", func(t *testing.T) {
		s := open(t, newDisk())
		s.promise(x, put("k", "1"))
		n := s.commit(x)
		done := s.settle(x, txc.Aborted)
		s.flush()
		if done() || s.fate(n) != txc.CommittedNow || s.value("k") != "1" {
			t.Errorf("settled %v, fate %v", done(), s.fate(n))
		}
	})
	t.Run("the operator was first", func(t *testing.T) {
		s := open(t, newDisk())
		s.promise(x, put("k", "1"))
		done := s.settle(x, txc.Aborted)
		n := s.commit(x)
		s.flush()
		if !done() || s.fate(n) != txc.AbortedBefore || s.value("k") != "-" {
			t.Errorf("settled %v, fate %v", done(), s.fate(n))
		}
	})
	t.Run("what was never promised cannot be settled", func(t *testing.T) {
		s := open(t, newDisk())
		if s.settle(x, txc.Committed)() {
			t.Error("settled")
		}
	})
}
