package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func (s *store) begin(x tx) uint64 {
	s.t.Helper()
	s.n++
	s.step(&engine.Begin{N: s.n, Branch: x.branch()})
	return s.n
}

func (s *store) do(x tx, ops ...engine.Op) uint64 {
	s.t.Helper()
	s.n++
	s.step(&engine.Do{N: s.n, Name: x.name(), Ops: ops})
	return s.n
}

// close prepares what calls have done.
func (s *store) close(x tx) uint64 {
	s.t.Helper()
	s.n++
	s.step(&engine.Ask{N: s.n, Request: participant.Request{Verb: participant.VerbPrepare, Branch: x.branch(), Joined: true}})
	return s.n
}

// opens begins a branch for calls, which do something.
func (s *store) opens(x tx, ops ...engine.Op) {
	s.t.Helper()
	for _, n := range []uint64{s.begin(x), s.do(x, ops...)} {
		if p := s.vote(n); p.Vote != txc.Yes {
			s.t.Fatalf("%d: %v %v", x.seq, p.Vote, p.Reason)
		}
	}
}

// reads wants what an operation has read.
func (s *store) reads(n uint64, want string) {
	s.t.Helper()
	p := s.vote(n)
	all, err := engine.DecodeResults(p.Results)
	if err != nil || p.Vote != txc.Yes || len(all) != 1 {
		s.t.Fatalf("%v %v: %v, %v", p.Vote, p.Reason, all, err)
	}
	got := "-"
	if all[0].Found {
		got = string(all[0].Value)
	}
	if got != want {
		s.t.Errorf("read %q, want %q", got, want)
	}
}

func TestCallsWorkOnABranch(t *testing.T) {
	s := open(t, newDisk())
	s.apply(tx{seq: 1, age: 1}, put("a", "1"), put("b", "2"), put("c", "3"))
	x := tx{seq: 2, age: 2}
	s.opens(x, get("a"))
	s.reads(s.do(x, get("a")), "1")
	s.reads(s.do(x, put("a", "10"), get("a")), "10") // what was read alone is written now
	s.reads(s.do(x, get("a")), "10")
	s.do(x, del("b"))
	s.reads(s.do(x, get("b")), "-")
	s.do(x, add("n", 5))
	s.do(x, add("n", 5))
	s.reads(s.do(x, get("n")), "10")
	s.reads(s.do(x, get("c")), "3")
	if got := s.value("a") + s.value("b") + s.value("n"); got != "12-" {
		t.Errorf("before the commit others read %s", got)
	}
	n := s.close(x)
	if s.answered(n) {
		t.Error("P1: a vote before the promise is durable")
	}
	s.sync()
	if p := s.vote(n); p.Vote != txc.Yes || len(p.Results) != 0 {
		t.Fatalf("%+v", p)
	}
	s.d.powerLoss()
	s.reopen() // P10: the promise and its locks are there, those of what was read too
	n = s.prepare(tx{seq: 3, age: 9}, put("c", "4"))
	s.after(engine.Grace)
	s.refused(n, txc.CodeConflict)
	n = s.commit(x)
	s.flush()
	if f := s.fate(n); f != txc.CommittedNow {
		t.Errorf("%v", f)
	}
	if got := s.value("a") + s.value("b") + s.value("n") + s.value("c"); got != "10-103" {
		t.Errorf("after it: %s", got)
	}
}

// S1: a call's locks stay until the branch has ended, from operation to operation.
func TestCallsHoldTheirLocks(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 5, age: 5}
	s.opens(x, put("a", "1"))
	s.do(x, get("r"))
	for says, op := range map[string]engine.Op{"written": get("a"), "read": put("r", "2")} {
		y := tx{seq: s.n + 100, age: 9}
		s.refused(s.prepare(y, op), txc.CodeConflict)
		y.seq++
		s.begin(y)
		s.refused(s.do(y, op), txc.CodeConflict)
		s.refused(s.do(y, get("z")), txc.CodeAbortOnly) // nothing is left of it
		s.refused(s.close(y), txc.CodeAbortOnly)
		if t.Failed() {
			t.Fatal(says)
		}
	}
	elder := s.prepare(tx{seq: 3, age: 3}, add("a", 1)) // it waits
	old := tx{seq: 4, age: 2}                           // older than who waits before it
	s.opens(old, get("q"))
	waits := s.do(old, get("a"), put("q", "1"))
	if s.answered(elder) || s.answered(waits) {
		t.Fatal("nobody waits for an older branch's lock")
	}
	n := s.abort(x)
	if f := s.fate(n); f != txc.AbortedNow {
		t.Errorf("%v", f)
	}
	s.sync()
	if p := s.vote(elder); p.Vote != txc.Yes {
		t.Errorf("the elder: %v", p.Reason)
	}
	s.refused(s.do(x, get("a")), txc.CodeAbortOnly) // the abort was the end of it
	s.after(engine.LockWait)
	s.refused(waits, txc.CodeLockTimeout)
	s.refused(s.close(old), txc.CodeAbortOnly)
	if st := s.c.Stats(); st.Branches != 1 || st.Staged == 0 {
		t.Errorf("%+v", st)
	}
}

