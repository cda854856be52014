package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// What comes while a batch is written goes into the next one together.
func TestGroups(t *testing.T) {
	s := open(t, newDisk())
	first := s.prepare(tx{seq: 1, age: 1}, put("1", "v"))
	var rest []uint64
	for i := uint64(2); i < 50; i++ {
		rest = append(rest, s.prepare(tx{seq: i, age: i}, put(fmt.Sprint(i), "v")))
	}
	b := s.batch
	s.batch = nil
	s.d.write(b)
	s.d.sync(b)
	s.step(&engine.Written{Ticket: b.Ticket})
	if !s.answered(first) || s.answered(rest[0]) || len(s.batch.Pairs) != 3 || len(items(t, s.batch)) != len(rest) {
		t.Fatalf("second batch has %d pairs, and says %v", len(s.batch.Pairs), items(t, s.batch))
	}
	s.sync()
	for _, n := range rest {
		if s.vote(n).Vote != txc.Yes {
			t.Fatal("no promise")
		}
	}
}

// A batch takes what fits; the rest goes with the next ones, in order.
func TestBatchesAreBounded(t *testing.T) {
	s := open(t, newDisk())
	s.prepare(tx{seq: 1, age: 1}, put("first", "v"))
	var all []uint64
	for i := uint64(2); i < 40; i++ {
		all = append(all, s.prepare(tx{seq: i, age: i}, put(fmt.Sprint(i), strings.Repeat("v", engine.MaxValue))))
	}
	batches := 0
	for s.batch != nil {
		bytes := 0
		for _, p := range s.batch.Pairs {
			bytes += len(p.Key) + len(p.Value)
		}
		if bytes > engine.MaxBatchBytes {
			t.Errorf("batch of %d bytes", bytes)
		}
		batches++
		b := s.batch
		s.batch = nil
		s.d.write(b)
		s.d.sync(b)
		s.step(&engine.Written{Ticket: b.Ticket})
	}
	if batches < 4 {
		t.Errorf("%d batches", batches)
	}
	for _, n := range all {
		if s.vote(n).Vote != txc.Yes {
			t.Fatal("no promise")
		}
	}
}

// A commit waits a little for a promise to ride with, if one may come, and never longer.
func TestCommitRidesAlong(t *testing.T) {
	s := open(t, newDisk())
	alone := tx{seq: 1, age: 1}
	s.promise(alone, put("a", "1"))
	s.commit(alone)
	if s.batch == nil {
		t.Fatal("a commit waits, though nobody could give it company")
	}
	s.sync()
	for i := uint64(2); i <= 4; i++ {
		s.promise(tx{seq: i, age: i}, put(fmt.Sprint(i), "v"))
	}
	late := s.commit(tx{seq: 2, age: 2})
	if s.batch != nil {
		t.Fatal("a commit does not wait")
	}
	if at, ok := s.c.Next(); !ok || at.Sub(s.now) != engine.ApplyDelay {
		t.Errorf("next step in %v, %v", at.Sub(s.now), ok)
	}
	s.after(engine.ApplyDelay)
	s.sync()
	if s.fate(late) != txc.CommittedNow {
		t.Error("not committed in time")
	}
	s.commit(tx{seq: 3, age: 3})
	s.prepare(tx{seq: 5, age: 5}, put("5", "v"))
	if s.batch == nil || fmt.Sprint(items(t, s.batch)) != "[committed 3 promise 5]" {
		t.Errorf("the commit did not ride with the promise")
	}
}

// Certainly not written: promises are refused for certain; commits are tried again until they are there.
func TestNotWritten(t *testing.T) {
	s := open(t, newDisk())
	s.promise(tx{seq: 1, age: 1}, put("a", "1"))
	c := s.commit(tx{seq: 1, age: 1})
	batch := s.batch // the commit alone
	n := s.prepare(tx{seq: 2, age: 2}, put("b", "1"))
	fail := func() {
		b := s.batch
		s.batch = nil
		s.step(&engine.NotWritten{Ticket: b.Ticket, Err: errDisk})
	}
	fail()
	if s.answered(c) || s.answered(n) || s.batch != nil || batch == nil {
		t.Fatal("an answer, or another try at once")
	}
	s.after(engine.RetryDelay)
	fail() // now both are in it
	s.refused(n, txc.CodeNotDurable)
	s.after(engine.RetryDelay)
	s.sync()
	if s.fate(c) != txc.CommittedNow || s.value("a") != "1" || s.value("b") != "-" {
		t.Errorf("fate %v, a=%s, b=%s", s.fate(c), s.value("a"), s.value("b"))
	}
	if st := s.c.Stats(); st.Branches != 0 || st.Locks != 0 {
		t.Errorf("left over: %+v", st)
	}
}

// P11: after a write of unknown fate there is neither yes nor answer, nor any further work.
func TestLostWriteStops(t *testing.T) {
	s := open(t, newDisk())
	s.promise(tx{seq: 1, age: 1}, put("a", "1"))
	s.promise(tx{seq: 9, age: 1}, put("z", "1"))
	asked := []uint64{s.commit(tx{seq: 1, age: 1}), s.prepare(tx{seq: 2, age: 2}, put("b", "1")), s.prepare(tx{seq: 3, age: 0}, put("a", "2")),
		s.prepare(tx{seq: 4, age: 0}, put("c", "2")), s.abort(tx{seq: 2, age: 2}), s.commit(tx{seq: 1, age: 1})}
	s.step(&engine.Lost{Ticket: s.batch.Ticket, Err: errDisk})
	asked = append(asked, s.prepare(tx{seq: 5, age: 5}, put("d", "1")), s.commit(tx{seq: 9, age: 1}))
	for i, n := range asked {
		if r := s.reply(n); !errors.Is(r.Err, txc.ErrStopped) || !errors.Is(r.Err, errDisk) || r.Fate != 0 || r.Promise.Vote != 0 {
			t.Errorf("request %d: %+v", i, r)
		}
	}
	if !errors.Is(s.stop, txc.ErrStopped) || !s.c.Quiet() {
		t.Errorf("stop %v", s.stop)
	}
	if _, ok := s.c.Next(); ok {
		t.Error("it has plans")
	}
}

