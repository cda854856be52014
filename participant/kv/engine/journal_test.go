package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// shortJournal is so short that every batch or so moves something out of it.
const shortJournal = 300

// items is what a batch says of branches in the journal.
func items(t testing.TB, b *engine.Batch) (all []string) {
	t.Helper()
	for _, p := range b.Pairs {
		if p.Key[0] == 'j' && !p.Gone {
			said, _, err := engine.Items(p.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, said...)
		}
	}
	return all
}

// rows lists the keys of a space.
func (d *disk) rows(space string) (keys []string) {
	for _, k := range slices.Sorted(maps.Keys(d.cache)) {
		if strings.HasPrefix(k, space) {
			keys = append(keys, k)
		}
	}
	return keys
}

// refuse has the batch that is handed out certainly not be written.
func (s *store) refuse() {
	s.t.Helper()
	b := s.batch
	s.batch = nil
	s.step(&engine.NotWritten{Ticket: b.Ticket, Err: errDisk})
	s.after(engine.RetryDelay)
}

// P1, P7, H2: a promise ends as it should wherever it stands: in the journal, in a row of its own because it is long,
// moved out of the journal, or moving out of it with the batch that ends it; after a batch that was not written, too;
// and it has ended for good.
func TestEndsWhereverThePromiseStands(t *testing.T) {
	x := tx{seq: 1, age: 1}
	places := []struct {
		says    string
		journal int
		value   string
		before  bool // another batch comes between promise and end
		own     int  // rows of its own
	}{
		{says: "in the journal", value: "1"},
		{says: "long", value: strings.Repeat("1", engine.MaxPacked), own: 1},
		{says: "moves while it ends", journal: 1, value: "1"},
		{says: "moved", journal: 1, value: "1", before: true, own: 1},
	}
	ends := []struct {
		says          string
		end           func(s *store)
		applied       bool
		commit, abort txc.Fate
		settled       int
	}{
		{"committed", func(s *store) { s.commit(x) }, true, txc.CommittedBefore, txc.CommittedBefore, 0},
		{"aborted", func(s *store) { s.abort(x) }, false, txc.NeverPrepared, txc.AbortedNow, 0},
		{"settled as committed", func(s *store) { s.settle(x, txc.Committed) }, true, txc.CommittedBefore, txc.CommittedBefore, 1},
		{"settled as aborted", func(s *store) { s.settle(x, txc.Aborted) }, false, txc.AbortedBefore, txc.AbortedNow, 1},
	}
	for _, p := range places {
		for _, e := range ends {
			for _, how := range []string{"", ", not written at first", ", after a power loss"} {
				t.Run(p.says+", "+e.says+how, func(t *testing.T) {
					s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: p.journal}}
					s.reopen()
					s.promise(tx{seq: 7, age: 7}, put("other", "1")) // keeps the front
					s.promise(x, put("k", p.value), get("r"))
					if p.before {
						s.promise(tx{seq: 8, age: 8}, put("another", "1"))
					}
					if strings.HasSuffix(how, "loss") {
						s.d.powerLoss()
						s.reopen()
					}
					own := 0
					for _, k := range s.d.rows("i") {
						if n := x.name(); strings.HasSuffix(k, string([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, byte(n.Mark)})) {
							own++
						}
					}
					if own != p.own {
						t.Fatalf("the promise has %d rows of its own", own)
					}
					e.end(s)
					s.after(engine.ApplyDelay)
					if strings.HasSuffix(how, "first") {
						s.refuse()
					}
					s.flush()
					check := func(settled int) {
						t.Helper()
						s.ended(x, e.applied, p.value, e.commit, e.abort, settled)
					}
					for range 2 {
						check(e.settled)
						s.d.powerLoss()
						s.reopen()
					}
					s.reconcile(x)
					for i := range 6 { // the journal goes on, and forgets
						check(0)
						s.promise(tx{seq: 20 + uint64(i), age: 9}, put(fmt.Sprint(i), "1"))
						s.d.powerLoss()
						s.reopen()
					}
				})
			}
		}
	}
}

// ended wants a branch to have ended so, and nothing else to have changed.
func (s *store) ended(x tx, applied bool, value string, commit, abort txc.Fate, settled int) {
	s.t.Helper()
	if !applied {
		value = "-"
	}
	if s.value("k") != value {
		s.t.Fatal("its value is not there, or it is")
	}
	for _, h := range s.c.Locks() {
		if string(h.Key) == "k" || string(h.Key) == "r" {
			s.t.Fatalf("%q is locked", h.Key)
		}
	}
	found := 0
	for _, d := range s.c.InDoubt() {
		if d.ID == x.branch().ID {
			found++
			if d.Settled == 0 {
				s.t.Fatal("in doubt again")
			}
		}
	}
	if found != settled {
		s.t.Fatalf("settlements: %d", found)
	}
	if c, a := s.fate(s.commit(x)), s.fate(s.abort(x)); c != commit || a != abort {
		s.t.Fatalf("commit %v, abort %v", c, a)
	}
}

