package waltest

import (
	"context"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Cluster and Number are those of every log that Run opens.
const (
	Cluster = "test"
	Number  = 1
)

// Store is where one log is kept.
type Store interface {
	// Open opens the log with this mark and this clock.
	Open(mark uint64, now func() time.Time) (wal.Log, wal.Recovery, error)
	// Kill ends the open log as SIGKILL does: what was written stays, what was in memory is gone. The next Open works
	// on what is left.
	Kill(l wal.Log) error
}

// Flusher writes the lazy records that wait, now.
type Flusher interface{ Flush(l wal.Log) error }

// PowerLoser ends the open log and forgets what was not synced.
type PowerLoser interface{ LosePower(l wal.Log) error }

// Failer makes the next write fail, with its fate as given.
type Failer interface {
	Fail(l wal.Log, durable bool) error
}

// Dropper drops the history below lsn.
type Dropper interface {
	Drop(l wal.Log, lsn uint64) error
}

// Shortener takes away everything above lsn, behind the log's back.
type Shortener interface{ Shorten(lsn uint64) error }

// Open makes an empty Store.
type Open func(t *testing.T) Store

// run is one test: a store, a clock that the test moves, and the log that is open.
type run struct {
	*testing.T
	store Store
	log   wal.Log
	rec   wal.Recovery
	now   time.Time
	mark  uint64
	next  uint64 // the next sequence
}

// Start of every test's time.
var start = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func begin(t *testing.T, open Open) *run {
	t.Helper()
	r := &run{T: t, store: open(t), now: start, mark: 0xabc0}
	r.open()
	t.Cleanup(func() {
		if r.log != nil {
			r.close()
		}
	})
	return r
}

func (r *run) clock() time.Time { return r.now }

func (r *run) open() {
	r.Helper()
	r.mark++
	log, rec, err := r.store.Open(r.mark, r.clock)
	if err != nil {
		r.Fatalf("open: %v", err)
	}
	r.log, r.rec = log, rec
}

func (r *run) close() {
	r.Helper()
	log := r.log
	r.log = nil
	if err := log.Close(context.Background()); err != nil {
		r.Fatalf("close: %v", err)
	}
}

// reopen closes cleanly and opens again.
func (r *run) reopen() {
	r.Helper()
	r.close()
	r.open()
}

// kill ends the log as SIGKILL does and opens again.
func (r *run) kill() {
	r.Helper()
	if err := r.store.Kill(r.log); err != nil {
		r.Fatalf("kill: %v", err)
	}
	r.open()
}

func (r *run) append(recs ...wal.Record) uint64 {
	r.Helper()
	lsn, err := r.log.Append(r.Context(), recs)
	if err != nil {
		r.Fatalf("append: %v", err)
	}
	return lsn
}

// id makes a new transaction's id of this opening.
func (r *run) id() txc.ID {
	r.next++
	return txc.ID{Coordinator: Number, Epoch: r.rec.Epoch, Sequence: r.next}
}

func (r *run) record(id txc.ID, body wal.Body) wal.Record { return wal.New(id, r.now, body) }

// commit is a commit record of two members.
func (r *run) commit(id txc.ID) wal.Record {
	return r.record(id, wal.CommitBody{
		Members: []wal.Member{{Participant: "bank-a", Evidence: []byte("e1")}, {Participant: "bank-b"}},
		Labels:  map[string]string{"kind": "transfer", "b": "2"},
		Began:   r.now.Add(-time.Second),
	})
}

func (r *run) keyed(id txc.ID, key string, own bool) wal.Record {
	return r.record(id, wal.CommitBody{Members: []wal.Member{{Participant: "bank-a"}}, Key: key, OwnKey: own, Digest: [16]byte{7}, Began: r.now})
}

func (r *run) end(id txc.ID) wal.Record {
	return r.record(id, wal.EndBody{Took: time.Second, Retries: 2})
}

func (r *run) heuristic(id txc.ID, who string, decided txc.Outcome) wal.Record {
	return r.record(id, wal.HeuristicBody{Outcome: decided, Mark: r.rec.Mark, Participant: who, Fate: txc.AbortedBefore,
		Why: txc.Reason{Code: txc.CodeStore, Text: "the store said so", Participant: who}})
}

func (r *run) resolution(id txc.ID, body wal.ResolutionBody) wal.Record {
	body.Who, body.Why = "ann", "a test"
	return r.record(id, body)
}
