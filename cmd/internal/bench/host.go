package bench

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Host is where and when something was measured.
type Host struct {
	Date  string `json:"date"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

func host() Host {
	return Host{time.Now().UTC().Format(time.RFC3339), runtime.GOMAXPROCS(0), runtime.Version()}
}

// diskUse is what a directory's files take on the disk, in bytes: blocks, for files are made longer than they are full.
func diskUse(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st syscall.Stat_t
		if err == nil {
			err = syscall.Lstat(path, &st)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile
		}
		n += st.Blocks * 512
		return err
	})
	return n, err
}
