package badgerwal

import (
	"bytes"
	"path/filepath"

	"errors"
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
	"os"
)

// ErrTest is the failure that tests inject.
var ErrTest = errors.New("injected by a test")

// FailNext makes the next write fail: before anything is written, or when all of it is durable but HEAD.
func (l *Log) FailNext(durable bool) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if !durable {
		if err := l.db.Poison(ErrTest); !errors.Is(err, ErrTest) {
			return err
		}
		return nil
	}
	if err := l.head.close(); err != nil {
		return err
	}
	l.head.file = closedFile()
	return nil
}

func closedFile() *os.File {
	f, err := os.Open(os.DevNull)
	if err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
	return f
}

// WithHash is one HEAD with the hash of another.
func WithHash(b, other []byte) []byte {
	h, err := decodeHead(b)
	if err != nil {
		panic(err)
	}
	o, err := decodeHead(other)
	if err != nil {
		panic(err)
	}
	h.hash = o.hash
	return h.encode()
}

// AcceptSteps is how many ways there are to cut an acceptance short.
const AcceptSteps = 5

// AcceptUpTo accepts a loss, but is cut short after so many steps.
func AcceptUpTo(dir string, step int) error {
	id, release, err := badgerdb.Look(dir)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, dirAccept)
	if _, err := rebuild(dir, at, id, "ann", "a test"); err != nil {
		return errors.Join(err, release())
	}
	lost := filepath.Join(dir, freeName(dir))
	steps := []func() error{
		func() error { return os.Remove(filepath.Join(at, fileDone)) }, // in the middle of making the new log
		func() error { return os.Mkdir(lost, 0o700) },
		func() error { return os.Rename(filepath.Join(dir, "badger"), filepath.Join(lost, "badger")) },
		func() error { return os.Rename(filepath.Join(at, "badger"), filepath.Join(dir, "badger")) },
		func() error { return os.Rename(filepath.Join(dir, fileHead), filepath.Join(lost, fileHead)) },
	}
	if step == 0 {
		return errors.Join(steps[0](), release())
	}
	for _, f := range steps[1 : step+1] {
		if err := f(); err != nil {
			return errors.Join(err, release())
		}
	}
	return release()
}

// DropPartly drops the oldest blocks, but stops as if killed: after the floor (0: nothing at all, 1: nothing deleted,
// 2: one batch deleted).
func (l *Log) DropPartly(step int) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if step == 0 {
		return nil
	}
	next := l.view().sums[1].group
	floor, err := l.highest(l.front, next)
	if err != nil {
		return err
	}
	if err := l.own(wal.DroppedBody{Floor: floor, Next: next}); err != nil || step == 1 {
		return err
	}
	half, err := l.group(l.front)
	if err != nil {
		return err
	}
	return l.deleteSome(half.Last() + 1)
}

// AppendPartly writes the users' keys and so many groups of an Append, as a SIGKILL in the middle would leave it.
func (l *Log) AppendPartly(recs []wal.Record, groups int) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.flush(); err != nil {
		return err
	}
	end := l.end
	for i := range recs {
		if err := l.add(&recs[i]); err != nil {
			return err
		}
	}
	sealed := l.pack.Seal(&end)
	if groups >= len(sealed) {
		return errors.New("that is all of it")
	}
	w := &writer{db: l.db}
	if _, err := l.stage(w, sealed); err != nil {
		return err
	}
	w.entries = w.entries[:len(w.entries)-len(sealed)+groups]
	return errors.Join(w.commit(), l.poisonForTest())
}

// CheckpointPartly writes a checkpoint's chunks without its record.
func (l *Log) CheckpointPartly() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.flush(); err != nil {
		return err
	}
	all, _, err := chunks(l.state, l.end)
	if err != nil {
		return err
	}
	w := &writer{db: l.db}
	for i, b := range all {
		w.set(chunkKey(l.end.Next, uint32(i)), b)
	}
	return errors.Join(w.commit(), l.poisonForTest())
}

// poisonForTest keeps Close from writing anything more.
func (l *Log) poisonForTest() error {
	if err := l.db.Poison(ErrTest); !errors.Is(err, ErrTest) {
		return err
	}
	return nil
}

// CheckOnly is what Open does before Badger may change a file.
func CheckOnly(dir string) error {
	id, release, err := badgerdb.Look(dir)
	if err != nil {
		return err
	}
	s, err := badgerdb.Inspect(dir, lazy)
	if err == nil {
		_, err = check(dir, s, id.Cluster, id.Number)
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, release())
}

// AppendNewer writes a group as a newer program would.
func (l *Log) AppendNewer() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	end := l.end
	if err := l.pack.Add(wal.New(txc.ID{}, l.o.Now(), wal.ClosedBody{})); err != nil {
		return err
	}
	b := l.pack.Seal(&end)[0]
	b[0]++
	b = summed(b[:len(b)-4])
	end.Hash = wal.Hash(b)
	w := &writer{db: l.db}
	w.set(groupKey(l.end.Next), b)
	return errors.Join(w.commit(), l.head.write(headOf(end)), l.poisonForTest())
}

// Resealed is a group with another byte at one place and a checksum that agrees: what only the chain can tell.
func Resealed(group []byte, at int) []byte {
	b := bytes.Clone(group[:len(group)-4])
	b[at]++
	return summed(b)
}

// WriteClosed ends the opening as Close does, and stops before anything else that Close does.
func (l *Log) WriteClosed() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.own(wal.ClosedBody{})
}

// Summed is b with the checksum behind it that everything of the index has.
func Summed(b []byte) []byte { return summed(bytes.Clone(b)) }

// HeadAgain reads a HEAD, and writes what it has read.
func HeadAgain(b []byte) ([]byte, error) {
	h, err := decodeHead(b)
	return h.encode(), err
}

// SummaryAgain reads the summary of a block, and writes what it has read.
func SummaryAgain(number uint64, b []byte) ([]byte, error) {
	s, err := decodeSummary(summaryKey(number), b)
	return s.encode(), err
}

// DetailHas looks for an id in a block's details, and for a hash in the filter behind them.
func DetailHas(b []byte, id txc.ID, hash uint64) (has, own bool, err error) {
	has, filter, err := detailHas(b, id)
	return has, err == nil && filter.has(hash), err
}

// KeyEntryAgain reads an entry of the key index, and writes what it has read.
func KeyEntryAgain(b []byte) ([]byte, error) {
	id, lsn, err := parseKeyEntry(1, b)
	return keyEntry(id, lsn), err
}

// ApplyChunk reads a chunk of a checkpoint into a new State.
func ApplyChunk(lsn uint64, index uint32, b []byte) (records uint32, err error) {
	c, err := decodeChunk(chunkKey(lsn, index), b)
	if err != nil {
		return 0, err
	}
	return c.apply(wal.NewState())
}

// CarriedAgain reads a carried commit, and writes what it has read.
func CarriedAgain(b []byte) ([]byte, error) {
	r, err := decodeCarried(b)
	if err != nil {
		return nil, err
	}
	encoded, err := wal.Encode(nil, r)
	return encodeCarried(r.LSN, encoded), err
}
