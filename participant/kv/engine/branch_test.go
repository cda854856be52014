package engine_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func TestVotes(t *testing.T) {
	rows := []struct {
		says string
		x    tx
		ops  []engine.Op
		want txc.Vote
		kept bool // a promise is in doubt
	}{
		{"what writes is promised", tx{seq: 1, age: 1}, []engine.Op{put("k", "v")}, txc.Yes, true},
		{"what writes is promised, may it release or not (S1)", tx{seq: 1, age: 1, free: true}, []engine.Op{get("k"), put("k", "v")}, txc.Yes, true},
		{"what only reads is held (S1)", tx{seq: 1, age: 1}, []engine.Op{get("k"), missing("k")}, txc.Held, true},
		{"what only reads and may release is read-only (S1)", tx{seq: 1, age: 1, free: true}, []engine.Op{get("k")}, txc.ReadOnly, false},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			n := s.prepare(r.x, r.ops...)
			if r.kept && s.answered(n) {
				t.Fatal("promised before anything was written (P1)")
			}
			s.sync()
			if p := s.vote(n); p.Vote != r.want {
				t.Fatalf("vote %v, want %v", p.Vote, r.want)
			}
			if in := s.c.InDoubt(); (len(in) == 1) != r.kept {
				t.Errorf("in doubt: %v", in)
			}
			if !r.kept && s.c.Stats().Locks != 0 {
				t.Error("a read-only vote left locks")
			}
		})
	}
}

// P1: a promise is told only once its batch is durable, and it has everything that a commit after a power loss needs.
func TestPromiseSurvivesPowerLoss(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 77}
	p := s.promise(x, put("a", "1"), add("n", 5), del("gone"), get("read"), missing("absent"))
	s.d.powerLoss()
	s.reopen()
	in := s.c.InDoubt()
	if len(in) != 1 || in[0].ID != x.branch().ID || in[0].Mark != 42 || in[0].Age != 77 || len(in[0].Members) != 2 ||
		in[0].Since.UnixMilli() != start.UnixMilli() || string(in[0].Evidence) != string(p.Evidence) {
		t.Fatalf("in doubt after restart: %+v", in)
	}
	if m := s.c.Memory(); m.Stamp != 1 || len(m.Seen) != 1 || m.Seen[0] != x.branch().Seen || m.Instance != [16]byte{7} {
		t.Errorf("memory after restart: %+v", m)
	}
	n := s.commit(x)
	s.flush()
	if f := s.fate(n); f != txc.CommittedNow {
		t.Fatalf("fate %v", f)
	}
	if got := s.value("a") + s.value("n") + s.value("gone"); got != "15-" {
		t.Errorf("values %q", got)
	}
}

// P1, P10, S1: every lock of a promise is there again after a restart: writes, reads, absent keys.
func TestLocksSurviveRestart(t *testing.T) {
	s := open(t, newDisk())
	s.promise(tx{seq: 1, age: 1}, put("written", "1"), get("read"), missing("absent"), del("deleted"))
	s.promise(tx{seq: 2, age: 2}, get("held"))
	for _, restart := range []bool{false, true} {
		if restart {
			s.d.powerLoss()
			s.reopen()
		}
		for _, key := range []string{"written", "read", "absent", "deleted", "held"} {
			s.n++
			n := s.prepare(tx{seq: 100 + s.n, age: 100}, put(key, "x"))
			s.after(engine.Grace)
			s.refused(n, txc.CodeConflict)
		}
		for key, locked := range map[string]bool{"written": true, "deleted": true, "read": false, "absent": false} {
			s.n++
			n := s.prepare(tx{seq: 100 + s.n, age: 100, free: true}, get(key))
			if s.answered(n) == locked {
				t.Errorf("restart %v: reader of %s goes on: %v", restart, key, !locked)
			}
			s.after(engine.Grace)
		}
		if got := s.c.Stats().Locks; got != 5 {
			t.Errorf("restart %v: %d locks", restart, got)
		}
	}
	s.commit(tx{seq: 1, age: 1})
	s.commit(tx{seq: 2, age: 2})
	s.flush()
	if st := s.c.Stats(); st.Locks != 0 || st.InDoubt != 0 || st.Staged != 0 {
		t.Errorf("left over: %+v", st)
	}
}

