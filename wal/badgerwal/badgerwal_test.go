package badgerwal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txc-dev/txc/internal/badgerdb/killed"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/waltest"
)

// small are options that make everything happen early.
func small() badgerwal.Options {
	return badgerwal.Options{Cluster: waltest.Cluster, Number: waltest.Number, MinFree: 1, Ballast: -1, CheckpointEvery: 100, MemTable: 5 << 20}
}

// store is a log in a directory that is left behind whenever the log is killed.
type store struct {
	t   *testing.T
	dir string
	o   badgerwal.Options
}

func newStore(t *testing.T) *store {
	return &store{t: t, dir: filepath.Join(t.TempDir(), "data"), o: small()}
}

func (s *store) Open(mark uint64, now func() time.Time) (wal.Log, wal.Recovery, error) {
	o := s.o
	o.Mark, o.Now = func() uint64 { return mark }, now
	l, rec, err := badgerwal.Open(s.dir, o)
	if err != nil {
		return nil, rec, err
	}
	return l, rec, nil
}

// Kill goes on with a copy of the files as they are at this moment: what SIGKILL would leave.
func (s *store) Kill(l wal.Log) error {
	left := filepath.Join(s.t.TempDir(), "data")
	if err := killed.Copy(s.dir, left); err != nil {
		return err
	}
	err := l.Close(context.Background())
	if errors.Is(err, badgerwal.ErrTest) || errors.Is(err, os.ErrClosed) {
		err = nil // it was made to fail
	}
	err = errors.Join(err, os.RemoveAll(s.dir))
	s.dir = left
	return err
}

func (s *store) Flush(l wal.Log) error { return l.(*badgerwal.Log).Flush() }

func (s *store) Fail(l wal.Log, durable bool) error {
	return l.(*badgerwal.Log).FailNext(durable)
}

func TestLog(t *testing.T) {
	waltest.Run(t, func(t *testing.T) waltest.Store { return newStore(t) })
}
