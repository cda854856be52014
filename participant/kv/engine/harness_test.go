package engine_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// disk is a map with a page cache: what was written is readable at once, and durable only once it was synced.
type disk struct {
	cache, durable map[string]string
	reads          int
	fail           error // of every read
}

func newDisk() *disk { return &disk{cache: map[string]string{}, durable: map[string]string{}} }

func (d *disk) Get(key []byte) ([]byte, bool, error) {
	d.reads++
	v, ok := d.cache[string(key)]
	return []byte(v), ok, d.fail
}

func (d *disk) Scan(prefix []byte, f func(key, value []byte) error) error {
	for _, k := range slices.Sorted(maps.Keys(d.cache)) {
		if strings.HasPrefix(k, string(prefix)) {
			if err := f([]byte(k), []byte(d.cache[k])); err != nil {
				return err
			}
		}
	}
	return d.fail
}

func (d *disk) write(b *engine.Batch) {
	for _, p := range b.Pairs {
		if p.Gone {
			delete(d.cache, string(p.Key))
		} else {
			d.cache[string(p.Key)] = string(p.Value)
		}
	}
}

// sync makes durable what the batch wrote, and nothing else: an older write that was lost stays lost.
func (d *disk) sync(b *engine.Batch) {
	for _, p := range b.Pairs {
		if p.Gone {
			delete(d.durable, string(p.Key))
		} else {
			d.durable[string(p.Key)] = string(p.Value)
		}
	}
}

func (d *disk) powerLoss() { d.cache = maps.Clone(d.durable) }

const (
	cluster = "txc"
	bank    = "bank-a"
)

var start = time.Unix(1_700_000_000, 0)

// store runs a core over a disk, by hand: nothing is written but by sync.
type store struct {
	t       testing.TB
	d       *disk
	c       *engine.Core
	now     time.Time
	fx      engine.Effects
	n       uint64
	answers map[uint64]engine.Answer
	order   []uint64
	batch   *engine.Batch // handed out, not completed
	stop    error
	o       engine.Options // beside cluster, name and identity
}

func open(t testing.TB, d *disk) *store {
	t.Helper()
	s := &store{t: t, d: d, now: start, answers: map[uint64]engine.Answer{}}
	s.reopen()
	return s
}

// reopen is a restart of the process: what was neither answered nor durable is lost with it, but for the page cache.
func (s *store) reopen() {
	s.t.Helper()
	s.o.Cluster, s.o.Participant, s.o.Instance = cluster, bank, [16]byte{7}
	c, b, err := engine.Open(s.o, s.d)
	if err != nil {
		s.t.Fatalf("open: %v", err)
	}
	s.d.write(b)
	s.d.sync(b)
	s.c, s.batch = c, nil
	s.step(&engine.Written{Ticket: b.Ticket})
}

func (s *store) step(events ...engine.Event) {
	s.t.Helper()
	s.c.Step(s.now, events, &s.fx)
	for _, a := range s.fx.Answers {
		if _, twice := s.answers[a.N]; twice {
			s.t.Fatalf("request %d answered twice", a.N)
		}
		s.answers[a.N] = a
		s.order = append(s.order, a.N)
	}
	if s.fx.Stop != nil {
		s.stop = s.fx.Stop
	}
	if s.fx.Write != nil {
		if s.batch != nil {
			s.t.Fatal("a batch was handed out while another is being written")
		}
		s.batch = s.fx.Write
	}
}

// sync writes what is handed out, until nothing is.
func (s *store) sync() {
	s.t.Helper()
	for s.batch != nil {
		b := s.batch
		s.batch = nil
		s.d.write(b)
		s.d.sync(b)
		s.step(&engine.Written{Ticket: b.Ticket})
	}
}

// settle lets time pass until all is written that will be written without waiting for locks.
func (s *store) flush() {
	s.t.Helper()
	s.sync()
	s.after(engine.ApplyDelay)
	s.sync()
}

func (s *store) after(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	s.step()
}

// tx names a transaction and how old it is.
type tx struct {
	seq  uint64
	age  uint64
	free bool // a read-only vote may release
}

