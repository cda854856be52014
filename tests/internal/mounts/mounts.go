package mounts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/txc-dev/txc/tests/internal/suite"
)

var made atomic.Int64

// name is a new one of this run's.
func name() string { return fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), made.Add(1)) }

// Name is a new name for a file system that the caller mounts, so that Main finds it.
func Name() string { return name() }

// Base is where images and copies of data directories go: in memory, where there is such a place.
func Base() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && syscall.Access(memory, 2) == nil {
		return memory
	}
	return os.TempDir()
}

// Dir makes a directory that Main takes away, whatever happens to the test.
func Dir() (string, error) {
	dir := filepath.Join(Base(), name())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	return dir, nil
}

// Needed says what is missing to make file systems here; nil: nothing.
func Needed() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("%w: only root can mount", suite.ErrMissing)
	}
	for _, tool := range []string{"mkfs.ext4", "losetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s", suite.ErrMissing, tool)
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return fmt.Errorf("%w: loop devices", suite.ErrMissing)
	}
	return nil
}

// Mount is a mounted file system.
type Mount struct {
	At     string
	image  string // of ext4
	device string
}

// Ext4 makes a file system of so many bytes and mounts it on a directory, which is made if it is missing.
func Ext4(at string, bytes int64) (*Mount, error) {
	m := &Mount{At: at, image: filepath.Join(Base(), name())}
	file, err := os.OpenFile(m.image, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make an image: %w", err)
	}
	if err := errors.Join(file.Truncate(bytes), file.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("make an image: %w", err), m.Remove())
	}
	if _, err := run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1", m.image); err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	if m.device, err = run("losetup", "--find", "--show", m.image); err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	if err := m.Mount(); err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	if err := os.Remove(filepath.Join(at, "lost+found")); err != nil {
		return nil, errors.Join(err, m.Remove())
	}
	return m, nil
}

// Tmpfs mounts one of so many bytes on a directory, which is made if it is missing.
func Tmpfs(at string, bytes int64) (*Mount, error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount(name(), at, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs on %s: %w", at, err)
	}
	return &Mount{At: at}, nil
}

// Mount mounts an ext4 file system again: its journal is replayed.
func (m *Mount) Mount() error {
	if err := syscall.Mount(m.device, m.At, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.device, m.At, err)
	}
	return nil
}

// Cut cuts the power of an ext4 file system: its journal is not flushed, nothing more is written, and whatever asks for
// it gets EIO, until it is unmounted and mounted again.
func (m *Mount) Cut() error {
	const shutdown, noLogFlush = 0x8004587d, 2
	dir, err := os.Open(m.At)
	if err != nil {
		return fmt.Errorf("cut the power of %s: %w", m.At, err)
	}
	if err = unix.IoctlSetPointerInt(int(dir.Fd()), shutdown, noLogFlush); err != nil {
		err = fmt.Errorf("cut the power of %s: %w", m.At, err)
	}
	return errors.Join(err, dir.Close())
}

// Unmount unmounts it; an error while anything has a file on it open.
func (m *Mount) Unmount() error {
	if err := syscall.Unmount(m.At, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", m.At, err)
	}
	return nil
}

// Remove takes everything away, mounted or not, in use or not.
func (m *Mount) Remove() error {
	var all error
	for {
		err := syscall.Unmount(m.At, syscall.MNT_DETACH)
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOENT) {
			break // it is no mount point (any more)
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("unmount %s: %w", m.At, err))
			break
		}
	}
	if m.device != "" {
		_, err := run("losetup", "--detach", m.device)
		all = errors.Join(all, err)
		m.device = ""
	}
	if m.image != "" {
		all = errors.Join(all, os.Remove(m.image))
		m.image = ""
	}
	return all
}

func run(tool string, args ...string) (string, error) {
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", tool, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