// An end stays as long as the promise that it ends, and the journal goes as soon as nothing of it counts.
func TestJournalGoesFromTheFront(t *testing.T) {
	s := open(t, newDisk())
	a, b, x := tx{seq: 1, age: 1}, tx{seq: 2, age: 2}, tx{seq: 3, age: 3}
	s.promise(a, put("a", "1"))
	s.promise(b, put("b", "1"))
	s.abort(b)
	s.flush()
	s.apply(x, put("x", "1"))
	s.after(engine.DropDelay)
	s.sync()
	if n := len(s.d.rows("j")); n != 5 {
		t.Fatalf("%d rows: one for each batch that says something", n)
	}
	s.reopen()
	if in := s.c.InDoubt(); len(in) != 1 || in[0].ID != a.branch().ID {
		t.Fatalf("in doubt: %+v", in)
	}
	s.abort(a)
	s.flush()
	s.after(engine.DropDelay)
	s.sync()
	if n := len(s.d.rows("j")); n != 2 {
		t.Errorf("%d rows: that of the proof, and the one behind it", n)
	}
	s.d.powerLoss()
	s.reopen()
	if all := s.c.Committed(txc.ID{}); len(all) != 1 || len(s.c.InDoubt()) != 0 {
		t.Fatalf("proofs %v", all)
	}
	s.step(&engine.Forget{Below: tx{seq: 9}.branch().ID})
	s.after(engine.DropDelay)
	s.sync()
	if rows := slices.Concat(s.d.rows("j"), s.d.rows("i"), s.d.rows("t")); len(rows) != 0 || !s.c.Quiet() {
		t.Errorf("left: %q", rows)
	}
	if _, ok := s.c.Next(); ok {
		t.Error("it has plans")
	}
	s.reopen()
	s.promise(a, put("a", "1"))
}

// The journal has a bound, whatever keeps it: an old promise, and a watermark that stands still.
func TestJournalIsBounded(t *testing.T) {
	const bound, many = 2_000, 200
	s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: bound}}
	s.reopen()
	old := tx{seq: 1000, age: 1}
	s.promise(old, put("old", "1"))
	for i := uint64(1); i <= many; i++ {
		s.apply(tx{seq: i, age: i}, put("k", "v"))
		bytes := 0
		for _, k := range s.d.rows("j") {
			bytes += len(s.d.cache[k])
		}
		if bytes > bound+200 {
			t.Fatalf("a journal of %d bytes", bytes)
		}
	}
	for range 2 {
		s.d.powerLoss()
		s.reopen()
		if in := s.c.InDoubt(); len(in) != 1 || len(s.d.rows("i")) != 1 || s.fate(s.commit(tx{seq: 7})) != txc.CommittedBefore {
			t.Fatalf("in doubt: %+v", in)
		}
		if n := len(s.c.Committed(txc.ID{})); n != many {
			t.Fatalf("%d proofs", n)
		}
	}
	s.commit(old)
	s.flush()
	s.step(&engine.Forget{Below: tx{seq: 2000}.branch().ID})
	for range 3 {
		s.after(engine.DropDelay)
		s.sync()
	}
	if rows := slices.Concat(s.d.rows("j"), s.d.rows("i"), s.d.rows("t")); len(rows) != 0 {
		t.Errorf("left: %q", rows)
	}
}

// One row has a bound, so that whatever it holds finds room in one batch when it moves.
func TestRowsOfTheJournalAreBounded(t *testing.T) {
	for _, value := range []string{"v", strings.Repeat("v", engine.MaxPacked-200)} {
		s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: 1}}
		s.reopen()
		for i := uint64(1); i <= 3000; i++ {
			s.prepare(tx{seq: i, age: i}, put(fmt.Sprint(i), value))
		}
		for s.batch != nil {
			b := s.batch
			s.batch = nil
			bytes := 0
			for _, p := range b.Pairs {
				bytes += len(p.Key) + len(p.Value)
				if p.Key[0] == 'j' && len(p.Value) > engine.MaxRow {
					t.Fatalf("a row of %d bytes", len(p.Value))
				}
			}
			if n := len(items(t, b)); n > engine.MaxItems || len(b.Pairs) > engine.MaxBatchPairs+2 || bytes > engine.MaxBatchBytes+1000 {
				t.Fatalf("%d items, %d pairs, %d bytes", n, len(b.Pairs), bytes)
			}
			s.d.write(b)
			s.d.sync(b)
			s.step(&engine.Written{Ticket: b.Ticket})
		}
		s.d.powerLoss()
		s.reopen()
		if n := len(s.c.InDoubt()); n != 3000 {
			t.Fatalf("%d in doubt", n)
		}
	}
}

