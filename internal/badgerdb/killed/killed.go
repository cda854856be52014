package killed

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
		err := copyFile(filepath.Join(from, rel), filepath.Join(to, rel))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// copyFile copies what is not a hole, of files that are mostly holes.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	return errors.Join(copyData(in, out), out.Close(), in.Close())
}

func copyData(in, out *os.File) error {
	const seekData, seekHole = 3, 4 // of Linux
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := out.Truncate(info.Size()); err != nil {
		return err
	}
	for end := int64(0); ; {
		begin, err := in.Seek(end, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return nil // nothing but a hole is left
		}
		if err == nil {
			end, err = in.Seek(begin, seekHole)
		}
		if err == nil {
			_, err = io.Copy(io.NewOffsetWriter(out, begin), io.NewSectionReader(in, begin, end-begin))
		}
		if err != nil {
			return err
		}
	}
}
