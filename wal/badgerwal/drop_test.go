package badgerwal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/waltest"
)

// aged is a log whose clock the test moves.
type aged struct {
	*testing.T
	store *store
	log   *badgerwal.Log
	rec   wal.Recovery
	now   time.Time
	next  uint64
}

func newAged(t *testing.T, age time.Duration, size int64) *aged {
	t.Helper()
	a := &aged{T: t, store: newStore(t), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	a.store.o.HistoryAge, a.store.o.HistorySize, a.store.o.CheckpointEvery = age, size, 2000
	a.open()
	t.Cleanup(func() {
		if err := a.log.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

func (a *aged) open() {
	a.Helper()
	log, rec, err := a.store.Open(7, func() time.Time { return a.now })
	if err != nil {
		a.Fatal(err)
	}
	a.log, a.rec = log.(*badgerwal.Log), rec
}

func (a *aged) kill() {
	a.Helper()
	if err := a.store.Kill(a.log); err != nil {
		a.Fatal(err)
	}
	a.open()
}

// write writes n transactions that end, in groups of 50 records.
func (a *aged) write(n int) {
	a.Helper()
	for range n / 25 {
		var recs []wal.Record
		for range 25 {
			id := a.id()
			recs = append(recs, wal.New(id, a.now, wal.CommitBody{Members: []wal.Member{{Participant: "bank-a"}}}), wal.New(id, a.now, wal.EndBody{}))
		}
		a.append(recs...)
	}
}

func (a *aged) id() txc.ID {
	a.next++
	return txc.ID{Coordinator: waltest.Number, Epoch: a.rec.Epoch, Sequence: a.next}
}

func (a *aged) append(recs ...wal.Record) {
	a.Helper()
	if _, err := a.log.Append(a.Context(), recs); err != nil {
		a.Fatal(err)
	}
}

// keyed writes one that ends, under a user's key.
func (a *aged) keyed(key string) txc.ID {
	a.Helper()
	id := a.id()
	a.append(wal.New(id, a.now, wal.CommitBody{Key: key, Digest: [16]byte{1}}), wal.New(id, a.now, wal.EndBody{}))
	return id
}

func (a *aged) oldest() (lsn uint64) {
	a.Helper()
	for r, err := range a.log.History(a.Context()) {
		if err != nil {
			a.Fatal(err)
		}
		lsn = r.LSN
	}
	return lsn
}

func (a *aged) find(id txc.ID, there bool) {
	a.Helper()
	r, _, ok, err := a.log.Find(id)
	if err != nil || ok != there || ok && r.ID != id {
		a.Fatalf("%v: %v %v", id, ok, err)
	}
}

func (a *aged) findKey(key string, id txc.ID, there bool) {
	a.Helper()
	got, ok, err := a.log.FindKey(key)
	if err != nil || ok != there || ok && got != id {
		a.Fatalf("%s: %v %v %v", key, got, ok, err)
	}
}

func (a *aged) verify() {
	a.Helper()
	if err := a.log.Close(a.Context()); err != nil {
		a.Fatal(err)
	}
	if rep, err := badgerwal.Verify(a.store.dir); err != nil {
		a.Fatalf("%+v %v", rep, err)
	}
	a.open()
}

// C4, C11: what is older than the span goes, the floor stays, and so does what is not finished.
func TestOldHistoryIsDroppedAndItsFloorIsKept(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	running := a.id()
	a.append(wal.New(running, a.now, wal.CommitBody{Key: "running"}))
	old, key := a.id(), a.keyed("old")
	a.append(wal.New(old, a.now, wal.CommitBody{}), wal.New(old, a.now, wal.EndBody{}))
	a.write(8000)
	if a.oldest() != 1 || !a.log.Floor().IsZero() {
		t.Fatal("young history was dropped")
	}
	before := a.id()
	a.now = a.now.Add(61 * time.Minute)
	a.write(6500)
	for range 3 {
		if first := a.oldest(); first < 8000 || first > 17000 {
			t.Fatal("the history begins at", first)
		}
		if floor := a.log.Floor(); floor.Compare(key) < 0 || floor.Compare(before) > 0 {
			t.Fatal("floor", floor)
		}
		a.find(old, false)
		a.find(key, false)
		a.findKey("old", txc.ID{}, false)
		a.find(running, true)
		if len(a.rec.Unfinished) > 1 {
			t.Fatal(a.rec.Unfinished)
		}
		a.kill()
		if len(a.rec.Unfinished) != 1 || a.rec.Unfinished[0].Commit.ID != running || a.rec.Floor != a.log.Floor() {
			t.Fatalf("%+v", a.rec)
		}
	}
	a.append(wal.New(running, a.now, wal.EndBody{}), wal.New(a.id(), a.now, wal.CommitBody{}))
	a.find(running, false)
	if a.log.Floor().Compare(running) < 0 {
		t.Fatal("an id that is gone lies above the floor")
	}
	a.verify()
}

// C11: keyed records stay for the span, whatever the history's size.
func TestAUsersKeyOutlivesTheHistorysSize(t *testing.T) {
	a := newAged(t, time.Hour, 300<<10)
	ids := map[string]txc.ID{}
	for i := range 20 {
		key := fmt.Sprintf("key-%d", i)
		ids[key] = a.keyed(key)
		a.write(1500)
	}
	if first := a.oldest(); first < 20_000 {
		t.Fatal("the history begins at", first)
	}
	for range 2 {
		for key, id := range ids {
			a.findKey(key, id, true)
			a.find(id, true)
		}
		a.kill()
	}
	a.verify()
	a.now = a.now.Add(61 * time.Minute)
	again := a.keyed("key-3")
	a.write(15_000)
	for key, id := range ids {
		if key != "key-3" {
			a.findKey(key, id, false)
			a.find(id, false)
		}
	}
	a.findKey("key-3", again, true)
	a.verify()
}

// Wherever the process is killed in the middle of dropping, the next Open goes on.
func TestAKilledDropIsFinished(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	key := a.keyed("a-key")
	a.write(10_000)
	for step := range 3 {
		if err := a.log.DropPartly(step); err != nil {
			t.Fatal(err)
		}
		floor, first := a.log.Floor(), a.oldest()
		if step > 0 && (first < 4000 || floor.IsZero()) {
			t.Fatal(step, first, floor)
		}
		a.kill()
		if a.oldest() != first || a.log.Floor() != floor {
			t.Fatalf("step %d: begins at %d with floor %v, before at %d with %v", step, a.oldest(), a.log.Floor(), first, floor)
		}
		a.findKey("a-key", key, true)
		a.find(key, true)
		a.verify()
	}
}

// An id is found wherever its record lies in the history.
func TestEveryTransactionOfALongHistoryIsFound(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	a.write(7000)
	a.kill()
	first := a.rec.Epoch - 1
	a.write(7000)
	for n := uint64(1); n <= 14000; n += 331 {
		epoch := first
		if n > 7000 {
			epoch++
		}
		a.find(txc.ID{Coordinator: 1, Epoch: epoch, Sequence: n}, true)
		a.find(txc.ID{Coordinator: 1, Epoch: epoch + 1, Sequence: n}, epoch == first && n > 7000)
	}
	a.verify()
}

// C11: a key that the library drew is found in finished blocks too, before and after a restart.
func TestALibrarysKeyIsFoundForTenMinutes(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	own := map[string]txc.ID{}
	for i := range 12 {
		key, id := fmt.Sprintf("own-%d", i), a.id()
		own[key] = id
		a.append(wal.New(id, a.now, wal.CommitBody{Key: key, OwnKey: true}), wal.New(id, a.now, wal.EndBody{}))
		a.write(1000)
	}
	a.now = a.now.Add(9 * time.Minute)
	for range 2 {
		for key, id := range own {
			a.findKey(key, id, true)
		}
		a.findKey("own-99", txc.ID{}, false)
		a.kill()
	}
	a.now = a.now.Add(48 * time.Hour) // of the wall clock alone: it jumped
	for key, id := range own {
		a.findKey(key, id, true)
	}
}

// C11: for those ten minutes it stays, whatever the history's size.
func TestALibrarysKeyOutlivesTheHistorysSize(t *testing.T) {
	a := newAged(t, time.Hour, 300<<10)
	own := map[string]txc.ID{}
	for i := range 12 {
		key, id := fmt.Sprintf("own-%d", i), a.id()
		own[key] = id
		a.append(wal.New(id, a.now, wal.CommitBody{Key: key, OwnKey: true}), wal.New(id, a.now, wal.EndBody{}))
		a.write(3000)
	}
	for key, id := range own {
		a.findKey(key, id, true)
	}
	a.now = a.now.Add(11 * time.Minute)
	a.write(30_000)
	if first := a.oldest(); first < 50_000 {
		t.Error("ten minutes later it is kept still: the history begins at", first)
	}
}

// C11: clocks jump, and a retry that comes a second later must be answered all the same.
func TestAClockThatIsSetForwardMakesNothingOld(t *testing.T) {
	a := newAged(t, time.Hour, 1<<40)
	a.store.o.Run = func() time.Duration { return time.Second }
	a.kill()
	users, librarys := a.keyed("a-users"), a.id()
	a.append(wal.New(librarys, a.now, wal.CommitBody{Key: "a-librarys", OwnKey: true}), wal.New(librarys, a.now, wal.EndBody{}))
	a.now = a.now.Add(1000 * time.Hour)
	a.write(15_000)
	a.findKey("a-librarys", librarys, true)
	a.findKey("a-users", users, true)
	a.find(users, true)
}
