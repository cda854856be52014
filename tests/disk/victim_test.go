package disk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// A victim opens its store under data, works, closes it, and does so again. It tells in the notes what it was told.
const (
	openings   = 2
	rounds     = 14               // in each opening
	closeSlack = 3 * time.Second  // that it may take more, on a busy machine
	lifeLimit  = 90 * time.Second // of a victim: it hangs
)

// broken begins what a victim says when it dies in a way that no fault excuses.
const broken = "broken victim: "

// errFailed says that the store has failed and was told so: the victim's life is over.
var errFailed = errors.New("the store has failed")

// notes are a victim's own words; the disk under test keeps them among its changes.
type notes struct {
	file        *os.File
	beforeClose func() error // of the last opening
}

func (n notes) say(format string, args ...any) {
	if _, err := n.file.WriteString(fmt.Sprintf(format, args...) + "\n"); err != nil {
		panic(broken + err.Error())
	}
}

// runVictim is a victim's life; its exit code is 0 whatever befell its store.
func runVictim(kind, dir string) int {
	time.AfterFunc(lifeLimit, func() { panic(broken + "it hangs") })
	file, err := os.OpenFile(filepath.Join(dir, faultfs.NotesFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(broken + err.Error())
	}
	n, data := notes{file: file}, filepath.Join(dir, "data")
	for opening := range uint64(openings) {
		if err := lifeOf(kind)(n, data, opening); err != nil {
			return 0
		}
	}
	n.say("done")
	return 0
}

// lifeOf is what a victim of this kind does in one opening.
func lifeOf(kind string) func(n notes, dir string, opening uint64) error {
	switch kind {
	case "log":
		return logLife
	case "log-large":
		return logLargeLife
	case "log-fill":
		return logFillLife
	case "kv-fill":
		return kvFillLife
	case "kv":
		return kvLife
	case "bare":
		return bareUpdates
	case "bare-groups":
		return bareGroups
	case "bare-synced":
		return bareHeld(same)
	case "bare-unsynced":
		return bareHeld(unsynced)
	case "bare-fill":
		return bareFill
	}
	panic(broken + "no kind " + kind)
}

// closing closes a store within a bound, and tells if that was not kept.
func closing(n notes, f func(ctx context.Context) error) error {
	if n.beforeClose != nil {
		if err := n.beforeClose(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), *patience)
	defer cancel()
	began := time.Now()
	err := f(ctx)
	if took := time.Since(began); took > *patience+closeSlack {
		n.say("unbounded Close: %v", took)
	}
	if err != nil {
		n.say("close: %v", err)
		return errFailed
	}
	n.say("closed")
	return nil
}

// logOptions make everything happen early.
func logOptions() badgerwal.Options {
	return badgerwal.Options{Cluster: "txc", Number: 1, MinFree: 1, Ballast: -1, MemTable: 5 << 20, CheckpointEvery: 16}
}

// logLife is one opening of a coordinator's log.
func logLife(n notes, dir string, opening uint64) error {
	l, rec, err := badgerwal.Open(dir, logOptions())
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	n.say("opened %d", rec.Epoch)
	for i := range uint64(rounds) {
		id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: opening*rounds + i + 1}
		body := wal.CommitBody{Members: []wal.Member{{Participant: "bank-a"}, {Participant: "bank-b"}}}
		if i%4 == 0 {
			body.Key = fmt.Sprint("key-", id.Sequence)
		}
		lsn, err := l.Append(context.Background(), []wal.Record{wal.New(id, time.Now(), body)})
		if err != nil {
			tryAgain(n, err, func() error {
				_, err := l.Append(context.Background(), []wal.Record{wal.New(id, time.Now(), body)})
				return err
			})
			return errors.Join(closing(n, l.Close), errFailed)
		}
		n.say("acknowledged %d %s", lsn, id)
		if i%2 == 0 { // lazily: it rides with the next one
			if _, err := l.Append(context.Background(), []wal.Record{wal.New(id, time.Now(), wal.EndBody{})}); err != nil {
				n.say("failed: %v", err)
				return errors.Join(closing(n, l.Close), errFailed)
			}
		}
	}
	return closing(n, l.Close)
}