// Two branches that both read and then want to write: the younger one dies, the older one gets the lock.
func TestCallsThatWantToWriteWhatBothHaveRead(t *testing.T) {
	s := open(t, newDisk())
	old, young := tx{seq: 1, age: 1}, tx{seq: 2, age: 2}
	s.opens(old, get("k"))
	s.opens(young, get("k"))
	waits := s.do(old, put("k", "old"))
	if s.answered(waits) {
		t.Fatalf("%+v", s.vote(waits))
	}
	s.refused(s.do(young, put("k", "young")), txc.CodeConflict)
	if p := s.vote(waits); p.Vote != txc.Yes {
		t.Errorf("%v", p.Reason)
	}
	s.close(old)
	s.sync()
	n := s.commit(old)
	s.flush()
	if s.fate(n); s.value("k") != "old" {
		t.Errorf("k is %s", s.value("k"))
	}
}

func TestWhatCallsMayNotDo(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.refused(s.do(x, get("a")), txc.CodeAbortOnly)
	s.refused(s.close(x), txc.CodeAbortOnly)
	foreign := x.branch()
	foreign.Participant = "bank-b"
	s.n++
	s.step(&engine.Begin{N: s.n, Branch: foreign})
	if err := s.reply(s.n).Err; !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("a branch of another participant: %v", err)
	}
	s.opens(x, get("a"))
	s.refused(s.begin(x), txc.CodeAbortOnly) // and it stays
	for says, n := range map[string]uint64{"commit": s.commit(x), "shipped": s.prepare(x, get("a"))} {
		if s.reply(n).Err == nil {
			t.Errorf("%s of an open branch: %+v", says, s.reply(n))
		}
	}
	s.refused(s.do(x, add("a", 1), engine.Op{Kind: engine.Add, Key: []byte("a"), By: -5, HasMin: true}), txc.CodeRefused)
	s.refused(s.close(x), txc.CodeAbortOnly)
	x.seq++
	s.opens(x, get("a"))
	s.refused(s.do(x, put("", "no key")), txc.CodeBadWork)
	x.seq++
	s.opens(x, get("a"))
	for i := range engine.MaxOps - 1 {
		s.do(x, get(fmt.Sprint("k", i)))
	}
	s.refused(s.do(x, get("one more")), txc.CodeBadWork)
	x.seq++
	s.opens(x, get("a"))
	for range 4 {
		n := s.do(x, put("big", strings.Repeat("x", engine.MaxValue-100)))
		if p := s.vote(n); p.Vote != txc.Yes {
			t.Fatalf("%v", p.Reason)
		}
	}
	s.refused(s.do(x, put("big", strings.Repeat("x", 1000))), txc.CodeBadWork)
	if st := s.c.Stats(); st.Branches != 0 || st.Locks != 0 || st.Staged != 0 {
		t.Errorf("%+v is left", st)
	}
	// A branch that has ended here is not opened again.
	x.seq++
	s.apply(x, put("a", "1"))
	s.refused(s.begin(x), txc.CodeStore)
	s.step(&engine.Room{Low: true})
	x.seq++
	s.opens(x, put("a", "2"))
	s.refused(s.close(x), txc.CodeNotDurable)
}

