package killed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// attempts bounds how often a copy is made again.
const attempts = 1000

// Copy copies the directory. Holes in files stay holes.
func Copy(from, to string) error {
	for range attempts {
		before, err := fingerprint(from)
		if err != nil {
			return err
		}
		if err := copyOnce(from, to); err != nil {
			return err
		}
		after, err := fingerprint(from)
		if err != nil {
			return err
		}
		if before == after {
			return nil
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s changed all the time while it was copied", from)
}

// fingerprint is the names, sizes and times of everything that Badger makes in the background.
func fingerprint(dir string) (string, error) {
	var b strings.Builder
	err := walk(dir, func(rel string, e fs.DirEntry) error {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, rel, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return b.String(), err
}

func walk(dir string, f func(rel string, e fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed in the meantime
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return f(rel, e)
	})
}

func copyOnce(from, to string) error {
	return walk(from, func(rel string, e fs.DirEntry) error {
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		data, err := os.ReadFile(filepath.Join(from, rel))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		used := len(strings.TrimRight(string(data), "\x00"))
		if err := os.WriteFile(filepath.Join(to, rel), data[:used], 0o600); err != nil {
			return err
		}
		return os.Truncate(filepath.Join(to, rel), int64(len(data)))
	})
}
