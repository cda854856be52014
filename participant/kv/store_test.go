package kv_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/participant/resourcetest"
)

const (
	cluster = "txc"
	bank    = "bank-a"
)

func options() kv.Options {
	return kv.Options{Cluster: cluster, Name: bank, Ballast: -1, MinFree: 1}
}

func open(t testing.TB, dir string) *kv.Store {
	t.Helper()
	s, err := kv.Open(t.Context(), dir, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *kv.Store) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func work(t testing.TB, ops ...kv.Op) []byte {
	t.Helper()
	w, err := kv.Ops(ops...).MarshalWork()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func branch(n uint64) participant.Branch {
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: n}, Mark: 9, Cluster: cluster, Participant: bank, Age: n,
		Members: []string{bank, "bank-b"}, Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 9, LSN: n},
	}
}

func promise(t testing.TB, s *kv.Store, b participant.Branch, ops ...kv.Op) participant.Promise {
	t.Helper()
	p, err := s.Prepare(t.Context(), b, work(t, ops...), false)
	if err != nil || !p.Vote.Promises() {
		t.Fatalf("prepare %s: %v %v, %v", b.ID, p.Vote, p.Reason, err)
	}
	return p
}

func commit(t testing.TB, s *kv.Store, b participant.Branch) txc.Fate {
	t.Helper()
	f, err := s.Commit(t.Context(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestKVIsAnAdapter(t *testing.T) {
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		dir := t.TempDir()
		return &resourcetest.Store{
			Cluster: cluster, Participant: bank, Locks: true, Broken: []byte("nonsense"),
			Open:  func() (participant.Resource, error) { return kv.Open(t.Context(), dir, options()) },
			Write: func(key, value string) []byte { return work(t, kv.Put(key, value)) },
			Call: func(ctx context.Context, key, value string) error {
				keys, err := kv.View(ctx)
				if err != nil {
					return err
				}
				return keys.Put(ctx, key, value)
			},
			Read:   func(key string) []byte { return work(t, kv.Get(key)) },
			Refuse: func(key string) []byte { return work(t, kv.Put(key, "v"), kv.Exists("nowhere")) },
			Value: func(r participant.Resource, key string) (string, bool, error) {
				return r.(*kv.Store).Get(key)
			},
			Values: func(b []byte) (map[string]string, error) {
				all := map[string]string{}
				results, err := kv.Results(b)
				for _, r := range results {
					all[r.Key] = r.Value
				}
				return all, err
			},
		}
	})
}

// crash copies a store's files as a killed process leaves them: nothing is closed, what is written is there.
func crash(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "copy"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "copy")
}

// P1, P10, P11: what was answered is there when a killed process's files are opened again, promises with their locks.
func TestCrashAndReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := uint64(1); i <= 20; i++ {
		promise(t, s, branch(i), kv.Put(fmt.Sprint("k", i), "v"), kv.Add("sum", 1), kv.Get("nothing"))
		if f := commit(t, s, branch(i)); f != txc.CommittedNow {
			t.Fatal(f)
		}
	}
	promise(t, s, branch(30), kv.Add("sum", 100), kv.Get("read"), kv.Missing("absent"))
	stamp := s.Stamp()

	again := open(t, crash(t, dir))
	if m, err := again.Recall(t.Context()); err != nil || m.Stamp != stamp || m.Seen[0].LSN != 30 {
		t.Errorf("memory %+v, %v; stamp was %d", m, err, stamp)
	}
	for _, key := range []string{"sum", "read", "absent"} {
		p, err := again.Prepare(t.Context(), branch(99), work(t, kv.Put(key, "x")), false)
		if err != nil || p.Reason.Code != txc.CodeConflict {
			t.Errorf("%s: %v %v, %v", key, p.Vote, p.Reason, err)
		}
	}
	if f := commit(t, again, branch(30)); f != txc.CommittedNow {
		t.Error(f)
	}
	if f := commit(t, again, branch(20)); f != txc.CommittedBefore {
		t.Error(f)
	}
	if v, _, err := again.Get("sum"); v != "120" || err != nil {
		t.Errorf("sum %s, %v", v, err)
	}
}

