package badgerwal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// Log is an open log. Append and Close are for its one writer; everything else may run beside it.
//
// Two locks: writing is held by whoever writes, over the sync; looking only while what readers see changes.
type Log struct {
	db     *badgerdb.DB
	o      Options
	logger *slog.Logger
	head   *headFile

	writing sync.Mutex
	pack    wal.Packer
	waiting []wal.Record // what is packed, not written
	end     wal.Link     // of what is written
	index   indexer
	since   int      // records behind the last checkpoint
	chunks  [][]byte // the keys of its chunks
	front   uint64   // the history is deleted up to here
	closed  bool

	checkpointed uint64 // LSN of the last Checkpoint record

	looking sync.RWMutex
	state   *wal.State // of what is durable
	durable wal.Link
	recent  block // the block that is not finished
	sums    []summary
	blooms  int // the sums before this one have no filter in memory

	walked walked
	opened time.Time

	lazy    chan struct{} // something lazy waits
	stop    chan struct{}
	stopped sync.WaitGroup
}

var _ wal.Log = (*Log)(nil)

// Append implements wal.Log. The context is not looked at: a local disk is not waited for any other way.
func (l *Log) Append(_ context.Context, recs []wal.Record) (uint64, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.err(); err != nil {
		return 0, err
	}
	place, waiting := l.pack.Place(), len(l.waiting)
	forced := false
	for i := range recs {
		if err := l.add(&recs[i]); err != nil {
			l.pack.Return(place)
			l.waiting = l.waiting[:waiting]
			return 0, err
		}
		forced = forced || recs[i].Kind.Forced()
	}
	last := l.end.Last() + uint64(l.pack.Count())
	if forced || l.pack.Size() > lazyRoom {
		if err := l.flush(); err != nil {
			return 0, err
		}
		return last, nil
	}
	if len(recs) == 0 {
		return last, nil
	}
	if err := l.keep(waiting); err != nil {
		return 0, err
	}
	select {
	case l.lazy <- struct{}{}:
	default: // it is known already
	}
	return last, nil
}

// lazyRoom bounds what lazy records may wait for: then they are written like forced ones.
const lazyRoom = 1 << 20

// add packs one record behind those that wait, and gives it its LSN.
func (l *Log) add(r *wal.Record) error {
	if err := wal.CheckAppend(l.o.Number, *r); err != nil {
		return err
	}
	return l.packOne(r)
}

func (l *Log) packOne(r *wal.Record) error {
	lsn := l.end.Next + uint64(l.pack.Count())
	if err := l.pack.Add(*r); err != nil {
		return err
	}
	r.LSN = lsn
	l.waiting = append(l.waiting, *r)
	return nil
}

// keep makes lazy records that outlive their Append independent of the caller's memory.
func (l *Log) keep(from int) error {
	for i, r := range l.waiting[from:] {
		if r.Kind == wal.End {
			continue // shares nothing
		}
		b, err := wal.Encode(nil, r)
		if err != nil {
			return err
		}
		own, err := wal.Decode(b)
		if err != nil {
			return err
		}
		own.LSN = r.LSN
		l.waiting[from+i] = own
	}
	return nil
}

// err is why nothing can be written any more. Needs l.writing.
func (l *Log) err() error {
	if err := l.db.Err(); err != nil {
		return err
	}
	if l.closed {
		return fmt.Errorf("%w: %w", txc.ErrStopped, txc.ErrClosed)
	}
	return nil
}

// Flush writes the lazy records that wait, now.
func (l *Log) Flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.err(); err != nil {
		return err
	}
	return l.flush()
}

// flusher writes lazy records that found no forced one to ride with. An error poisons the log: the next Append tells.
func (l *Log) flusher() {
	defer l.stopped.Done()
	timer := time.NewTimer(wal.LazyDelay)
	defer timer.Stop()
	for {
		select {
		case <-l.lazy:
		case <-l.stop:
			return
		}
		timer.Reset(wal.LazyDelay)
		select {
		case <-timer.C:
		case <-l.stop:
			return
		}
		if err := l.Flush(); err != nil {
			l.logger.Error("lazy records could not be written", "err", err)
			return
		}
	}
}

// ago is the time d ago as records bear it, by the wall clock. One that was set forward since the opening makes no record
// older than it is: what must be answered for so long is kept, and searched, by that much longer (C11).
func (l *Log) ago(d time.Duration) time.Time {
	now := l.o.Now()
	ran := now.Sub(l.opened) // by the monotonic clock
	if l.o.Run != nil {
		ran = l.o.Run()
	}
	set := now.Round(0).Sub(l.opened.Round(0)) - ran
	return now.Add(-d - max(set, 0))
}

// Synced implements wal.Log.
func (l *Log) Synced() uint64 {
	l.looking.RLock()
	defer l.looking.RUnlock()
	return l.durable.Last()
}

// Floor implements wal.Log.
func (l *Log) Floor() txc.ID {
	l.looking.RLock()
	defer l.looking.RUnlock()
	return l.state.Floor()
}

// Room implements wal.Log.
func (l *Log) Room() (free uint64, low bool) { return l.db.Room() }

// Report tells of the log as of a store.
func (l *Log) Report() protocol.Report {
	disk := l.db.Disk()
	return protocol.Report{Kind: "log", Version: badgerdb.Version, FileSystem: disk.FileSystem, Sync: disk.Sync, Findings: disk.Findings()}
}

// Failed implements wal.Log.
func (l *Log) Failed() <-chan struct{} { return l.db.Failed() }

// Written counts syncs and bytes since Open.
func (l *Log) Written() (syncs, bytes uint64) { return l.db.Written() }

// SetAddress changes what is told to whoever finds the directory in use.
func (l *Log) SetAddress(address string) error { return l.db.SetAddress(address) }

// Close implements wal.Log. Everything in it may wait for a dead disk, so all of it is bounded.
func (l *Log) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, wal.CloseBound)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- l.shut(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: close log: %w: the process must exit", txc.ErrStopped, context.Cause(ctx))
	}
}

func (l *Log) shut(ctx context.Context) error {
	l.writing.Lock()
	if l.closed {
		l.writing.Unlock()
		return nil
	}
	err := l.db.Err()
	if err == nil {
		err = l.own(wal.ClosedBody{})
	}
	if err == nil {
		err = l.head.sync()
	}
	l.closed = true
	close(l.stop)
	l.writing.Unlock()
	l.stopped.Wait()
	return errors.Join(err, l.head.close(), l.db.Close(ctx))
}

// own writes one of the log's own records, with everything that waits.
func (l *Log) own(body wal.Body) error {
	r := wal.New(txc.ID{}, l.o.Now(), body)
	if err := l.packOne(&r); err != nil {
		return err
	}
	return l.flush()
}
