package badgerwal

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// Report is what Verify saw of a log that is in order.
type Report struct {
	Cluster      string
	Number       uint32
	First, Last  uint64 // LSNs of what is left of the history
	Groups       int
	Records      int
	Transactions int    // commit records
	Keys         int    // of users
	Epoch        uint32 // of the last opening
	Openings     int
	Unfinished   int
	Floor        txc.ID
	Clean        bool // the last opening ended with Close
	Whole        bool // the history goes back to the first record, so that the fold could be made again and compared
}

// Verify reads the whole of a log that is not open, changes nothing, and refuses what does not fit together: every
// block of every file, the chain from the first group that is left, the checkpoint against a fold of all records, and
// the indexes. txc.ErrBusy: the log is open.
func Verify(dir string) (rep Report, err error) {
	err = look(dir, func(id badgerdb.Identity, s *badgerdb.Snapshot) error {
		f, err := check(dir, s, id.Cluster, id.Number)
		if err != nil {
			return err
		}
		v := verifier{r: s, found: f, number: id.Number, rep: Report{Cluster: id.Cluster, Number: id.Number}}
		rep, err = v.verify()
		return err
	})
	return rep, err
}

// Dump yields every record of a log that is not open, oldest first, and changes nothing. It goes as far as the chain
// does: an error that wraps txc.ErrRefused comes after the last record before the damage, or after the last one of all if
// what Open would refuse says that more records may have been there.
func Dump(dir string, f func(wal.Record) error) error {
	return look(dir, func(id badgerdb.Identity, s *badgerdb.Snapshot) error {
		var end wal.Link
		err := s.ScanFrom([]byte{prefixGroup}, nil, func(key, value []byte) (bool, error) {
			g, err := follow(&end, key, value)
			if err != nil {
				return false, err
			}
			return true, g.Records(func(r wal.Record, _ []byte) error { return f(r) })
		})
		if err == nil {
			_, err = check(dir, s, id.Cluster, id.Number)
		}
		return err
	})
}

// look opens a directory for reading.
func look(dir string, f func(id badgerdb.Identity, s *badgerdb.Snapshot) error) error {
	id, release, err := badgerdb.Look(dir)
	if err != nil {
		return err
	}
	if id.Role != badgerdb.RoleCoordinator {
		return errors.Join(fmt.Errorf("%w: %s belongs to role %s, not to a coordinator", txc.ErrInvalid, dir, id.Role), release())
	}
	s, err := badgerdb.Inspect(dir, "")
	if err == nil {
		err = errors.Join(f(id, s), s.Close())
	}
	return errors.Join(err, release())
}

// follow decodes a group and links it to the end of a chain; the first one may begin anywhere.
func follow(end *wal.Link, key, value []byte) (wal.Group, error) {
	g, err := wal.DecodeGroup(value)
	if err == nil && g.First != lsnOf(key) {
		err = refused("the group at record %d says that it is that at %d", lsnOf(key), g.First)
	}
	if err == nil {
		if end.Next == 0 {
			*end = wal.Link{Epoch: g.Epoch, Mark: g.Mark, Next: g.First, Before: g.Before, Hash: g.Previous}
		}
		err = end.Follow(g, value)
	}
	if err != nil {
		return g, refusedBy(err)
	}
	return g, nil
}

// verifier reads a history from its front to its end.
type verifier struct {
	r      reader
	found  *found
	number uint32
	rep    Report
	state  *wal.State
	index  indexer
	sums   map[uint64]summary
}

func (v *verifier) verify() (Report, error) {
	v.state = wal.NewState()
	v.sums = map[uint64]summary{}
	for _, s := range v.found.sums {
		v.sums[s.number] = s
	}
	if len(v.found.sums) > 0 {
		v.index.resume(v.found.sums[0])
	}
	var end wal.Link
	err := v.r.ScanFrom([]byte{prefixGroup}, groupKey(v.found.state.Front()), func(key, value []byte) (bool, error) {
		g, err := follow(&end, key, value)
		if err != nil || g.First >= v.found.end.Next {
			return false, err
		}
		return true, v.group(g, value)
	})
	if err != nil {
		return v.rep, err
	}
	return v.rep, v.compare()
}

func (v *verifier) group(g wal.Group, b []byte) error {
	if v.rep.Groups == 0 {
		v.rep.First = g.First
	}
	v.rep.Groups++
	v.rep.Last = g.Last()
	indexed := len(v.found.sums) > 0 && g.Last() >= v.found.sums[0].group
	if indexed {
		v.index.begin(g.First, len(b))
	}
	return g.Records(func(r wal.Record, encoded []byte) error {
		v.rep.Records++
		v.state.Apply(r, encoded)
		if r.Kind == wal.Commit {
			v.rep.Transactions++
		}
		if err := v.key(r); err != nil || !indexed {
			return err
		}
		if done := v.index.add(&r); done != nil {
			return v.block(done)
		}
		return nil
	})
}

// key checks that a user's key leads to its transaction.
func (v *verifier) key(r wal.Record) error {
	key := ofUser(r)
	if key == "" {
		return nil
	}
	v.rep.Keys++
	b, ok, err := v.r.Get(userKey(key))
	if err != nil {
		return err
	}
	if !ok {
		return refused("the key of %v (record %d) is missing from the index", r.ID, r.LSN)
	}
	_, _, err = parseKeyEntry(v.number, b)
	return err
}

// block checks the index entries of a finished block.
func (v *verifier) block(b *block) error {
	want, detail := b.summarize()
	want.bloom = nil
	has, ok := v.sums[b.number]
	if !ok {
		return nil // the last one, which is made again at each Open
	}
	has.bloom = nil
	stored, ok, err := v.r.Get(detailKey(b.number))
	if err != nil {
		return err
	}
	if !ok || !bytes.Equal(stored, detail) || !reflect.DeepEqual(has, want) {
		return refused("the index of records %d to %d is not what the records say", b.number*blockSize, (b.number+1)*blockSize-1)
	}
	return nil
}

// compare checks the checkpoint, as it was carried on to the end, against the fold of every record.
func (v *verifier) compare() error {
	f := v.found
	var has wal.Recovery
	if err := f.state.Recover(&has); err != nil {
		return err
	}
	v.rep.Epoch, v.rep.Openings, v.rep.Unfinished = f.end.Epoch, len(has.Openings), len(has.Unfinished)
	v.rep.Floor, v.rep.Clean, v.rep.Whole = has.Floor, has.Clean, v.rep.First <= 1
	if v.rep.Last != f.end.Last() && f.end.Next > 1 {
		return refused("the history ends at record %d, not at %d", v.rep.Last, f.end.Last())
	}
	if !v.rep.Whole {
		return nil
	}
	var want wal.Recovery
	if err := v.state.Recover(&want); err != nil {
		return err
	}
	if !reflect.DeepEqual(has, want) {
		return refused("the last checkpoint and the records behind it do not say what all records say")
	}
	return nil
}
