package wal

import (
	"context"
	"iter"
	"time"

	"github.com/txc-dev/txc"
)

// Log is one coordinator's stable memory. There is one writer; readers may run beside it.
//
// An implementation is opened by its own function, which returns the Log together with the Recovery: whoever holds a
// Log has recovered (C7). waltest.Run defines what an implementation must do.
type Log interface {
	// Append writes the records in this order, all or none, and gives them contiguous LSNs. It returns the last one's
	// LSN when every forced record is durable; with none forced it may return at once (durable with the next group, or
	// within LazyDelay).
	//
	// A record that the log would never take (too large, unknown kind, zero id where one is needed) is refused before a
	// byte is written: the error wraps txc.ErrInvalid and the log stays good. Every other error means fate unknown: the
	// log is poisoned, every later call fails with the same error, which wraps txc.ErrStopped (C3). Never retried.
	// The slice and its bytes are the caller's again on return.
	Append(ctx context.Context, recs []Record) (lsn uint64, err error)

	// Failed is closed when the log is poisoned: by an Append, or by what it writes between two of them.
	Failed() <-chan struct{}

	// Synced is the last LSN known to be durable, lazy records included (C6).
	Synced() uint64

	// Find looks a transaction up in what is unfinished and in the history. ok=false says only that there is no commit
	// record of this id above the floor. ended tells whether its End is durable.
	Find(id txc.ID) (rec Record, ended bool, ok bool, err error)

	// FindKey looks an idempotency key up: a user's by index; one that the client library drew by searching the log
	// back for OwnKeySpan at least, however the wall clock jumped (Reach; C11).
	FindKey(key string) (id txc.ID, ok bool, err error)

	// Floor is the highest id ever dropped from the history; the zero id if none was. Durable with the drop.
	Floor() txc.ID

	// History yields records newest first. For inspection only: no rule may depend on it.
	History(ctx context.Context) iter.Seq2[Record, error]

	// Room tells the free bytes of the log's disk. low: refuse Begin, what runs may finish (B7).
	Room() (free uint64, low bool)

	// Close writes what is lazy, syncs, marks a clean end, and returns within ctx or CloseBound, whichever is first; on
	// an error the process must exit. A second call does nothing.
	Close(ctx context.Context) error
}

// Delays and bounds.
const (
	LazyDelay  = 100 * time.Millisecond // a lazy record waits no longer for a forced one to ride with
	OwnKeySpan = 10 * time.Minute       // how far back a key that the client library drew is searched
	CloseBound = 10 * time.Second       // Badger's own Close may never return on a dead disk
	MaxRecord  = 60 << 10               // bytes of one encoded record
)

// Recovery is all that Open found; its size depends on what is unfinished, not on the history (C8).
type Recovery struct {
	Cluster       string
	Number        uint32
	Epoch         uint32   // already durable, already higher than ever before (C7)
	Mark          uint64   // drawn at this opening, durable with it
	First         uint64   // LSN of this opening's Opened record
	Head          uint64   // last durable LSN before it; 0 for a new log
	Clean         bool     // the previous opening ended with Close
	Openings      []Record // every Opened record ever, this one last (C6)
	Floor         txc.ID   // highest id ever dropped from the history (C4)
	Unfinished    []Unfinished
	Registrations []Record // the latest of each participant, removed ones included (C13)
	Unsettled     []Record // Heuristic records whose transaction no operator has acknowledged
	Stopped       []Record // not yet accepted (C5, C6)
	Presumed      []Record // not yet checked (C6)
	Accepted      []Record // Resolution records of accepted losses: ranges disowned for ever; and participants gone (C12)
}

// Unfinished is a transaction with a commit record and no End, or with a heuristic that is not acknowledged.
type Unfinished struct {
	Commit       Record   // zero Kind for an aborted transaction that a heuristic keeps alive
	Acknowledged []string // participants that have applied it, as far as recorded
	Resolved     []Record // Resolution records of its branches
	Heuristics   []Record // Heuristic records of its branches that no operator has acknowledged
	Excused      []Record // those that one has: it is unfinished for other reasons
	Ended        bool     // an End was recorded: only the operator's acknowledgement is missing
}
