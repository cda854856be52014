package badgerdb

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// lookEvery is how many bytes are written between two looks at the free space.
const lookEvery = 1 << 20

// critical is the part of MinFree below which the ballast is given up.
const critical = 8

// room watches the disk's free space and keeps the ballast.
type room struct {
	dir     string
	minFree uint64
	kept    uint64 // bytes that the ballast keeps back while it is there
	logger  *slog.Logger

	mu      sync.Mutex
	ballast bool // the file is there
	since   int  // bytes written since the last look
}

// newRoom fills the ballast up again. Without space for it the log still opens: what runs must be able to finish.
func newRoom(dir string, o Options) *room {
	r := &room{dir: dir, minFree: o.MinFree, kept: uint64(max(o.Ballast, 0)), logger: o.Logger}
	path := filepath.Join(dir, fileBallast)
	if o.Ballast < 0 {
		return r
	}
	if info, err := os.Lstat(path); err == nil && info.Size() == o.Ballast {
		r.ballast = true
		return r
	}
	free, err := freeBytes(dir)
	if err == nil && free < uint64(o.Ballast)+r.minFree/critical {
		err = syscall.ENOSPC
	}
	if err == nil {
		err = fillBallast(path, o.Ballast)
	}
	if err != nil {
		r.logger.Warn("no space for the ballast", "dir", dir, "err", err)
		return r
	}
	r.ballast = true
	return r
}

// fillBallast really writes the bytes: a sparse file would keep no space back.
func fillBallast(path string, size int64) error {
	if err := removeIfThere(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("make ballast: %w", err)
	}
	chunk := make([]byte, 1<<20)
	for i := range chunk {
		chunk[i] = byte(i*7 + 1)
	}
	for left := size; left > 0 && err == nil; left -= int64(len(chunk)) {
		_, err = file.Write(chunk[:min(left, int64(len(chunk)))])
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("fill ballast: %w", err), removeIfThere(path))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// look tells the free space, and gives the ballast up when that is very short. What the ballast kept back is for what
// runs: without it, new work needs that much more.
func (r *room) look() (free uint64, low bool) {
	free, err := freeBytes(r.dir)
	if err != nil {
		r.logger.Warn("cannot tell the free space", "dir", r.dir, "err", err)
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ballast && free < r.minFree/critical {
		if err := removeIfThere(filepath.Join(r.dir, fileBallast)); err != nil {
			r.logger.Warn("cannot remove the ballast", "dir", r.dir, "err", err)
		} else {
			r.ballast = false
			r.logger.Warn("disk nearly full: ballast removed, so that what runs may finish", "dir", r.dir, "free", free)
		}
	}
	need := r.minFree
	if !r.ballast {
		need += r.kept
	}
	return free, free < need
}

// wrote looks now and then while data is written.
func (r *room) wrote(n int) {
	r.mu.Lock()
	r.since += n
	due := r.since >= lookEvery
	if due {
		r.since = 0
	}
	r.mu.Unlock()
	if due {
		r.look()
	}
}

func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}
