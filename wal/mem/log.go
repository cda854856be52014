package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

var (
	errInjected = errors.New("the disk failed")
	errLost     = errors.New("the disk was taken away")
)

// checkpointEvery is how many records are replayed at an Open, at most, beside those that a State holds.
const checkpointEvery = 4096

// Options of Open.
type Options struct {
	Cluster  string
	Number   uint32
	Mark     uint64           // of this opening: the caller draws it
	Software string           // stands in the Opened record
	Now      func() time.Time // for the log's own records, and for how far back a library's key is searched
}

// Log is an open Disk.
type Log struct {
	mu      sync.Mutex
	disk    *Disk
	o       Options
	state   *wal.State // of what is durable
	end     wal.Link   // of what is written
	pack    wal.Packer
	waiting []wal.Record // packed, not written
	synced  uint64
	since   int // records since the checkpoint
	commits map[txc.ID]wal.Record
	keys    map[string]txc.ID
	poison  error
	failed  chan struct{} // closed with it
	closed  bool
}

var _ wal.Log = (*Log)(nil)

// Open replays the disk and writes the Opened record of a new epoch. An error that wraps txc.ErrRefused leaves the
// disk as it was.
func Open(d *Disk, o Options) (*Log, wal.Recovery, error) {
	if err := txc.CheckCluster(o.Cluster); err != nil {
		return nil, wal.Recovery{}, err
	}
	if o.Number == 0 || o.Now == nil {
		return nil, wal.Recovery{}, fmt.Errorf("%w: a log needs a number and a clock", txc.ErrInvalid)
	}
	l := &Log{disk: d, o: o, commits: map[txc.ID]wal.Record{}, keys: map[string]txc.ID{}, failed: make(chan struct{})}
	keep, err := l.replay()
	if err != nil {
		return nil, wal.Recovery{}, err
	}
	rec := wal.Recovery{Cluster: o.Cluster, Number: o.Number, Mark: o.Mark, First: l.end.Next}
	epoch, err := l.state.NextEpoch()
	if err != nil {
		return nil, wal.Recovery{}, err
	}
	rec.Epoch = epoch
	head, clean := l.state.Last(), l.state.Clean()
	d.owner = l
	d.groups = d.groups[:keep]
	d.synced = keep // a replay is written again before anyone relies on it
	l.end.Epoch, l.end.Mark = epoch, o.Mark
	if err := l.own(wal.OpenedBody{Epoch: epoch, Mark: o.Mark, Software: o.Software}); err != nil {
		return nil, wal.Recovery{}, err
	}
	if err := l.state.Recover(&rec); err != nil {
		return nil, wal.Recovery{}, err
	}
	rec.Head, rec.Clean = head, clean
	if l.since >= checkpointEvery {
		err = l.checkpoint()
	}
	return l, rec, err
}

// own writes one of the log's own records.
func (l *Log) own(body wal.Body) error {
	r := wal.New(txc.ID{}, l.o.Now(), body)
	if err := l.add(&r); err != nil {
		return err
	}
	return l.flush()
}

