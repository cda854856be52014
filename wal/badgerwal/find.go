package badgerwal

import (
	"bytes"
	"errors"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// errFound ends a walk over a block's records early.
var errFound = errors.New("found")

// view is what a reader sees at one moment. Everything in it only grows.
type view struct {
	durable wal.Link
	front   uint64
	recent  block
	sums    []summary
}

func (l *Log) view() view {
	l.looking.RLock()
	defer l.looking.RUnlock()
	return view{durable: l.durable, front: l.state.Front(), recent: l.recent, sums: l.sums}
}

// Find implements wal.Log: in what is unfinished, in the last records, by the index, and among what was carried on.
func (l *Log) Find(id txc.ID) (rec wal.Record, ended, ok bool, err error) {
	l.looking.RLock()
	rec, ended, ok, err = l.state.Find(id)
	l.looking.RUnlock()
	if ok || err != nil || id.Coordinator != l.o.Number {
		return rec, ended, ok, err
	}
	v := l.view()
	if rec, ok, err = l.findRecent(v, id); ok || err != nil {
		return rec, ok, ok, err
	}
	for _, s := range slices.Backward(v.sums) {
		if !s.mayHave(id) {
			continue
		}
		if rec, ok, err = l.findIn(v, s, id); ok || err != nil {
			return rec, ok, ok, l.unlessDropped(s.group, err)
		}
	}
	rec, ok, err = l.findCarried(id)
	return rec, ok, ok, err
}

func (l *Log) findRecent(v view, id txc.ID) (rec wal.Record, ok bool, err error) {
	i := slices.IndexFunc(v.recent.commits, func(c commitRef) bool { return c.id == id })
	if i < 0 {
		return rec, false, nil
	}
	rec, err = l.recordAt(v.recent.commits[i].place)
	return rec, err == nil, err
}

// findIn looks an id up in a finished block.
func (l *Log) findIn(v view, s summary, id txc.ID) (rec wal.Record, ok bool, err error) {
	if all := l.walked.find(s.number); all != nil {
		at, ok := all[id]
		if !ok {
			return rec, false, nil
		}
		rec, err = l.recordAt(at)
		return rec, err == nil, err
	}
	detail, ok, err := l.db.Get(detailKey(s.number))
	if err == nil && !ok {
		err = refused("the details of index entry %d are missing", s.number)
	}
	if err != nil {
		return rec, false, err
	}
	has, _, err := detailHas(detail, id)
	if err != nil || !has {
		return rec, false, err
	}
	all, err := l.placesOf(v, s)
	if err != nil {
		return rec, false, err
	}
	at, ok := all[id]
	if !ok {
		return rec, false, refused("the commit record of %v is missing from records %d to %d", id, s.number*blockSize, (s.number+1)*blockSize-1)
	}
	rec, err = l.recordAt(at)
	return rec, err == nil, err
}

// inBlock walks over the records of a block, from the group in which it begins.
func (l *Log) inBlock(v view, number, group uint64, f func(group, lsn uint64, encoded []byte) error) error {
	end := min((number+1)*blockSize, v.durable.Next)
	for next := group; next < end; {
		g, err := l.group(next)
		if err != nil {
			return err
		}
		err = g.Each(func(lsn uint64, encoded []byte) error {
			if lsn/blockSize != number || lsn >= end {
				return nil
			}
			return f(g.First, lsn, encoded)
		})
		if err != nil {
			return err
		}
		next = g.Last() + 1
	}
	return nil
}

// group reads one group, which must be there.
func (l *Log) group(first uint64) (wal.Group, error) {
	b, ok, err := l.db.Get(groupKey(first))
	if err != nil {
		return wal.Group{}, err
	}
	if !ok {
		return wal.Group{}, refused("the group at record %d is missing", first)
	}
	g, err := wal.DecodeGroup(b)
	if err != nil {
		return g, refusedBy(err)
	}
	if g.First != first {
		return g, refused("the group at record %d says that it is that at %d", first, g.First)
	}
	return g, nil
}

// unlessDropped forgives that something is missing which was dropped while we looked for it.
func (l *Log) unlessDropped(group uint64, err error) error {
	if err != nil && group < l.view().front {
		return nil
	}
	return err
}

func (l *Log) findCarried(id txc.ID) (rec wal.Record, ok bool, err error) {
	b, ok, err := l.db.Get(carriedKey(id))
	if err != nil || !ok {
		return rec, false, err
	}
	rec, err = decodeCarried(b)
	return rec, err == nil, err
}

// FindKey implements wal.Log.
func (l *Log) FindKey(key string) (txc.ID, bool, error) {
	if id, ok, err := l.findUserKey(key); ok || err != nil {
		return id, ok, err
	}
	return l.findOwnKey(key)
}

// findUserKey reads the index. An entry counts only with its commit record: it may be of an Append that was cut short.
func (l *Log) findUserKey(key string) (id txc.ID, ok bool, err error) {
	b, ok, err := l.db.Get(userKey(key))
	if err != nil || !ok {
		return txc.ID{}, false, err
	}
	if id, _, err = parseKeyEntry(l.o.Number, b); err != nil {
		return txc.ID{}, false, err
	}
	rec, _, ok, err := l.Find(id)
	if err != nil || !ok {
		return txc.ID{}, false, err
	}
	body, is := rec.Body.(wal.CommitBody)
	return id, is && body.Key == key, nil
}

// findOwnKey searches the log as far back as Reach says, with the blocks' filters to tell where not to look.
func (l *Log) findOwnKey(key string) (txc.ID, bool, error) {
	v := l.view()
	h := hashKey(key)
	for _, o := range v.recent.own {
		if o.hash != h {
			continue
		}
		rec, err := l.recordAt(o.place)
		if err != nil {
			return txc.ID{}, false, err
		}
		if isOwn(rec, key) {
			return rec.ID, true, nil
		}
	}
	reach := wal.NewReach(l.o.Now())
	for i, s := range slices.Backward(v.sums) {
		if reach.Back(s.latest) {
			break
		}
		if s.own == 0 {
			continue
		}
		id, ok, err := l.ownKeyIn(v, i, key, h)
		if err = l.unlessDropped(s.group, err); ok || err != nil {
			return id, ok, err
		}
	}
	return txc.ID{}, false, nil
}

// ownKeyIn searches one block.
func (l *Log) ownKeyIn(v view, i int, key string, h uint64) (id txc.ID, ok bool, err error) {
	s := v.sums[i]
	filter, err := l.bloom(s)
	if err != nil || !filter.has(h) {
		return id, false, err
	}
	err = l.inBlock(v, s.number, s.group, func(_, _ uint64, encoded []byte) error {
		if kind, _ := wal.Peek(encoded); kind != wal.Commit || !bytes.Contains(encoded, []byte(key)) {
			return nil
		}
		rec, err := wal.Decode(encoded)
		if err != nil || !isOwn(rec, key) {
			return err
		}
		id = rec.ID
		return errFound
	})
	if errors.Is(err, errFound) {
		return id, true, nil
	}
	return id, false, err
}

func isOwn(r wal.Record, key string) bool {
	body, ok := r.Body.(wal.CommitBody)
	return ok && body.OwnKey && body.Key == key
}

// bloom gives a block's filter, from memory or from its details.
func (l *Log) bloom(s summary) (bloom, error) {
	if s.bloom != nil {
		return s.bloom, nil
	}
	detail, ok, err := l.db.Get(detailKey(s.number))
	if err == nil && !ok {
		err = refused("the details of index entry %d are missing", s.number)
	}
	if err != nil {
		return nil, err
	}
	_, filter, err := detailHas(detail, txc.ID{})
	if err != nil {
		return nil, err
	}
	l.looking.Lock()
	defer l.looking.Unlock()
	if i, ok := slices.BinarySearchFunc(l.sums, s.number, func(s summary, n uint64) int {
		return int(int64(s.number) - int64(n))
	}); ok {
		l.sums = slices.Clone(l.sums) // views share it
		l.sums[i].bloom = filter
	}
	return filter, nil
}

// forgetBlooms frees the filters of blocks that are too old to be searched for the client library's keys. Needs
// l.looking.
func (l *Log) forgetBlooms() {
	since := l.ago(wal.OwnKeySpan).UnixMicro()
	if l.blooms >= len(l.sums) || l.sums[l.blooms].latest >= since {
		return
	}
	l.sums = slices.Clone(l.sums)
	for l.blooms < len(l.sums) && l.sums[l.blooms].latest < since {
		l.sums[l.blooms].bloom = nil
		l.blooms++
	}
}