func TestCallsEndInTime(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.n++
	s.step(&engine.Begin{N: s.n, Branch: x.branch(), Deadline: s.now.Add(time.Second)})
	s.do(x, put("a", "1"))
	holder := tx{seq: 9, age: 9}
	s.opens(holder, put("b", "1"))
	waits := s.do(x, get("b"))
	s.step(&engine.Cancel{Name: x.name()}) // the caller has given up
	s.refused(waits, txc.CodeCancelled)
	x.seq++
	s.n++
	s.step(&engine.Begin{N: s.n, Branch: x.branch(), Deadline: s.now.Add(time.Second)})
	s.do(x, put("a", "1"))
	s.step(&engine.Cancel{Name: x.name()}) // of a call that is answered: too late
	s.after(time.Second)
	s.refused(s.do(x, put("a", "2")), txc.CodeDeadline)
	s.n++
	x.seq++
	s.opens(x, put("a", "1"))
	s.step(&engine.Ask{N: s.n + 1, Request: participant.Request{Verb: participant.VerbPrepare, Branch: x.branch(), Joined: true, Deadline: s.now}})
	s.n++
	s.refused(s.n, txc.CodeDeadline)
	s.step(&engine.Shut{})
	s.refused(s.do(holder, get("b")), txc.CodeAbortOnly)
	if st := s.c.Stats(); st.Branches != 0 || st.Locks != 0 || st.Staged != 0 {
		t.Errorf("%+v is left", st)
	}
}

// What calls have only read is released with a vote that may, and held with one that may not.
func TestVotesOfCalls(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1, free: true}
	s.opens(x, get("a"))
	if p := s.vote(s.close(x)); p.Vote != txc.ReadOnly {
		t.Errorf("%+v", p)
	}
	x = tx{seq: 2, age: 2}
	s.opens(x, get("a"))
	n := s.close(x)
	s.sync()
	if p := s.vote(n); p.Vote != txc.Held {
		t.Errorf("%+v", p)
	}
	again := s.close(x) // P4
	if p := s.vote(again); p.Vote != txc.Held {
		t.Errorf("again: %+v", p)
	}
	x = tx{seq: 3, age: 3}
	s.n++
	s.step(&engine.Begin{N: s.n, Branch: x.branch()})
	n = s.close(x) // no call did anything
	s.sync()
	if p := s.vote(n); p.Vote != txc.Held {
		t.Errorf("of nothing: %+v", p)
	}
}

// An open branch may stay for long, and its calls may read much: what they have read went to them.
func TestWhatCallsReadIsNotKept(t *testing.T) {
	s := open(t, newDisk())
	s.apply(tx{seq: 1, age: 1}, put("a", "1"))
	x := tx{seq: 2, age: 2}
	s.opens(x, put("b", "2"))
	before := s.d.reads
	for range 3 {
		s.reads(s.do(x, get("a")), "1")
		s.reads(s.do(x, get("b")), "2")
	}
	if n := s.d.reads - before; n != 3 {
		t.Errorf("%d reads of the store, want one for each time that a was read, none for b", n)
	}
}

// P1: nothing of a branch outlives its process before it has promised, so nothing of it can be promised afterwards.
func TestAnOpenBranchEndsWithItsProcess(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 2, age: 2}
	s.opens(x, put("a", "1"), get("r"))
	s.reopen()
	s.refused(s.do(x, get("a")), txc.CodeAbortOnly)
	s.refused(s.close(x), txc.CodeAbortOnly)
	if st := s.c.Stats(); st.Branches != 0 || st.Locks != 0 || s.value("a") != "-" {
		t.Errorf("%+v is left, and a is %s", st, s.value("a"))
	}
}

func TestOpenBranchesHaveABound(t *testing.T) {
	s := open(t, newDisk())
	for i := range engine.MaxOpened {
		if p := s.vote(s.begin(tx{seq: uint64(i) + 1, age: 1})); p.Vote != txc.Yes {
			t.Fatalf("%d: %v", i, p.Reason)
		}
	}
	s.refused(s.begin(tx{seq: 1_000_000, age: 1}), txc.CodeBusy)
	s.abort(tx{seq: 1})
	if p := s.vote(s.begin(tx{seq: 1_000_000, age: 1})); p.Vote != txc.Yes {
		t.Errorf("%v", p.Reason)
	}
	s.close(tx{seq: 2})
	if p := s.vote(s.begin(tx{seq: 1_000_001, age: 1})); p.Vote != txc.Yes {
		t.Errorf("when one is promised: %v", p.Reason)
	}
}
