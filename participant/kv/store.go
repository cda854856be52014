package kv

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
	"github.com/txc-dev/txc/participant/turns"
)

// RoomEvery is how often the disk's free space is looked at, while there is work.
const RoomEvery = 100 * time.Millisecond

// MaxQueue bounds the requests that wait for the owner; past it a Prepare is refused. A Commit or Abort never is: the
// promises that they end are bounded themselves.
const MaxQueue = 65_536

// largest is what Badger must take in one transaction, so that what was promised is never too big for it: the core's
// batch, the two rows that go with it, and what Badger adds to each entry.
const largest = engine.MaxBatchBytes + engine.MaxWitnesses*32 + (engine.MaxBatchPairs+2)*64

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster, Name string       // whose store it is; both are needed
	Address       string       // told to whoever finds the directory in use
	Logger        *slog.Logger // default: none

	Opaque     bool          // work is kept with the promise, and a commit applies nothing: a store built on this one does (see Work)
	ApplyDelay time.Duration // a commit waits so long for a promise's write to ride with; default engine.ApplyDelay, negative: none
	LockWait   time.Duration // a lock is waited for no longer; default engine.LockWait
	MinFree    uint64        // bytes of free disk below which nothing is promised; default badgerdb.DefaultMinFree
	Ballast    int64         // bytes kept to finish with on a full disk; default badgerdb.DefaultBallast, negative: none

	journal int // tests make it short
}

func (o Options) check() error {
	if o.LockWait < 0 {
		return fmt.Errorf("%w: wait %v for a lock", txc.ErrInvalid, o.LockWait)
	}
	return errors.Join(txc.CheckCluster(o.Cluster), txc.CheckParticipant(o.Name))
}

// Store is a key-value store in a directory of its own. It is a participant.Resource, a participant.Batcher, a
// participant.Joiner, and a participant.Stamper. All methods are safe for concurrent use.
type Store struct {
	o      Options
	db     *badgerdb.DB
	core   *engine.Core // the owner's alone
	cache  *cache       // the owner's alone
	inbox  inbox
	joined turns.Table[engine.Name, open]
	stamp  atomic.Uint64
	failed chan struct{}
	fault  error         // why it failed; set before failed is closed
	ended  chan struct{} // the owner has returned
	closer sync.Mutex
	closed bool
	gone   error // what Close returned
}

// Open opens the store, or makes it: its directory is checked and owned, what the last opening may have left unsynced is
// written again, and promises have their locks (P10). The error wraps txc.ErrRefused where the content is not what it
// should be, txc.ErrBusy where another process has it open, txc.ErrInvalid for bad options.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("open key-value store: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open key-value store: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := badgerdb.Open(dir, badgerdb.Options{
		Role: badgerdb.RoleKV, Cluster: o.Cluster, Name: o.Name, Address: o.Address, Logger: o.Logger,
		MinFree: o.MinFree, Ballast: o.Ballast, Head: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open key-value store: %w", err)
	}
	if db.MaxBatch() < largest {
		return nil, errors.Join(fmt.Errorf("open key-value store: %w: badger takes %d bytes at once, %d are needed", txc.ErrInvalid, db.MaxBatch(), largest), db.Close(ctx))
	}
	s := &Store{o: o, db: db, cache: newCache(), failed: make(chan struct{}), ended: make(chan struct{})}
	s.inbox.wake = make(chan struct{}, 1)
	first, err := s.recover()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open key-value store: %w", err), db.Close(ctx))
	}
	go s.own(first)
	return s, nil
}

// recover restores the core, and makes durable what it relies on.
func (s *Store) recover() (engine.Event, error) {
	core, batch, err := engine.Open(engine.Options{
		Cluster: s.o.Cluster, Participant: s.o.Name, Instance: s.db.Identity().Instance, ApplyDelay: s.o.ApplyDelay, LockWait: s.o.LockWait, Opaque: s.o.Opaque,
		Journal: s.o.journal,
	}, reader{s.db, s.cache})
	if err != nil {
		return nil, err
	}
	if err := s.commit(batch); err != nil {
		return nil, fmt.Errorf("write again what is relied on: %w", err)
	}
	s.core = core
	m, stats := core.Memory(), core.Stats()
	s.o.Logger.Info("key-value store open", "dir", s.db.Dir(), "instance", hex.EncodeToString(m.Instance[:]),
		"stamp", m.Stamp, "in_doubt", stats.InDoubt, "locks", stats.Locks)
	return &engine.Written{Ticket: batch.Ticket}, nil
}

