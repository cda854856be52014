package disk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/suite"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// fuseNeeded says what is missing to mount a FUSE file system.
func fuseNeeded() error {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return fmt.Errorf("%w: /dev/fuse", suite.ErrMissing)
	}
	if _, err := exec.LookPath("fusermount3"); err != nil && os.Getuid() != 0 {
		return fmt.Errorf("%w: fusermount3, or root", suite.ErrMissing)
	}
	return nil
}

// forking is held while a process is started: for a moment it has every open file of this one, and with it the lock of a
// directory that is being looked at.
var forking sync.RWMutex

// brokenPatience is what a Close has over a disk that fails.
const brokenPatience = 500 * time.Millisecond

// live has a victim live on a disk, to its end, and gives all that reached that disk.
func live(ctx context.Context, kind string, fault faultfs.Fault) (*faultfs.Disk, error) {
	ctx, cancel := context.WithTimeout(ctx, lifeLimit+10*time.Second)
	defer cancel()
	at, err := mounts.Dir()
	if err != nil {
		return nil, err
	}
	d := faultfs.NewDisk(fault)
	unmount, err := faultfs.Mount(at, mounts.Name(), d)
	if err != nil {
		return nil, errors.Join(err, os.Remove(at))
	}
	var out bytes.Buffer
	args := []string{"-victim", kind, "-dir", at}
	if fault != (faultfs.Fault{}) {
		args = append(args, "-patience", brokenPatience.String())
	}
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	forking.Lock()
	err = cmd.Start()
	forking.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	if fault != (faultfs.Fault{}) && ctx.Err() == nil && !strings.Contains(out.String(), broken) {
		err = nil // it may die of what its disk does to it
	}
	if err != nil {
		err = fmt.Errorf("the victim: %w\n%.3000s", err, out.String())
	}
	return d, errors.Join(err, unmount(), os.Remove(at))
}

// image makes a directory of what a disk holds, has it looked at, and takes it away.
func image(ops []faultfs.Op, keep faultfs.Keep, look func(dir string) error) error {
	dir, err := mounts.Dir()
	if err != nil {
		return err
	}
	if err := faultfs.Image(dir, ops, keep); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return errors.Join(look(filepath.Join(dir, "data")), os.RemoveAll(dir))
}

// told is what a victim was told before a power cut, or its end.
type told struct {
	lsn   uint64            // log: the last one acknowledged
	ids   []txc.ID          // log: committed
	epoch uint32            // log
	fates map[uint64]string // kv: the last word on each branch
	wrong []string          // what may never be said
	done  bool              // the victim came to the end without a failure
}

func toldBy(lines []string) (told, error) {
	t := told{fates: map[uint64]string{}}
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "acknowledged":
			var id string
			if _, err = fmt.Sscan(rest, &t.lsn, &id); err == nil {
				var parsed txc.ID
				parsed, err = txc.ParseID(id)
				t.ids = append(t.ids, parsed)
			}
		case "opened":
			_, err = fmt.Sscan(rest, &t.epoch)
		case "promised", "committed", "aborted":
			var n uint64
			_, err = fmt.Sscan(rest, &n)
			t.fates[n] = word
		case "alive", "unbounded":
			t.wrong = append(t.wrong, line)
		case "failed:", "close:", "open:", "closed":
		case "done":
			t.done = true
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return t, fmt.Errorf("the victim says %q: %w", line, err)
		}
	}
	return t, nil
}

// checkLog opens a log and wants everything in it that was acknowledged.
func checkLog(ctx context.Context, dir string, t told) error {
	l, rec, err := badgerwal.Open(dir, logOptions())
	if err != nil {
		return err
	}
	if rec.Head < t.lsn {
		err = fmt.Errorf("the log ends at %d, acknowledged was %d", rec.Head, t.lsn)
	}
	if rec.Epoch <= t.epoch {
		err = errors.Join(err, fmt.Errorf("epoch %d after %d", rec.Epoch, t.epoch))
	}
	for _, id := range t.ids {
		if _, _, ok, e := l.Find(id); e != nil || !ok {
			err = errors.Join(err, fmt.Errorf("%v was acknowledged: found %v, %v", id, ok, e))
		}
	}
	if err = errors.Join(err, l.Close(ctx)); err != nil {
		return err
	}
	_, err = badgerwal.Verify(dir)
	return err
}

// checkKV opens a store and wants everything in it that was told: promises with what is needed to commit them.
func checkKV(ctx context.Context, dir string, t told) error {
	s, err := kv.Open(ctx, dir, kvOptions())
	if err != nil {
		return err
	}
	doubt := map[uint64]bool{}
	for d, e := range s.InDoubt(ctx) {
		err = errors.Join(err, e)
		doubt[d.ID.Sequence] = true
	}
	for n, word := range t.fates {
		_, there, e := s.Get(branchOf(n).ID.String())
		switch {
		case e != nil:
			err = errors.Join(err, e)
		case word == "committed" && (!there || doubt[n]), word == "aborted" && (there || doubt[n]):
			err = errors.Join(err, fmt.Errorf("%d was %s: in doubt %v, its value there %v", n, word, doubt[n], there))
		case word == "promised" && there && doubt[n]:
			err = errors.Join(err, fmt.Errorf("%d is in doubt and applied", n))
		case word == "promised" && n%4 == 0 && !doubt[n]:
			err = errors.Join(err, fmt.Errorf("%d was promised, and the promise is gone", n))
		}
		if doubt[n] {
			if f, e := s.Commit(ctx, branchOf(n), nil); e != nil || f != txc.CommittedNow {
				err = errors.Join(err, fmt.Errorf("%d was promised; its commit: %v, %v", n, f, e))
			}
		}
	}
	return errors.Join(err, s.Close(ctx))
}

// check is that of either kind.
func check(ctx context.Context, kind, dir string, t told) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) && len(t.ids)+len(t.fates) == 0 {
		return nil // it was not even made
	}
	forking.RLock()
	defer forking.RUnlock()
	if kind == "log" {
		return checkLog(ctx, dir, t)
	}
	return checkKV(ctx, dir, t)
}

// again says what failed, and how it is made again.
func again(t *testing.T, format string, args ...any) string {
	t.Helper()
	return fmt.Sprintf(format, args...) + fmt.Sprintf(" (again: go test ./tests/disk -run '%s' -size %v -seed %d)", t.Name(), *size, *seed)
}
