package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// P7: of a branch that is not promised, only what the store can prove is told.
func TestFatesNeedProof(t *testing.T) {
	s := open(t, newDisk())
	committed, aborted, unknown := tx{seq: 1, age: 1}, tx{seq: 2, age: 1}, tx{seq: 3, age: 1}
	s.apply(committed, put("a", "1"))
	s.promise(aborted, put("b", "1"))
	n := s.abort(aborted)
	if s.answered(n) {
		t.Error("aborted is told before it is durable")
	}
	s.flush()
	if f := s.fate(n); f != txc.AbortedNow {
		t.Errorf("abort: %v", f)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			s.d.powerLoss()
			s.reopen()
		}
		rows := []struct {
			says     string
			verb     participant.Verb
			x        tx
			evidence []byte
			want     txc.Fate
		}{
			{"a repeated commit", participant.VerbCommit, committed, nil, txc.CommittedBefore},
			{"an abort after commit", participant.VerbAbort, committed, nil, txc.CommittedBefore},
			{"a commit of what never was", participant.VerbCommit, unknown, nil, txc.NeverPrepared},
			{"a commit of what was promised and is gone", participant.VerbCommit, unknown, []byte{1}, txc.Hazard},
			{"a commit after abort has no proof", participant.VerbCommit, aborted, nil, txc.NeverPrepared},
			{"an abort of what never was", participant.VerbAbort, unknown, nil, txc.AbortedNow},
			{"a repeated abort", participant.VerbAbort, aborted, nil, txc.AbortedNow},
		}
		for _, r := range rows {
			if f := s.fate(s.ask(r.verb, r.x, nil, r.evidence)); f != r.want {
				t.Errorf("%s (restarted %v): %v, want %v", r.says, restart, f, r.want)
			}
		}
	}
	if p := s.vote(s.prepare(committed, put("a", "2"))); p.Vote != txc.No {
		t.Errorf("prepare after the end: %v", p.Vote)
	}
}

// P4: a repeated Prepare gets the same vote and executes nothing; a repeated Commit while the first is being written
// is told the same once it is durable.
func TestRepeatsExecuteNothing(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.promise(x, add("n", 1))
	if p := s.vote(s.prepare(x, add("n", 1))); p.Vote != txc.Yes || len(p.Evidence) == 0 {
		t.Errorf("repeated prepare: %+v", p)
	}
	first, second := s.commit(x), s.commit(x)
	s.flush()
	if s.fate(first) != txc.CommittedNow || s.fate(second) != txc.CommittedBefore || s.value("n") != "1" {
		t.Errorf("fates %v, %v; n=%s", s.fate(first), s.fate(second), s.value("n"))
	}
}

// P3: until its write is issued a promise can be taken back, then only the write counts.
func TestAbortWhilePreparing(t *testing.T) {
	x := tx{seq: 2, age: 1}
	rows := []struct {
		says  string
		until func(s *store) uint64
		vote  txc.Vote
	}{
		{"while it waits for a lock", func(s *store) uint64 {
			s.promise(tx{seq: 1, age: 9}, put("k", "1"))
			return s.prepare(x, put("k", "2"))
		}, txc.No},
		{"while its promise waits to be written", func(s *store) uint64 {
			s.prepare(tx{seq: 1, age: 9}, put("other", "1")) // its batch is under way
			return s.prepare(x, put("k", "2"))
		}, txc.No},
		{"while its promise is being written", func(s *store) uint64 { return s.prepare(x, put("k", "2")) }, txc.No},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			n := r.until(s)
			a := s.abort(x)
			s.flush()
			if v := s.vote(n).Vote; v != r.vote || s.fate(a) != txc.AbortedNow {
				t.Errorf("vote %v, abort %v", v, s.fate(a))
			}
			s.d.powerLoss()
			s.reopen()
			for _, d := range s.c.InDoubt() {
				if d.ID == x.branch().ID {
					t.Error("a certain No is in doubt after a restart")
				}
			}
		})
	}
}

// P3: a caller's end cancels what was not issued, and nothing else.
func TestCancel(t *testing.T) {
	s := open(t, newDisk())
	x, y := tx{seq: 1, age: 1}, tx{seq: 2, age: 2}
	n, m := s.prepare(x, put("a", "1")), s.prepare(y, put("b", "1"))
	s.step(&engine.Cancel{Name: x.name()}, &engine.Cancel{Name: y.name()})
	s.refused(m, txc.CodeCancelled)
	s.sync()
	if v := s.vote(n).Vote; v != txc.Yes {
		t.Errorf("issued: %v", v)
	}
}

func TestDeadlines(t *testing.T) {
	s := open(t, newDisk())
	ask := func(x tx, left time.Duration, op engine.Op) uint64 {
		s.n++
		s.step(&engine.Ask{N: s.n, Request: participant.Request{
			Verb: participant.VerbPrepare, Branch: x.branch(), Work: work(t, op), Deadline: s.now.Add(left)}})
		return s.n
	}
	s.refused(ask(tx{seq: 1, age: 1}, 0, put("a", "1")), txc.CodeDeadline)

	s.promise(tx{seq: 2, age: 9}, put("a", "1"))
	waiting := ask(tx{seq: 3, age: 1}, 300*time.Millisecond, put("a", "1"))
	s.after(299 * time.Millisecond)
	if s.answered(waiting) {
		t.Fatal("refused before its time")
	}
	if at, ok := s.c.Next(); !ok || !at.Equal(s.now.Add(time.Millisecond)) {
		t.Errorf("next step at %v, %v", at.Sub(s.now), ok)
	}
	s.after(time.Millisecond)
	s.refused(waiting, txc.CodeDeadline)

	s.prepare(tx{seq: 4, age: 4}, put("b", "1")) // its batch is under way
	staged := ask(tx{seq: 5, age: 5}, time.Second, put("c", "1"))
	s.now = s.now.Add(time.Second)
	s.sync()
	s.refused(staged, txc.CodeDeadline)
	if s.c.Stats().Locks != 2 {
		t.Errorf("%d locks", s.c.Stats().Locks)
	}
}

// P12: the stamp grows with each promise and each applied commit, and never falls.
func TestStamp(t *testing.T) {
	s := open(t, newDisk())
	for i := uint64(1); i <= 3; i++ {
		s.apply(tx{seq: i, age: i}, put("k", "v"))
		if got := s.c.Memory().Stamp; got != 2*i {
			t.Errorf("after %d commits: stamp %d", i, got)
		}
	}
	s.prepare(tx{seq: 9, age: 9}, put("k", "v"))
	if got := s.c.Stamp(); got != 6 {
		t.Errorf("a stamp is shown before it is durable: %d", got)
	}
	s.d.powerLoss()
	s.reopen()
	if got := s.c.Memory().Stamp; got != 6 {
		t.Errorf("after a restart: %d", got)
	}
}

func TestForeignBranchesAreRefused(t *testing.T) {
	s := open(t, newDisk())
	for _, change := range []func(b *participant.Branch){
		func(b *participant.Branch) { b.Cluster = "other" }, func(b *participant.Branch) { b.Participant = "bank-b" },
	} {
		b := tx{seq: 1}.branch()
		change(&b)
		s.n++
		s.step(&engine.Ask{N: s.n, Request: participant.Request{Verb: participant.VerbAbort, Branch: b}})
		if err := s.reply(s.n).Err; !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%s: %v", b.Name(), err)
		}
	}
}