// own is the owner's loop: it takes all that has come, steps the core, answers, and writes one batch with one sync.
func (s *Store) own(first engine.Event) {
	defer close(s.ended)
	var fx engine.Effects
	var calls calls
	events := []engine.Event{first}
	looked := time.Time{}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var ask []entry
		ask, shut := s.inbox.take()
		now := time.Now()
		if now.Sub(looked) >= RoomEvery {
			_, low := s.db.Room()
			events, looked = append(events, &engine.Room{Low: low}), now
		}
		events = calls.register(ask, s.core, events)
		if shut {
			events = append(events, &engine.Shut{})
		}
		s.core.Step(now, events, &fx)
		events = events[:0]
		s.stamp.Store(s.core.Stamp())
		if fx.Stop != nil {
			s.fail(fx.Stop)
		}
		calls.answer(fx.Answers)
		if fx.Write != nil {
			events = append(events, s.write(fx.Write))
			continue
		}
		if shut && s.core.Quiet() {
			s.inbox.end(txc.ErrClosed)
			return
		}
		s.inbox.wait(timer, s.core)
	}
}

// write writes one batch. An error that is not known to have come before the first byte leaves its fate unknown.
func (s *Store) write(b *engine.Batch) engine.Event {
	err := s.commit(b)
	switch {
	case err == nil:
		s.cache.wrote(b)
		return &engine.Written{Ticket: b.Ticket}
	case errors.Is(err, txc.ErrInvalid):
		s.o.Logger.Error("batch refused", "dir", s.db.Dir(), "err", err)
		return &engine.NotWritten{Ticket: b.Ticket, Err: err}
	}
	return &engine.Lost{Ticket: b.Ticket, Err: err}
}

func (s *Store) commit(b *engine.Batch) error {
	return s.db.Commit(func(to *badgerdb.Batch) error {
		for _, p := range b.Pairs {
			if p.Gone {
				to.Delete(p.Key)
			} else {
				to.Set(p.Key, p.Value)
			}
		}
		return nil
	})
}

// fail tells that the store can no longer be trusted (P11).
func (s *Store) fail(err error) {
	s.fault = err
	close(s.failed)
	s.o.Logger.Error("key-value store stopped: only opening it again tells what is in it", "dir", s.db.Dir(), "err", err)
}

// Failed is closed when the store has stopped itself: a write's fate is unknown. The process must end, and open it again.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err is why the store has stopped itself, or nil. It wraps txc.ErrStopped.
func (s *Store) Err() error {
	select {
	case <-s.failed:
		return s.fault
	default:
		return nil
	}
}

// Stamp is the store's last durable stamp (P12).
func (s *Store) Stamp() uint64 { return s.stamp.Load() }

// Written counts syncs and bytes since Open.
func (s *Store) Written() (syncs, bytes uint64) { return s.db.Written() }

// SetAddress changes what is told to whoever finds the directory in use.
func (s *Store) SetAddress(address string) error { return s.db.SetAddress(address) }

// Close refuses new work, finishes what is being written, and releases the directory, within ctx. Promises stay. When it
// returns an error the process must exit. A second call returns the same.
func (s *Store) Close(ctx context.Context) error {
	s.closer.Lock()
	defer s.closer.Unlock()
	if s.closed {
		return s.gone
	}
	s.closed = true
	s.inbox.shut()
	select {
	case <-s.ended:
		s.gone = s.db.Close(ctx)
	case <-ctx.Done():
		s.gone = fmt.Errorf("%w: close key-value store %s: %w: the process must exit", txc.ErrStopped, s.db.Dir(), context.Cause(ctx))
	}
	return s.gone
}

var (
	_ participant.Resource = (*Store)(nil)
	_ participant.Batcher  = (*Store)(nil)
	_ participant.Joiner   = (*Store)(nil)
)

// reader reads Badger for the core.
type reader struct {
	db    *badgerdb.DB
	cache *cache // nil: none
}

func (r reader) Get(key []byte) ([]byte, bool, error) {
	if _, data := engine.UserKey(key); !data || r.cache == nil {
		return r.db.Get(key)
	}
	if v, ok := r.cache.get(key); ok {
		return v.value, v.found, nil
	}
	value, found, err := r.db.Get(key)
	if err == nil {
		r.cache.put(string(key), cached{value, found})
	}
	return value, found, err
}

func (r reader) Scan(prefix []byte, f func(key, value []byte) error) error {
	return r.db.Scan(prefix, func(key, value []byte) (bool, error) {
		err := f(key, value)
		return err == nil, err
	})
}