// Append implements wal.Log.
func (l *Log) Append(_ context.Context, recs []wal.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.poison != nil {
		return 0, l.poison
	}
	place, waiting := l.pack.Place(), len(l.waiting)
	forced := false
	for i := range recs {
		err := wal.CheckAppend(l.o.Number, recs[i])
		if err == nil {
			err = l.add(&recs[i])
		}
		if err != nil {
			l.pack.Return(place)
			l.waiting = l.waiting[:waiting]
			return 0, err
		}
		forced = forced || recs[i].Kind.Forced()
	}
	last := l.end.Last() + uint64(l.pack.Count())
	if forced {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// add packs one record behind those that wait, and gives it its LSN.
func (l *Log) add(r *wal.Record) error {
	r.LSN = l.end.Next + uint64(l.pack.Count())
	if err := l.pack.Add(*r); err != nil {
		return err
	}
	// What is kept must not share the caller's memory.
	b, err := wal.Encode(nil, *r)
	if err != nil {
		return err
	}
	own, err := wal.Decode(b)
	if err != nil {
		return err
	}
	own.LSN = r.LSN
	l.waiting = append(l.waiting, own)
	return nil
}

// flush writes what waits as one group commit.
func (l *Log) flush() error {
	if l.poison != nil {
		return l.poison
	}
	if l.pack.Count() == 0 {
		return nil
	}
	groups := l.pack.Seal(&l.end)
	if err := l.disk.write(l, groups); err != nil {
		l.poison = fmt.Errorf("%w: append: %w", txc.ErrStopped, err)
		close(l.failed)
		return l.poison
	}
	for _, r := range l.waiting {
		if err := l.apply(r); err != nil {
			return err
		}
	}
	l.waiting = l.waiting[:0]
	l.synced = l.end.Last()
	return nil
}

// apply adds a durable record to the fold and to the look-up.
func (l *Log) apply(r wal.Record) error {
	b, err := wal.Encode(nil, r)
	if err != nil {
		return err
	}
	l.state.Apply(r, b)
	l.since++
	l.index(r)
	return nil
}

func (l *Log) index(r wal.Record) {
	body, ok := r.Body.(wal.CommitBody)
	if !ok {
		return
	}
	l.commits[r.ID] = r
	if body.Key != "" && !body.OwnKey {
		l.keys[body.Key] = r.ID
	}
}

// Flush writes the lazy records that wait: what LazyDelay does elsewhere.
func (l *Log) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

// Failed implements wal.Log.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Synced implements wal.Log.
func (l *Log) Synced() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced
}

// Find implements wal.Log.
func (l *Log) Find(id txc.ID) (wal.Record, bool, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ended, ok, err := l.state.Find(id); ok || err != nil {
		return r, ended, ok, err
	}
	r, ok := l.commits[id]
	return r, ok, ok, nil
}

// FindKey implements wal.Log.
func (l *Log) FindKey(key string) (txc.ID, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := l.keys[key]; ok {
		return id, true, nil
	}
	return l.findOwnKey(key)
}

// findOwnKey searches the newest groups. Few records are commits under such keys: the others are not decoded.
func (l *Log) findOwnKey(key string) (found txc.ID, ok bool, err error) {
	reach := wal.NewReach(l.o.Now())
	for _, b := range slices.Backward(l.disk.groups[:min(l.disk.synced, len(l.disk.groups))]) {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return txc.ID{}, false, err
		}
		when := int64(math.MinInt64) // of the newest: a clock may go back inside a group
		err = g.Each(func(_ uint64, encoded []byte) error {
			when = max(when, wal.PeekWhen(encoded))
			if kind, id := wal.Peek(encoded); kind != wal.Commit || !bytes.Contains(encoded, []byte(key)) {
				return nil
			} else if body, is := l.commits[id].Body.(wal.CommitBody); is && body.OwnKey && body.Key == key {
				found, ok = id, true
			}
			return nil
		})
		if ok || err != nil || reach.Back(when) {
			return found, ok, err
		}
	}
	return txc.ID{}, false, nil
}

// Floor implements wal.Log.
func (l *Log) Floor() txc.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Floor()
}

// History implements wal.Log. It shows the log as it was when the iteration began.
func (l *Log) History(ctx context.Context) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		l.mu.Lock()
		back := l.back()
		l.mu.Unlock()
		for r, err := range back {
			if ctx.Err() != nil {
				yield(wal.Record{}, context.Cause(ctx))
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Room implements wal.Log.
func (l *Log) Room() (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.disk.free, l.disk.low
}

// Close implements wal.Log.
func (l *Log) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.poison
	if err == nil {
		err = l.own(wal.ClosedBody{})
	}
	if l.poison == nil {
		l.poison = fmt.Errorf("%w: %w", txc.ErrStopped, txc.ErrClosed)
	}
	if l.disk.owner == l {
		l.disk.owner = nil
	}
	return err
}
