package badgerdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// firstSync runs when Badger has opened: its files are private, their names durable, and the newest write-ahead file
// is known.
func (d *DB) firstSync() error {
	dir := filepath.Join(d.dir, dirBadger)
	if err := makePrivate(dir); err != nil {
		return err
	}
	files, err := memFiles(dir)
	if err != nil {
		return err
	}
	for _, n := range files {
		d.memFile = n
		if err := syncFile(filepath.Join(dir, memName(n))); err != nil {
			return err
		}
	}
	if err := SyncDir(dir); err != nil {
		return err
	}
	return SyncDir(d.dir)
}

// syncFile makes a write-ahead file's size durable: Badger has cut off what a crash left behind the last transaction,
// and that must not come back behind newer files. Badger may have emptied the file into a table and removed it.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// removeHollow removes files without any content, which Badger cannot open: it was killed while it made or removed
// them.
func (s *Snapshot) removeHollow() error {
	for _, path := range s.hollow {
		if err := removeIfThere(path); err != nil {
			return fmt.Errorf("remove an empty file: %w", err)
		}
	}
	if len(s.hollow) == 0 {
		return nil
	}
	return SyncDir(s.dir)
}

// syncNewFiles syncs the directory when Badger has started a new write-ahead file: Badger itself does not, and a file
// without a name holds nothing after a power loss. Needs d.mu.
func (d *DB) syncNewFiles() error {
	dir := filepath.Join(d.dir, dirBadger)
	found := false
	for {
		path := filepath.Join(dir, memName(d.memFile+1))
		if _, err := os.Lstat(path); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("look for a new write-ahead file: %w", err)
			}
			break
		}
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("make %s private: %w", path, err)
		}
		d.memFile++
		found = true
	}
	if !found {
		return nil
	}
	return SyncDir(dir)
}

func memName(n int) string { return fmt.Sprintf("%05d.mem", n) }

// memFiles lists the numbers of Badger's write-ahead files, ascending.
func memFiles(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var all []int
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".mem")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(name)
		if err != nil || memName(n) != e.Name() {
			return nil, Refused("%s is not a file of this directory: move it away", filepath.Join(dir, e.Name()))
		}
		all = append(all, n)
	}
	slices.Sort(all) // names are in another order from 100000 on
	return all, nil
}

// makePrivate takes other users' rights from Badger's files: it makes them with the process's own mask.
func makePrivate(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make %s private: %w", path, err)
		}
	}
	return nil
}

// environmental tells the machine's troubles from damaged files. Badger flattens errors to text, so their words are
// compared too.
func environmental(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EMFILE, syscall.ENFILE, syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOMEM, syscall.EDQUOT} {
		if errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error()) {
			return true
		}
	}
	return strings.Contains(err.Error(), "Cannot acquire directory lock")
}
