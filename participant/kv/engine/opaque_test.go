package engine_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func openOpaque(t testing.TB, d *disk) *store {
	t.Helper()
	s := &store{t: t, d: d, now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Opaque: true}}
	s.reopen()
	return s
}

func (s *store) promiseOpaque(x tx, work string) {
	s.t.Helper()
	n := s.ask(participant.VerbPrepare, x, []byte(work), nil)
	s.sync()
	if p := s.vote(n); p.Vote != txc.Yes {
		s.t.Fatalf("vote %v %v", p.Vote, p.Reason)
	}
}

func (s *store) work(x tx, want string) {
	s.t.Helper()
	if got := string(s.c.Work(x.name())); got != want {
		s.t.Fatalf("work %q, want %q", got, want)
	}
}

func (s *store) shed(x tx) {
	s.t.Helper()
	s.n++
	s.step(&engine.Shed{N: s.n, Name: x.name()})
	s.flush()
	if err := s.reply(s.n).Err; err != nil {
		s.t.Fatal(err)
	}
}

// P1: opaque work is part of the promise, over a power loss; a commit or an abort ends it.
func TestOpaqueWorkIsKeptWithThePromise(t *testing.T) {
	s := openOpaque(t, newDisk())
	a, b := tx{seq: 1}, tx{seq: 2}
	n := s.ask(participant.VerbPrepare, a, []byte("one"), nil)
	s.work(a, "") // not durable yet
	s.sync()
	if p := s.vote(n); p.Vote != txc.Yes {
		t.Fatalf("vote %v", p.Vote)
	}
	s.promiseOpaque(b, "two")
	s.d.powerLoss()
	s.reopen()
	s.work(a, "one")
	s.work(b, "two")
	s.shed(a) // says nothing of a promise
	s.work(a, "one")
	c, u := s.commit(a), s.abort(b)
	s.work(a, "") // it is ending
	s.flush()
	if s.fate(c) != txc.CommittedNow || s.fate(u) != txc.AbortedNow {
		t.Fatal(s.fate(c), s.fate(u))
	}
	s.work(a, "")
	s.work(b, "")
}

// H2: what was settled as committed keeps its work until that was handed over; as aborted, nothing.
func TestSettledOpaqueWorkIsKeptUntilHandedOver(t *testing.T) {
	s := openOpaque(t, newDisk())
	a, b := tx{seq: 1}, tx{seq: 2}
	s.promiseOpaque(a, "one")
	s.promiseOpaque(b, "two")
	done, also := s.settle(a, txc.Committed), s.settle(b, txc.Aborted)
	s.flush()
	if !done() || !also() {
		t.Fatal("not settled")
	}
	for range 2 {
		s.work(a, "one")
		s.work(b, "")
		s.d.powerLoss()
		s.reopen()
	}
	s.shed(a)
	for range 2 {
		s.work(a, "")
		if all := s.c.InDoubt(); len(all) != 2 || all[0].Settled != txc.CommittedBefore || all[1].Settled != txc.AbortedBefore {
			t.Fatalf("%+v", all)
		}
		s.d.powerLoss()
		s.reopen()
	}
	s.reconcile(a)
	if n := s.commit(a); s.fate(n) != txc.CommittedBefore {
		t.Fatal(s.fate(n))
	}
}

// A directory of the one kind is not opened as the other: a commit would forget the work, or apply what nobody asked for.
func TestAnOpaqueStoreIsNotTakenForAnother(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		d := newDisk()
		s := &store{t: t, d: d, now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Opaque: opaque}}
		s.reopen()
		w := work(t, put("k", "v"))
		n := s.ask(participant.VerbPrepare, tx{seq: 1}, w, nil)
		s.sync()
		if p := s.vote(n); p.Vote != txc.Yes {
			t.Fatal(p)
		}
		if _, _, err := engine.Open(engine.Options{Cluster: cluster, Participant: bank, Instance: [16]byte{7}, Opaque: !opaque}, d); !errors.Is(err, txc.ErrRefused) {
			t.Errorf("opaque %v, opened as the other: %v", opaque, err)
		}
	}
}

func TestOpaqueWorkHasALimit(t *testing.T) {
	s := openOpaque(t, newDisk())
	for _, size := range []int{0, txc.MaxWork + 1} {
		s.refused(s.ask(participant.VerbPrepare, tx{seq: 1}, make([]byte, size), nil), txc.CodeBadWork)
	}
	s.promiseOpaque(tx{seq: 2}, string(make([]byte, txc.MaxWork)))
}