// logLargeLife appends groups that take several memtables (B6).
func logLargeLife(n notes, dir string, opening uint64) error {
	l, rec, err := badgerwal.Open(dir, logOptions())
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	n.say("opened %d", rec.Epoch)
	for i := range uint64(6) {
		id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: opening*rounds + i + 1}
		recs := []wal.Record{wal.New(id, time.Now(), wal.CommitBody{Members: []wal.Member{{Participant: "bank-a"}}})}
		for j := range i * 15 {
			other := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: 1000 + j}
			recs = append(recs, wal.New(other, time.Now(), wal.AbortBody{Key: strings.Repeat("x", 50<<10)}))
		}
		lsn, err := l.Append(context.Background(), recs)
		if err != nil {
			n.say("failed: %v", err)
			return errors.Join(closing(n, l.Close), errFailed)
		}
		n.say("acknowledged %d %s", lsn, id)
	}
	return closing(n, l.Close)
}

// logFillLife appends until the disk is full, and beyond.
func logFillLife(n notes, dir string, _ uint64) error {
	l, rec, err := badgerwal.Open(dir, logOptions())
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	for i := uint64(1); ; i++ {
		recs := []wal.Record{
			wal.New(txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: i}, time.Now(), wal.CommitBody{Members: []wal.Member{{Participant: "bank-a"}}}),
			wal.New(txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: i}, time.Now(), wal.AbortBody{Key: strings.Repeat("x", 50<<10)}),
		}
		lsn, err := l.Append(context.Background(), recs)
		if err != nil {
			tryAgain(n, err, func() error { _, err := l.Append(context.Background(), recs); return err })
			return errors.Join(closing(n, l.Close), errFailed)
		}
		n.say("acknowledged %d %s", lsn, recs[0].ID)
	}
}

// kvFillLife promises and commits until the disk is full, and beyond.
func kvFillLife(n notes, dir string, _ uint64) error {
	s, err := kv.Open(context.Background(), dir, kvOptions())
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	for i := uint64(1); ; i++ {
		if err := kvBranch(n, s, i, strings.Repeat("x", 20<<10)); err != nil {
			tryAgain(n, err, func() error { return kvBranch(n, s, i+1, "done") })
			return errors.Join(closing(n, s.Close), errFailed)
		}
	}
}

// tryAgain asks a store that has failed once more: it must say the same for ever (C3, P11).
func tryAgain(n notes, was error, f func() error) {
	n.say("failed: %v", was)
	for range 3 {
		if err := f(); !errors.Is(err, txc.ErrStopped) || !errors.Is(was, txc.ErrStopped) {
			n.say("alive after %v: %v", was, err)
		}
	}
}

func kvOptions() kv.Options {
	return kv.Options{Cluster: "txc", Name: "bank-a", MinFree: 1, Ballast: -1, ApplyDelay: -1}
}

func branchOf(sequence uint64) participant.Branch {
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: sequence}, Mark: 9, Cluster: "txc", Participant: "bank-a", Age: sequence,
		Members: []string{"bank-a", "bank-b"}, Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 9, LSN: sequence},
	}
}

// kvLife is one opening of a participant's store: of its branches some are committed, some aborted, some left in doubt.
func kvLife(n notes, dir string, opening uint64) error {
	s, err := kv.Open(context.Background(), dir, kvOptions())
	if err != nil {
		n.say("open: %v", err)
		return errFailed
	}
	n.say("opened %d", s.Stamp())
	for i := range uint64(rounds) {
		if err := kvBranch(n, s, opening*rounds+i+1, "done"); err != nil {
			tryAgain(n, err, func() error { return kvBranch(n, s, opening*rounds+i+100, "done") })
			return errors.Join(closing(n, s.Close), errFailed)
		}
	}
	return closing(n, s.Close)
}

func kvBranch(n notes, s *kv.Store, sequence uint64, value string) error {
	b := branchOf(sequence)
	work, err := kv.Ops(kv.Put(b.ID.String(), value), kv.Get("read")).MarshalWork()
	if err != nil {
		panic(broken + err.Error())
	}
	p, err := s.Prepare(context.Background(), b, work, false)
	if err != nil {
		return err
	}
	if p.Vote != txc.Yes {
		return fmt.Errorf("%v: %v", p.Vote, p.Reason)
	}
	n.say("promised %d", sequence)
	switch sequence % 4 {
	case 0: // in doubt
		return nil
	case 1:
		if _, err := s.Abort(context.Background(), b, p.Evidence); err != nil {
			return err
		}
		n.say("aborted %d", sequence)
	default:
		if f, err := s.Commit(context.Background(), b, p.Evidence); err != nil || f != txc.CommittedNow {
			return errors.Join(err, fmt.Errorf("fate %v", f))
		}
		n.say("committed %d", sequence)
	}
	return nil
}