// S3: a promise keeps its age over a restart: an older one still waits for it, not only for a moment.
func TestAgeSurvivesRestart(t *testing.T) {
	s := open(t, newDisk())
	s.promise(tx{seq: 1, age: 50}, put("k", "1"))
	s.reopen()
	n := s.prepare(tx{seq: 2, age: 49}, put("k", "2"))
	s.after(engine.LockWait - 1)
	if s.answered(n) {
		t.Errorf("%v", s.vote(n).Reason)
	}
}

// C6: the witness is kept in the same step as a promise and as an applied commit.
func TestWitnessGoesWithCommits(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.promise(x, put("k", "1"))
	b := x.branch()
	b.Seen.LSN = 900
	s.n++
	s.step(&engine.Ask{N: s.n, Request: participant.Request{Verb: participant.VerbCommit, Branch: b}})
	s.flush()
	s.d.powerLoss()
	s.reopen()
	if got := s.c.Memory().Seen; len(got) != 1 || got[0].LSN != 900 {
		t.Errorf("witnesses %v", got)
	}
}

// P11: committed is answered, and locks go, only when the applied commit and its proof are durable.
func TestCommitIsHeardOnlyWhenDurable(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.promise(x, put("k", "v"))
	n := s.commit(x)
	reader := s.prepare(tx{seq: 2, age: 0, free: true}, get("k"))
	s.after(engine.ApplyDelay)
	if s.batch == nil {
		t.Fatal("the commit was not written")
	}
	s.d.write(s.batch) // in the page cache, not synced
	s.step()
	if s.answered(n) || s.answered(reader) {
		t.Fatal("told, or released, before it was durable")
	}
	if len(s.c.InDoubt()) != 1 {
		t.Error("no longer in doubt before it was durable")
	}
	s.d.powerLoss()
	s.reopen()
	if s.value("k") != "-" || len(s.c.InDoubt()) != 1 {
		t.Fatal("the lost commit is there, or its promise is not")
	}
	n = s.commit(x)
	s.flush()
	if f := s.fate(n); f != txc.CommittedNow || s.value("k") != "v" {
		t.Errorf("fate %v, value %s", f, s.value("k"))
	}
}

// P10: what a crash left in the page cache alone is written again before it is relied on.
func TestWhatWasReplayedIsSynced(t *testing.T) {
	rows := []struct {
		says  string
		until func(s *store) // ends with a batch handed out
		check func(t *testing.T, s *store)
	}{
		{"a promise", func(s *store) { s.prepare(tx{seq: 1, age: 1}, put("k", "v")) }, func(t *testing.T, s *store) {
			if len(s.c.InDoubt()) != 1 {
				t.Error("the promise is gone")
			}
		}},
		{"a commit: data, proof, and the intent's removal", func(s *store) {
			s.apply(tx{seq: 9, age: 1}, put("old", "v"))
			s.promise(tx{seq: 1, age: 1}, put("k", "v"), del("old"))
			s.commit(tx{seq: 1, age: 1})
		}, func(t *testing.T, s *store) {
			if s.value("k") != "v" || s.value("old") != "-" || len(s.c.InDoubt()) != 0 {
				t.Errorf("k=%s old=%s, in doubt %v", s.value("k"), s.value("old"), s.c.InDoubt())
			}
			if f := s.fate(s.commit(tx{seq: 1})); f != txc.CommittedBefore {
				t.Errorf("fate %v", f)
			}
		}},
		{"a rollback", func(s *store) {
			s.promise(tx{seq: 1, age: 1}, put("k", "v"))
			s.abort(tx{seq: 1, age: 1})
		}, func(t *testing.T, s *store) {
			if len(s.c.InDoubt()) != 0 {
				t.Error("the promise is back")
			}
		}},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			s := open(t, newDisk())
			r.until(s)
			s.after(engine.ApplyDelay)
			s.d.write(s.batch) // the process dies between write and sync
			s.reopen()
			r.check(t, s) // readable now, so it may be relied on
			s.d.powerLoss()
			s.reopen()
			r.check(t, s)
		})
	}
}
