package badgerdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/txc-dev/txc"
)

// Names inside a data directory.
const (
	fileIdentity = "IDENTITY"
	fileHead     = "HEAD"
	fileLock     = "LOCK"
	fileBallast  = "ballast"
	dirBadger    = "badger"
)

// ownDirectory makes the directory if it is missing, checks that no link leads out of it, and locks it.
func ownDirectory(dir, address string) (*lock, error) {
	if err := makeDirectory(dir); err != nil {
		return nil, err
	}
	l, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	if err := checkTree(dir); err != nil {
		return nil, errors.Join(err, l.release())
	}
	if err := l.describe(address); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

func makeDirectory(dir string) error {
	info, err := os.Lstat(filepath.Clean(dir)) // "link/" would be looked through
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		return SyncDir(filepath.Dir(filepath.Clean(dir)))
	case err != nil:
		return fmt.Errorf("look at data directory: %w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: data directory %s is a symbolic link: name the directory itself", txc.ErrInvalid, dir)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a directory", txc.ErrInvalid, dir)
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("make data directory private: %w", err)
		}
	}
	return nil
}

// checkTree refuses symbolic links, hard links and special files: with one of them a data directory could share or
// overwrite files that belong to somebody else.
func checkTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.IsDir() {
			return nil
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s is not a regular file: remove the link, or copy what it points to", txc.ErrInvalid, path)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
			return fmt.Errorf("%w: %s has more than one name (hard link): copy it instead", txc.ErrInvalid, path)
		}
		return nil
	})
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open directory to sync it: %w", err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync directory %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

// WriteFile replaces a small file so that after any crash it is the old one or the new one, whole.
func WriteFile(path string, data []byte) error {
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", path, err), file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("close %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("rename %s: %w", path, err)
	}
	return SyncDir(filepath.Dir(path))
}
