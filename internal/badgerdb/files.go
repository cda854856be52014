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