func TestUnreadableDiskStops(t *testing.T) {
	s := open(t, newDisk())
	s.d.fail = errDisk
	if r := s.reply(s.prepare(tx{seq: 1, age: 1}, get("a"))); !errors.Is(r.Err, errDisk) || !errors.Is(s.stop, errDisk) {
		t.Errorf("%+v, stop %v", r, s.stop)
	}
}

// A disk that is nearly full takes no promise, but all that was promised.
func TestLowDisk(t *testing.T) {
	s := open(t, newDisk())
	x := tx{seq: 1, age: 1}
	s.promise(x, put("a", "1"))
	s.step(&engine.Room{Low: true})
	s.refused(s.prepare(tx{seq: 2, age: 2}, put("b", "1")), txc.CodeNotDurable)
	s.refused(s.prepare(tx{seq: 3, age: 3}, get("b")), txc.CodeNotDurable)
	if v := s.vote(s.prepare(tx{seq: 4, age: 4, free: true}, get("b"))).Vote; v != txc.ReadOnly {
		t.Errorf("a read-only vote needs no room: %v", v)
	}
	n := s.commit(x)
	s.flush()
	if s.fate(n) != txc.CommittedNow {
		t.Error("not committed")
	}
	s.step(&engine.Room{})
	s.promise(tx{seq: 5, age: 5}, put("b", "1"))
}

// P5: proofs below the watermark go, save the exceptions; promises and settlements stay.
func TestForget(t *testing.T) {
	s := open(t, newDisk())
	for i := uint64(1); i <= 6; i++ {
		s.apply(tx{seq: i, age: i}, put("k", "v"))
	}
	s.promise(tx{seq: 7, age: 7}, put("p", "v"))
	s.step(&engine.Forget{Below: tx{seq: 9}.branch().ID, But: []txc.ID{tx{seq: 5}.branch().ID, tx{seq: 2}.branch().ID}})
	s.after(engine.DropDelay)
	s.sync()
	s.step(&engine.Forget{Below: txc.ID{Coordinator: 2, Epoch: 9, Sequence: 9}})
	for _, restart := range []bool{false, true} {
		if restart {
			s.d.powerLoss()
			s.reopen() // what shares the journal's rows with what is kept comes back
			s.step(&engine.Forget{Below: tx{seq: 9}.branch().ID, But: []txc.ID{tx{seq: 5}.branch().ID, tx{seq: 2}.branch().ID}})
		}
		var seqs []uint64
		for _, p := range s.c.Committed(txc.ID{}) {
			seqs = append(seqs, p.ID.Sequence)
		}
		if fmt.Sprint(seqs) != "[2 5]" || len(s.c.InDoubt()) != 1 {
			t.Errorf("restarted %v: proofs %v, in doubt %d", restart, seqs, len(s.c.InDoubt()))
		}
	}
	if got := s.c.Committed(tx{seq: 3}.branch().ID); len(got) != 1 || got[0].ID.Sequence != 5 || got[0].Mark != 42 {
		t.Errorf("at or above 3: %v", got)
	}
}

// P6, C6: witnesses are durable before Remember answers, and only ever rise; those of older openings stay as long as
// Remember names them.
func TestRemember(t *testing.T) {
	s := open(t, newDisk())
	seen := func(c, e uint32, mark, lsn uint64) participant.Seen {
		return participant.Seen{Coordinator: c, Epoch: e, Mark: mark, LSN: lsn}
	}
	remember := func(list ...participant.Seen) {
		s.n++
		s.step(&engine.Remember{N: s.n, Seen: list})
		if s.answered(s.n) {
			t.Fatal("answered before it was durable")
		}
		s.flush()
		if err := s.reply(s.n).Err; err != nil {
			t.Fatal(err)
		}
	}
	remember(seen(2, 1, 5, 10), seen(1, 3, 8, 1))
	remember(seen(1, 2, 9, 99), seen(2, 1, 5, 11), seen(1, 3, 7, 99))
	s.d.powerLoss()
	s.reopen()
	if got := fmt.Sprint(s.c.Memory().Seen); got != "[{1 2 9 99} {1 3 8 1} {2 1 5 11}]" {
		t.Errorf("witnesses %s", got)
	}
	remember(seen(1, 3, 8, 4))
	if got := fmt.Sprint(s.c.Memory().Seen); got != "[{1 3 8 4} {2 1 5 11}]" {
		t.Errorf("witnesses after the older one was judged: %s", got)
	}
}

func TestShut(t *testing.T) {
	s := open(t, newDisk())
	s.promise(tx{seq: 1, age: 9}, put("a", "1"))
	waiting := s.prepare(tx{seq: 2, age: 1}, put("a", "2"))
	n := s.commit(tx{seq: 1, age: 9})
	s.step(&engine.Shut{})
	s.refused(waiting, txc.CodeUnreachable)
	s.refused(s.prepare(tx{seq: 3, age: 3}, put("b", "2")), txc.CodeUnreachable)
	s.sync()
	if s.fate(n) != txc.CommittedNow || !s.c.Quiet() {
		t.Error("what was under way is not finished")
	}
}
