package badgerwal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// A loss is accepted (C12) by making the log again from what can be read, in a directory inside of the data directory,
// and putting it into the place of the old files, which are kept:
//
//	1  accept/          a whole data directory: the records that are linked, the Resolution, a checkpoint, HEAD
//	2  accept/DONE      from here on the acceptance will be finished, by whoever runs it again; Open refuses until then
//	3  lost-1/badger    the old files; then the new ones to their places; then accept/ is removed
const (
	dirAccept = "accept"
	fileDone  = "DONE"
)

// Loss is what was accepted.
type Loss struct {
	Last  uint64      // the last record that is kept; 0: none
	First uint64      // the first one
	Lost  []wal.Range // disowned for ever
	Copy  string      // the directory with the files that were replaced
}

// AcceptLoss accepts that the end of a log that Open refuses is lost: what is linked to the beginning, or to the last
// readable checkpoint, is kept, the rest is disowned for ever, and the next epoch is above everything that HEAD or the
// rest show (C12). The files that it replaces are kept. Nobody may have the log open; who and why are recorded.
//
// A log that Open would take is left alone: the error wraps txc.ErrInvalid.
func AcceptLoss(dir, who, why string) (loss Loss, err error) {
	if strings.TrimSpace(who) == "" || strings.TrimSpace(why) == "" {
		return loss, fmt.Errorf("%w: accepting a loss needs a name and a reason", txc.ErrInvalid)
	}
	id, release, err := badgerdb.Look(dir)
	if err != nil {
		return loss, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if id.Role != badgerdb.RoleCoordinator {
		return loss, fmt.Errorf("%w: %s belongs to role %s, not to a coordinator", txc.ErrInvalid, dir, id.Role)
	}
	at := filepath.Join(dir, dirAccept)
	if _, err := os.Lstat(filepath.Join(at, fileDone)); err == nil {
		loss.Copy, err = replace(dir)
		return loss, err
	}
	if err := os.RemoveAll(at); err != nil {
		return loss, fmt.Errorf("remove an acceptance that was not finished: %w", err)
	}
	if err := mustBeRefused(dir, id); err != nil {
		return loss, err
	}
	if loss, err = rebuild(dir, at, id, who, why); err != nil {
		return loss, errors.Join(err, os.RemoveAll(at))
	}
	loss.Copy, err = replace(dir)
	return loss, err
}

// mustBeRefused leaves a log alone that is in order, and one that cannot be read for another reason.
func mustBeRefused(dir string, id badgerdb.Identity) error {
	s, err := badgerdb.Inspect(dir, lazy)
	if err == nil {
		_, err = check(dir, s, id.Cluster, id.Number)
		err = errors.Join(err, s.Close())
	}
	switch {
	case err == nil:
		return fmt.Errorf("%w: the log in %s is not refused: there is nothing to accept (of a loss that participants have shown: accept it while the coordinator runs)", txc.ErrInvalid, dir)
	case errors.Is(err, txc.ErrRefused) && !errors.Is(err, wal.ErrNewer):
		return nil
	}
	return err
}

// rebuild makes the new log in at.
func rebuild(dir, at string, id badgerdb.Identity, who, why string) (loss Loss, err error) {
	s, err := badgerdb.Salvage(dir)
	if err != nil {
		return loss, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	f := salvage(s, id.Cluster, id.Number)
	groups := f.linked(s)
	if err := os.Mkdir(at, 0o700); err != nil {
		return loss, fmt.Errorf("make %s: %w", at, err)
	}
	if err := errors.Join(makeHead(at), badgerdb.Adopt(at, id)); err != nil {
		return loss, err
	}
	loss = Loss{Last: f.end.Last(), First: f.end.Next, Lost: f.lost(s, dir)}
	if len(groups) > 0 {
		loss.First = groups[0]
	}
	l := &Log{opened: time.Now(), o: Options{Cluster: id.Cluster, Number: id.Number, Now: time.Now, CheckpointEvery: math.MaxInt32, HistoryAge: DefaultHistoryAge, HistorySize: math.MaxInt64}}
	l.db, err = badgerdb.Open(at, badgerdb.Options{Role: id.Role, Cluster: id.Cluster, Number: id.Number, MinFree: 1, Ballast: -1})
	if err != nil {
		return loss, err
	}
	if err := l.fill(s, f, groups, loss, who, why, at); err != nil {
		return loss, errors.Join(err, l.head.close(), l.db.Close(context.Background()))
	}
	if err := errors.Join(l.head.close(), l.db.Close(context.Background())); err != nil {
		return loss, err
	}
	return loss, badgerdb.WriteFile(filepath.Join(at, fileDone), []byte(freeName(dir)))
}

// fill copies the groups, makes their indexes, and writes the Resolution and a checkpoint behind them.
func (l *Log) fill(s reader, f *found, groups []uint64, loss Loss, who, why, at string) (err error) {
	if l.head, err = openHead(at); err != nil {
		return err
	}
	l.state, l.end, l.durable = f.state, f.end, f.end
	w := &writer{db: l.db}
	w.set(keyFront, frontValue(loss.First))
	for _, first := range groups {
		b, _, err := s.Get(groupKey(first))
		if err != nil {
			return err
		}
		w.set(groupKey(first), b)
		g, err := wal.DecodeGroup(b)
		if err != nil {
			return err
		}
		l.index.begin(first, len(b))
		err = g.Records(func(r wal.Record, _ []byte) error {
			l.stageRecord(w, &r, &l.sums)
			return nil
		})
		if err != nil {
			return err
		}
		if w.full() {
			if err := w.commit(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(l.carryOn(s, w), w.commit()); err != nil {
		return err
	}
	l.recent, l.front = l.index.current, loss.First
	epoch := max(f.end.Epoch, 1)
	for _, r := range loss.Lost {
		epoch = max(epoch, r.Epoch)
	}
	if loss.First > l.state.Front() || len(groups) == 0 {
		// Nobody can tell any more which ids the lost history had: all that were issued before may be of it.
		floor := txc.ID{Coordinator: l.o.Number, Epoch: epoch, Sequence: math.MaxUint64}
		if err := l.own(wal.DroppedBody{Floor: floor, Next: loss.First}); err != nil {
			return err
		}
	}
	if err := l.own(wal.ResolutionBody{What: wal.ResolveLoss, Epoch: epoch, Lost: loss.Lost, Who: who, Why: why}); err != nil {
		return err
	}
	return l.checkpoint()
}

// carryOn copies the commits under users' keys whose groups were dropped.
func (l *Log) carryOn(s reader, w *writer) error {
	return s.ScanFrom([]byte{prefixCarried}, nil, func(key, value []byte) (bool, error) {
		r, err := decodeCarried(value)
		if err != nil {
			return true, nil // what cannot be read is what is lost
		}
		w.set(slices.Clone(key), slices.Clone(value))
		w.set(userKey(ofUser(r)), keyEntry(r.ID, r.LSN))
		return true, nil
	})
}

// freeName is a name for the copy that is not taken.
func freeName(dir string) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("lost-%d", n)
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// replace puts the new files into the places of the old ones. It may be run again after any crash.
func replace(dir string) (lost string, err error) {
	at := filepath.Join(dir, dirAccept)
	name, err := os.ReadFile(filepath.Join(at, fileDone))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", fileDone, err)
	}
	lost = filepath.Join(dir, filepath.Base(string(name)))
	if err := os.MkdirAll(lost, 0o700); err != nil {
		return "", fmt.Errorf("make %s: %w", lost, err)
	}
	for _, name := range []string{"badger", fileHead} {
		from, to := filepath.Join(at, name), filepath.Join(dir, name)
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue // done before
		}
		if err := os.Rename(to, filepath.Join(lost, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("keep %s: %w", to, err)
		}
		if err := os.Rename(from, to); err != nil {
			return "", fmt.Errorf("put %s in its place: %w", to, err)
		}
	}
	if err := errors.Join(badgerdb.SyncDir(lost), badgerdb.SyncDir(dir)); err != nil {
		return "", err
	}
	if err := os.RemoveAll(at); err != nil {
		return "", fmt.Errorf("remove %s: %w", at, err)
	}
	return lost, badgerdb.SyncDir(dir)
}