// P5: a proof that is forgotten while it moves to a row of its own leaves none.
func TestForgottenWhileItMoves(t *testing.T) {
	s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: 1}}
	s.reopen()
	s.apply(tx{seq: 1, age: 1}, put("k", "v"))
	s.prepare(tx{seq: 2, age: 2}, put("l", "v"))
	if s.batch == nil {
		t.Fatal("nothing moves")
	}
	s.step(&engine.Forget{Below: tx{seq: 2}.branch().ID})
	s.sync()
	if len(s.d.rows("t")) != 1 {
		t.Fatal("it did not move")
	}
	s.after(engine.DropDelay)
	s.sync()
	if n := len(s.d.rows("t")); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A store that was made before there was a journal has a row for each promise and each proof, and is read.
func TestOlderStoresAreRead(t *testing.T) {
	d := newDisk()
	m := participant.Memory{Instance: [16]byte{7}, Stamp: 9}
	x, ended := tx{seq: 1, age: 1}, tx{seq: 2, age: 2}
	name := func(space string, seq byte) string {
		return space + string([]byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, seq, 0, 0, 0, 0, 0, 0, 0, 42})
	}
	d.cache["mmemory"] = string(engine.WriteMemory(engine.NewMemory(m, 0, 0)))
	d.cache[name("i", 1)] = string(engine.WriteIntent(&engine.Intent{Members: []string{bank}, Age: 1, Since: start, Writes: []engine.Write{{Key: []byte("k"), Value: []byte("1")}}}))
	d.cache[name("t", 2)] = string([]byte{1, byte(txc.CommittedBefore)})
	d.durable = maps.Clone(d.cache)
	s := open(t, d)
	if s.fate(s.commit(ended)) != txc.CommittedBefore || s.c.Memory().Stamp != 9 {
		t.Error("the proof is lost")
	}
	n := s.commit(x)
	s.flush()
	if s.fate(n) != txc.CommittedNow || s.value("k") != "1" || len(d.rows("i")) != 0 {
		t.Errorf("fate %v, k=%s", s.fate(n), s.value("k"))
	}
}

// A journal that is not what the last batch left is refused: an end that is missing would bring a promise back to life.
func TestStrangeJournalsAreRefused(t *testing.T) {
	key := func(n uint64) string { return string(engine.JournalKey(n)) }
	for says, change := range map[string]func(d *disk){
		"without its first row": func(d *disk) { delete(d.cache, key(1)) },
		"without a row between": func(d *disk) { delete(d.cache, key(2)) },
		"without its last row":  func(d *disk) { delete(d.cache, key(3)) },
		"with one more":         func(d *disk) { d.cache[key(4)] = d.cache[key(3)] },
		"promised twice":        func(d *disk) { d.cache[key(2)] = d.cache[key(1)] },
		"a key too long":        func(d *disk) { d.cache[key(2)+"x"] = d.cache[key(2)] },
		"beside a row of its own": func(d *disk) {
			d.cache["i"+d.cache[key(1)][2:26]] = string(engine.WriteIntent(&engine.Intent{Since: start}))
		},
		"settled in the journal": func(d *disk) {
			n := &engine.Intent{Since: start, Settled: &participant.Settlement{Outcome: txc.Aborted, When: start}}
			row := engine.WriteIntent(n)
			d.cache[key(1)] = d.cache[key(1)][:26] + string([]byte{byte(len(row))}) + string(row)
		},
	} {
		t.Run(says, func(t *testing.T) {
			s := open(t, newDisk())
			for i := uint64(1); i <= 3; i++ {
				s.promise(tx{seq: i, age: i}, put(fmt.Sprint(i), "v"))
			}
			if _, _, err := engine.Open(engine.Options{Instance: [16]byte{7}}, s.d); err != nil {
				t.Fatal(err)
			}
			change(s.d)
			refusedOpen(t, s.d, [16]byte{7})
		})
	}
	t.Run("gone when something moves out of it", func(t *testing.T) {
		s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: 1}}
		s.reopen()
		s.promise(tx{seq: 1, age: 1}, put("k", "v"))
		delete(s.d.cache, key(1))
		if r := s.reply(s.prepare(tx{seq: 2, age: 2}, put("l", "v"))); !errors.Is(r.Err, txc.ErrRefused) || s.stop == nil {
			t.Errorf("%+v, stop %v", r, s.stop)
		}
	})
}
