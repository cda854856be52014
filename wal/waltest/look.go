package waltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

func lazyRides(r *run) {
	id := r.id()
	r.append(r.commit(id))
	lazy := r.append(r.end(id))
	last := r.append(r.commit(r.id()))
	if last != lazy+1 {
		r.Fatalf("the forced record after lazy %d is %d", lazy, last)
	}
	if r.log.Synced() != last {
		r.Fatalf("synced %d, want %d", r.log.Synced(), last)
	}
	r.kill()
	r.wantUnfinished(txc.ID{Coordinator: Number, Epoch: 1, Sequence: r.next})
}

func lazyClose(r *run) {
	id := r.id()
	r.append(r.commit(id))
	r.append(r.end(id))
	r.reopen()
	r.wantUnfinished()
}

func lazyFlush(r *run) {
	f, ok := r.store.(Flusher)
	if !ok {
		r.Skip("cannot flush at will")
	}
	id := r.id()
	r.append(r.commit(id))
	lsn := r.append(r.end(id))
	if err := f.Flush(r.log); err != nil {
		r.Fatal(err)
	}
	if r.log.Synced() < lsn {
		r.Fatalf("synced %d, want %d", r.log.Synced(), lsn)
	}
	if _, ended, ok, err := r.log.Find(id); !ended || !ok || err != nil {
		r.Fatal(ended, ok, err)
	}
	r.kill()
	r.wantUnfinished()
}

func powerLoss(r *run) {
	p, ok := r.store.(PowerLoser)
	if !ok {
		r.Skip("cannot lose power")
	}
	a, b := r.id(), r.id()
	r.append(r.commit(a))
	r.append(r.commit(b))
	r.append(r.end(a)) // lazy: may be lost
	if err := p.LosePower(r.log); err != nil {
		r.Fatal(err)
	}
	r.open()
	r.wantUnfinished(a, b)
}

func find(r *run) {
	running, done, never := r.id(), r.id(), r.id()
	r.append(r.commit(running), r.commit(done))
	r.append(r.end(done))
	if _, ended, ok, err := r.log.Find(done); !ok || err != nil || ended && r.log.Synced() < 4 {
		r.Fatalf("ended %v although the End is not durable (%v, %v)", ended, ok, err)
	}
	aborted := r.id()
	r.append(r.heuristic(aborted, "bank-a", txc.Aborted))
	check := func() {
		r.Helper()
		for _, want := range []struct {
			id        txc.ID
			ended, ok bool
		}{{running, false, true}, {done, true, true}, {never, false, false}, {aborted, false, false}, {txc.ID{Coordinator: 1, Epoch: 99, Sequence: 1}, false, false}} {
			rec, ended, ok, err := r.log.Find(want.id)
			if err != nil || ok != want.ok || ended != want.ended || ok && (rec.ID != want.id || rec.Kind != wal.Commit || rec.LSN == 0) {
				r.Fatalf("%v: %+v ended=%v ok=%v err=%v", want.id, rec, ended, ok, err)
			}
		}
	}
	check()
	r.kill()
	check()
	r.reopen()
	check()
}

func findKey(r *run) {
	user, own := r.id(), r.id()
	r.append(r.keyed(user, "order-4711", false), r.keyed(own, "drawn-1", true))
	r.append(r.end(user), r.end(own), r.record(r.id(), wal.AbortBody{Key: "aborted"}))
	want := func(key string, id txc.ID, there bool) {
		r.Helper()
		got, ok, err := r.log.FindKey(key)
		if err != nil || ok != there || ok && got != id {
			r.Fatalf("%s: %v %v %v", key, got, ok, err)
		}
	}
	r.now = r.now.Add(9 * time.Minute)
	for range 3 {
		want("order-4711", user, true)
		want("drawn-1", own, true)
		want("aborted", txc.ID{}, false)
		want("never", txc.ID{}, false)
		r.kill()
	}
	for _, jump := range []time.Duration{time.Hour, -48 * time.Hour, 96 * time.Hour} { // of the wall clock: no time has passed
		r.now = r.now.Add(jump)
		want("order-4711", user, true)
		want("drawn-1", own, true)
		r.reopen()
		want("drawn-1", own, true)
	}
}