func (x tx) branch() participant.Branch {
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: x.seq}, Mark: 42, Cluster: cluster, Participant: bank, Age: x.age,
		Members: []string{bank, "bank-b"}, MayRelease: x.free, Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 42, LSN: x.seq},
	}
}

func (x tx) name() engine.Name { return engine.Name{ID: x.branch().ID, Mark: 42} }

func (s *store) ask(verb participant.Verb, x tx, work []byte, evidence []byte) uint64 {
	s.t.Helper()
	s.n++
	s.step(&engine.Ask{N: s.n, Request: participant.Request{Verb: verb, Branch: x.branch(), Work: work, Evidence: evidence}})
	return s.n
}

func (s *store) prepare(x tx, ops ...engine.Op) uint64 {
	s.t.Helper()
	return s.ask(participant.VerbPrepare, x, work(s.t, ops...), nil)
}

func (s *store) commit(x tx) uint64 { s.t.Helper(); return s.ask(participant.VerbCommit, x, nil, nil) }
func (s *store) abort(x tx) uint64  { s.t.Helper(); return s.ask(participant.VerbAbort, x, nil, nil) }

// promise runs a branch up to its vote, which must promise.
func (s *store) promise(x tx, ops ...engine.Op) participant.Promise {
	s.t.Helper()
	n := s.prepare(x, ops...)
	s.sync()
	p := s.vote(n)
	if !p.Vote.Promises() {
		s.t.Fatalf("%d: vote %v %v, want a promise", x.seq, p.Vote, p.Reason)
	}
	return p
}

// apply runs a branch to its end.
func (s *store) apply(x tx, ops ...engine.Op) {
	s.t.Helper()
	s.promise(x, ops...)
	n := s.commit(x)
	s.flush()
	if f := s.fate(n); f != txc.CommittedNow {
		s.t.Fatalf("%d: fate %v, want committed now", x.seq, f)
	}
}

func (s *store) answered(n uint64) bool { _, ok := s.answers[n]; return ok }

func (s *store) reply(n uint64) participant.Reply {
	s.t.Helper()
	a, ok := s.answers[n]
	if !ok {
		s.t.Fatalf("request %d was not answered", n)
	}
	return a.Reply
}

func (s *store) vote(n uint64) participant.Promise {
	s.t.Helper()
	r := s.reply(n)
	if r.Err != nil {
		s.t.Fatalf("request %d: %v", n, r.Err)
	}
	return r.Promise
}

func (s *store) fate(n uint64) txc.Fate {
	s.t.Helper()
	r := s.reply(n)
	if r.Err != nil {
		s.t.Fatalf("request %d: %v", n, r.Err)
	}
	return r.Fate
}

func (s *store) refused(n uint64, code txc.Code) {
	s.t.Helper()
	if p := s.vote(n); p.Vote != txc.No || p.Reason.Code != code || p.Reason.Retryable != code.Retryable() {
		s.t.Fatalf("vote %v, reason %+v; want no, %s", p.Vote, p.Reason, code)
	}
}

func (s *store) value(key string) string {
	v, ok := s.d.cache[string(engine.DataKey([]byte(key)))]
	if !ok {
		return "-"
	}
	return v
}

func work(t testing.TB, ops ...engine.Op) []byte {
	t.Helper()
	w, err := engine.EncodeWork(ops)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func put(k, v string) engine.Op {
	return engine.Op{Kind: engine.Put, Key: []byte(k), Value: []byte(v)}
}
func get(k string) engine.Op { return engine.Op{Kind: engine.Get, Key: []byte(k)} }
func del(k string) engine.Op { return engine.Op{Kind: engine.Delete, Key: []byte(k)} }
func add(k string, by int64) engine.Op {
	return engine.Op{Kind: engine.Add, Key: []byte(k), By: by}
}
func exists(k string) engine.Op  { return engine.Op{Kind: engine.Check, Key: []byte(k), Exists: true} }
func missing(k string) engine.Op { return engine.Op{Kind: engine.Check, Key: []byte(k)} }

var errDisk = errors.New("disk says no")
