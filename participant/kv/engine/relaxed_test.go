package engine_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// relaxed commits a branch whose end nobody waits for.
func (s *store) relaxed(x tx) uint64 {
	s.t.Helper()
	s.n++
	s.step(&engine.Ask{N: s.n, Request: participant.Request{Verb: participant.VerbCommit, Branch: x.branch(), Relaxed: true}})
	return s.n
}

// A commit that nobody waits for shares the sync of the next promise; it waits for none if somebody needs its locks, or its
// end, and never for long.
func TestARelaxedCommitWaitsForCompany(t *testing.T) {
	s := open(t, newDisk())
	old := func(seq uint64) tx { return tx{seq: seq, age: seq} }
	s.promise(old(10), put("a", "1"))
	n := s.relaxed(old(10))
	if s.batch != nil {
		t.Fatal("it is written at once, with nobody else")
	}
	next := s.prepare(old(11), put("b", "1"))
	s.sync()
	if s.fate(n) != txc.CommittedNow || !s.vote(next).Vote.Promises() {
		t.Error("they were not written together")
	}

	n = s.relaxed(old(11))
	waits := s.prepare(old(2), put("b", "2")) // an elder wants the lock
	s.sync()
	if s.fate(n) != txc.CommittedNow || !s.vote(waits).Vote.Promises() {
		t.Error("it kept its locks from one who waits for them")
	}

	n = s.relaxed(old(2))
	s.promise(old(12), put("c", "1"))
	if s.fate(n) != txc.CommittedNow {
		t.Error("it did not ride")
	}
	n = s.relaxed(old(12))
	s.after(engine.ApplyDelay)
	s.sync()
	if s.fate(n) != txc.CommittedNow {
		t.Errorf("it is not written after %v", engine.ApplyDelay)
	}

	s.promise(old(13), put("d", "1"))
	s.promise(old(14), put("e", "1"))
	n = s.relaxed(old(13))
	m := s.commit(old(14)) // somebody waits for this one
	s.sync()
	if s.fate(n) != txc.CommittedNow || s.fate(m) != txc.CommittedNow {
		t.Error("who waits for the other waits for company, too")
	}
}