func history(r *run) {
	for range 30 {
		id := r.id()
		r.append(r.commit(id))
		r.append(r.end(id))
	}
	last := r.append(r.commit(r.id()))
	next := last
	for rec, err := range r.log.History(r.Context()) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.LSN != next {
			r.Fatalf("record %d, want %d", rec.LSN, next)
		}
		next--
	}
	if next != 0 {
		r.Fatalf("ended above record %d", next)
	}
	ctx, cancel := context.WithCancel(r.Context())
	n := 0
	for _, err := range r.log.History(ctx) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				r.Fatal(err)
			}
			break
		}
		if n++; n == 5 {
			cancel()
		}
		if n > 5 {
			r.Fatal("went on after the context had ended")
		}
	}
	cancel()
}

func dropped(r *run) {
	d, ok := r.store.(Dropper)
	if !ok {
		r.Skip("cannot drop at will")
	}
	old, key, running := r.id(), r.id(), r.id()
	r.append(r.commit(old), r.keyed(key, "order-1", false), r.commit(running))
	r.append(r.end(old), r.end(key), r.commit(r.id()))
	last := r.append(r.end(r.id()), r.commit(r.id()))
	kept := r.id()
	r.append(r.commit(kept))
	if err := d.Drop(r.log, last+1); err != nil {
		r.Fatal(err)
	}
	for range 3 {
		floor := r.log.Floor()
		if floor.Compare(running) < 0 || floor.Compare(kept) >= 0 {
			r.Fatalf("floor %v", floor)
		}
		for id, there := range map[txc.ID]bool{old: false, key: true, running: true, kept: true} {
			if rec, _, ok, err := r.log.Find(id); err != nil || ok != there || ok && rec.ID != id {
				r.Fatalf("%v: %v %v", id, ok, err)
			}
		}
		if id, ok, err := r.log.FindKey("order-1"); id != key || !ok || err != nil {
			r.Fatal(id, ok, err)
		}
		for rec, err := range r.log.History(r.Context()) {
			if err != nil {
				r.Fatal(err)
			}
			if rec.LSN <= last-3 && rec.LSN > 1 {
				r.Fatalf("record %d is still there", rec.LSN)
			}
		}
		r.kill()
		if r.rec.Floor != floor {
			r.Fatalf("floor %v after reopening, %v before", r.rec.Floor, floor)
		}
	}
}

func sameHistory(r *run) {
	want := map[uint64]string{}
	for round := range 6 {
		for range 20 {
			id := r.id()
			r.append(r.commit(id), r.end(id))
			r.append(r.record(r.id(), wal.AbortBody{Members: []string{"a"}}))
		}
		r.append(r.commit(r.id()))
		if round%2 == 0 {
			r.kill()
		} else {
			r.reopen()
		}
		seen := map[uint64]string{}
		for rec, err := range r.log.History(r.Context()) {
			if err != nil {
				r.Fatal(err)
			}
			seen[rec.LSN] = fmt.Sprintf("%+v", rec)
		}
		for lsn, text := range want {
			if seen[lsn] != text {
				r.Fatalf("record %d was\n%s\nand is now\n%s", lsn, text, seen[lsn])
			}
		}
		want = seen
	}
}

func readers(r *run) {
	var done sync.WaitGroup
	ctx, cancel := context.WithCancel(r.Context())
	id := r.id()
	r.append(r.commit(id))
	for range 3 {
		done.Go(func() {
			for ctx.Err() == nil {
				_, _, ok, err := r.log.Find(id)
				if !ok || err != nil {
					r.Errorf("find: %v %v", ok, err)
					return
				}
				if _, _, err := r.log.FindKey("none"); err != nil {
					r.Errorf("find key: %v", err)
					return
				}
				for _, err := range r.log.History(ctx) {
					if err != nil && ctx.Err() == nil {
						r.Errorf("history: %v", err)
						return
					}
				}
				r.log.Room()
				r.log.Synced()
			}
		})
	}
	for range 200 {
		other := r.id()
		r.append(r.commit(other))
		r.append(r.end(other))
	}
	cancel()
	done.Wait()
}
