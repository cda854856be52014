package mem

import (
	"fmt"
	"iter"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// replay folds the disk's content, and tells how many of its groups count: those of an Append that was cut short do
// not.
func (l *Log) replay() (keep int, err error) {
	d := l.disk
	l.state = wal.NewState()
	l.end = wal.Genesis(l.o.Cluster, l.o.Number)
	if d.checkpoint.at.Next != 0 {
		if err := l.restore(d.checkpoint); err != nil {
			return 0, err
		}
	}
	for _, r := range d.carried {
		l.index(r)
	}
	if keep, err = l.indexHistory(); err != nil {
		return 0, err
	}
	end := l.end
	for i := keep; i < len(d.groups); i++ {
		g, err := wal.DecodeGroup(d.groups[i])
		if err != nil && d.torn(i, end) {
			break
		}
		if err != nil {
			return 0, err
		}
		if err := end.Follow(g, d.groups[i]); err != nil {
			return 0, err
		}
		if g.More {
			continue
		}
		if err := l.replayGroups(d.groups[keep : i+1]); err != nil {
			return 0, err
		}
		keep, l.end = i+1, end
	}
	l.synced = l.end.Last()
	if l.synced < d.head.lsn {
		return 0, fmt.Errorf("%w: the log ends at record %d, but record %d was durable", txc.ErrRefused, l.synced, d.head.lsn)
	}
	return keep, nil
}

// torn reports whether a group that cannot be read is one whose write was cut short: the last one, behind all that was
// ever durable.
func (d *Disk) torn(i int, before wal.Link) bool {
	return i == len(d.groups)-1 && before.Last() >= d.head.lsn
}

// indexHistory makes the groups below the checkpoint findable, and counts them.
func (l *Log) indexHistory() (n int, err error) {
	for i, b := range l.disk.groups {
		g, err := wal.DecodeGroup(b)
		if err != nil && l.disk.torn(i, l.end) {
			break
		}
		if err != nil {
			return 0, err
		}
		if g.First >= l.end.Next {
			break
		}
		if err := g.Records(func(r wal.Record, _ []byte) error { l.index(r); return nil }); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (l *Log) replayGroups(groups [][]byte) error {
	for _, b := range groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		err = g.Records(func(r wal.Record, encoded []byte) error {
			l.state.Apply(r, encoded)
			l.since++
			l.index(r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkpoint puts what the State holds on the disk, so that the next replay starts here.
func (l *Log) checkpoint() error {
	c := checkpoint{at: l.end}
	err := l.state.Held(func(lsn uint64, encoded []byte) error {
		c.records = append(c.records, slices.Clone(encoded))
		c.lsns = append(c.lsns, lsn)
		return nil
	})
	if err != nil {
		return err
	}
	l.disk.checkpoint = c
	l.since = 0
	return nil
}

func (l *Log) restore(c checkpoint) error {
	for i, b := range c.records {
		r, err := wal.Decode(b)
		if err != nil {
			return err
		}
		r.LSN = c.lsns[i]
		l.state.Apply(r, b)
	}
	l.state.At(c.at.Last())
	l.end = c.at
	return nil
}

// Drop drops the history below lsn, as age and size do elsewhere: the floor first, durably, then whole groups. Commits
// under users' keys and unfinished transactions are carried on.
func (l *Log) Drop(lsn uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	drop, floor, next := 0, l.state.Floor(), l.disk.first
	for _, b := range l.disk.groups {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		if g.Last() >= lsn || g.Last() > l.synced {
			break
		}
		err = g.Records(func(r wal.Record, _ []byte) error {
			if r.Kind == wal.Commit && floor.Compare(r.ID) < 0 {
				floor = r.ID
			}
			return nil
		})
		if err != nil {
			return err
		}
		drop++
		next = g.Last() + 1
	}
	if drop == 0 {
		return nil
	}
	if err := l.own(wal.DroppedBody{Floor: floor, Next: next}); err != nil {
		return err
	}
	if err := l.checkpoint(); err != nil {
		return err
	}
	return l.forget(drop, next)
}

// forget removes the first groups from the disk.
func (l *Log) forget(drop int, next uint64) error {
	d := l.disk
	for _, b := range d.groups[:drop] {
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		err = g.Records(func(r wal.Record, _ []byte) error {
			d.carry(r)
			if body, ok := r.Body.(wal.CommitBody); ok && (body.Key == "" || body.OwnKey) {
				delete(l.commits, r.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	d.groups = slices.Clone(d.groups[drop:])
	d.synced -= drop
	d.first = next
	return nil
}

// back yields the durable records, newest first.
func (l *Log) back() iter.Seq2[wal.Record, error] {
	groups := l.disk.groups[:min(l.disk.synced, len(l.disk.groups))]
	return func(yield func(wal.Record, error) bool) {
		for _, b := range slices.Backward(groups) {
			all, err := groupRecords(b)
			if err != nil {
				yield(wal.Record{}, err)
				return
			}
			for _, r := range slices.Backward(all) {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func groupRecords(b []byte) ([]wal.Record, error) {
	g, err := wal.DecodeGroup(b)
	if err != nil {
		return nil, err
	}
	var all []wal.Record
	err = g.Records(func(r wal.Record, _ []byte) error { all = append(all, r); return nil })
	return all, err
}