// What a branch may bring at most is promised, and then never too big for Badger.
func TestLargestBranch(t *testing.T) {
	s := open(t, t.TempDir())
	var many []kv.Op
	for i := range 4096 {
		many = append(many, kv.Put(fmt.Sprintf("%04d%s", i, strings.Repeat("k", 40)), "0123456789"))
	}
	var large []kv.Op
	for i := range 3 {
		large = append(large, kv.Put(fmt.Sprint(i), strings.Repeat("v", 64<<10)))
	}
	for i, ops := range [][]kv.Op{many, large} {
		promise(t, s, branch(uint64(i+1)), ops...)
		if f := commit(t, s, branch(uint64(i+1))); f != txc.CommittedNow {
			t.Error(f)
		}
	}
	if v, _, _ := s.Get(fmt.Sprintf("%04d%s", 4095, strings.Repeat("k", 40))); v != "0123456789" {
		t.Errorf("%q", v)
	}
}

// Many at once share syncs, and add up.
func TestManyAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := uint64(1); i <= 200; i++ {
		wg.Go(func() {
			b := branch(i)
			for range 50 { // a retry keeps its age
				p, err := s.Prepare(t.Context(), b, work(t, kv.Add(fmt.Sprint("k", i%10), 1)), false)
				if err != nil {
					t.Error(err)
					return
				}
				if p.Vote == txc.Yes {
					if f, err := s.Commit(t.Context(), b, p.Evidence); f != txc.CommittedNow {
						t.Errorf("%v, %v", f, err)
					}
					mu.Lock()
					done++
					mu.Unlock()
					return
				}
				b.ID.Sequence += 1000
			}
		})
	}
	wg.Wait()
	sum := 0
	for k := range 10 {
		var n int
		v, _, err := s.Get(fmt.Sprint("k", k))
		if _, e := fmt.Sscan(v, &n); e != nil || err != nil {
			t.Fatal(v, e, err)
		}
		sum += n
	}
	if sum != done || done < 150 {
		t.Errorf("sum %d, committed %d", sum, done)
	}
	if is, err := s.Check(t.Context()); err != nil || is.Locks != 0 || is.InDoubt != 0 || is.Free != is.Slots {
		t.Errorf("at rest: %+v, %v", is, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := kv.Open(t.Context(), dir, options()); !errors.Is(err, txc.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	if err := kv.Dump(dir, &strings.Builder{}); !errors.Is(err, txc.ErrBusy) {
		t.Errorf("dumped while open: %v", err)
	}
	shut(t, s)
	o := options()
	o.Name = "bank-b"
	if _, err := kv.Open(t.Context(), dir, o); !errors.Is(err, txc.ErrRefused) {
		t.Errorf("another participant's directory: %v", err)
	}
	o.Name = "no/name"
	if _, err := kv.Open(t.Context(), dir, o); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("a bad name: %v", err)
	}
}

// A full disk takes no promise, and every commit.
func TestLowDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	promise(t, s, branch(1), kv.Put("k", "v"))
	shut(t, s)
	o := options()
	o.MinFree = 1 << 62
	s, err := kv.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if p, err := s.Prepare(t.Context(), branch(2), work(t, kv.Put("a", "v")), false); err != nil || p.Reason.Code != txc.CodeNotDurable {
		t.Errorf("%v %v, %v", p.Vote, p.Reason, err)
	}
	if is, err := s.Check(t.Context()); err != nil || len(is.Findings) != 1 || is.Findings[0].Name != "disk_low" {
		t.Errorf("%+v, %v", is, err)
	}
	if f := commit(t, s, branch(1)); f != txc.CommittedNow {
		t.Error(f)
	}
}

// P3: a caller that gives up while its branch waits for a lock hears No, and leaves nothing.
func TestCallerGivesUp(t *testing.T) {
	s := open(t, t.TempDir())
	promise(t, s, branch(5), kv.Put("k", "v"))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	p, err := s.Prepare(ctx, branch(1), work(t, kv.Put("k", "w")), false)
	if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeCancelled {
		t.Errorf("%v %v, %v", p.Vote, p.Reason, err)
	}
	if f := commit(t, s, branch(5)); f != txc.CommittedNow {
		t.Error(f)
	}
}

// Close refuses those that wait, and is bounded.
func TestCloseRefusesWhoWaits(t *testing.T) {
	s, err := kv.Open(t.Context(), t.TempDir(), options())
	if err != nil {
		t.Fatal(err)
	}
	promise(t, s, branch(5), kv.Put("k", "v"))
	got := make(chan participant.Promise, 1)
	s.Submit([]participant.Request{{Verb: participant.VerbPrepare, Branch: branch(1), Work: work(t, kv.Put("k", "w"))}}, func(_ int, r participant.Reply) {
		got <- r.Promise
	})
	shut(t, s)
	if p := <-got; p.Vote != txc.No || !p.Reason.Retryable {
		t.Errorf("%v %v", p.Vote, p.Reason)
	}
	if _, err := s.Commit(t.Context(), branch(5), nil); !errors.Is(err, txc.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}
