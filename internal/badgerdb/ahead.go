package badgerdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// aheadFile is Badger's newest write-ahead file, and who makes Commits durable.
//
// With SyncWrites Badger would do that: it syncs two files for each transaction, the value log first, which of ours never
// holds anything, and an empty sync is one more flush of the disk. So SyncWrites is off, and the file that a Commit went
// to is synced here, when Badger has written it. That is one file: Badger looks for room in a write-ahead file before a
// transaction, not amid it. Badger's own Sync would not do: where a new file was begun, it forgets the one before.
type aheadFile struct {
	dir    string
	number int
	file   *os.File
}

// firstSync runs when Badger has opened: its files are private, their names durable, what is in them too, and the newest
// write-ahead file is known.
func (d *DB) firstSync() error {
	dir := filepath.Join(d.dir, dirBadger)
	d.ahead.dir = dir
	if err := makePrivate(dir); err != nil {
		return err
	}
	files, err := memFiles(dir)
	if err != nil {
		return err
	}
	for _, n := range files {
		if err := d.ahead.follow(n); err != nil && !errors.Is(err, fs.ErrNotExist) { // emptied into a table, and removed
			return err
		}
	}
	if d.ahead.file == nil {
		return Refused("badger has no write-ahead file in %s: restore the directory from a backup", dir)
	}
	if err := d.ahead.whole(); err != nil {
		return err
	}
	if err := errors.Join(SyncDir(dir), SyncDir(d.dir)); err != nil {
		return err
	}
	d.badger.SetDiscardTs(d.views.durable(d.last))
	return nil
}

// sync makes durable what Badger has just written. The name of a new file, too: Badger does not, and a file without a
// name holds nothing after a power loss.
func (a *aheadFile) sync() error {
	found := false
	for {
		err := a.follow(a.number + 1)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		found = true
	}
	if err := a.data(); err != nil || !found {
		return err
	}
	return SyncDir(a.dir)
}

// follow goes on to a file, once what is in the one before is durable. Of what Badger has cut off there, a crash's
// leavings behind the last transaction, that is as needed as of what it has written: it must not come back behind newer
// files.
func (a *aheadFile) follow(number int) error {
	path := filepath.Join(a.dir, memName(number))
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("open write-ahead file: %w", err)
	}
	before := *a
	a.number, a.file = number, file
	if err := file.Chmod(0o600); err != nil {
		return errors.Join(fmt.Errorf("make %s private: %w", path, err), before.close())
	}
	return errors.Join(before.whole(), before.close())
}

// whole syncs everything about the file.
func (a *aheadFile) whole() error {
	if a.file == nil {
		return nil
	}
	return a.file.Sync()
}

// data syncs what is needed to read it again.
func (a *aheadFile) data() error {
	for {
		err := syscall.Fdatasync(int(a.file.Fd()))
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("sync %s: %w", a.file.Name(), err)
		}
	}
}

func (a *aheadFile) close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}
