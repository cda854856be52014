package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/txc-dev/txc"
)

// maxLockText bounds what is read of another owner's LOCK file.
const maxLockText = 512

// lock is the ownership of a data directory: a flock on its LOCK file, and one on Badger's directory, which Badger's own
// tools respect.
type lock struct{ file, badger *os.File }

func lockDirectory(dir string) (*lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = flock(file, syscall.LOCK_EX)
	if err == nil {
		return &lock{file: file}, nil
	}
	owner := make([]byte, maxLockText)
	n, readErr := file.ReadAt(owner, 0)
	who := strings.TrimSpace(string(owner[:n]))
	if who == "" {
		who = "another process"
	}
	closeErr := file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s is in use by %s: stop that one, or name another directory", txc.ErrBusy, dir, who)
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), readErr, closeErr)
}

// lockBadger does what Badger's own guard would do. Badger's gives its lock free by closing a file, see unlock.
func (l *lock) lockBadger(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open %s to lock it: %w", dir, err)
	}
	if err := flock(d, syscall.LOCK_EX); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: a tool of Badger's has it open: stop that one", txc.ErrBusy)
		}
		return errors.Join(fmt.Errorf("lock %s: %w", dir, err), d.Close())
	}
	l.badger = d
	return nil
}

// describe writes who holds the lock, for the message that another one gets.
func (l *lock) describe(address string) error {
	text := fmt.Sprintf("pid %d", os.Getpid())
	if address != "" {
		text += " at " + address
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	if _, err := l.file.WriteAt([]byte(text+"\n"), 0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	return nil
}

func (l *lock) release() (err error) {
	if l.file == nil {
		return nil
	}
	if l.badger != nil {
		err = unlock(l.badger)
	}
	err = errors.Join(err, unlock(l.file))
	l.file, l.badger = nil, nil
	return err
}

// Borrow keeps owners out of a directory while it is read, and writes nothing into it. txc.ErrBusy: it has an owner.
// txc.ErrInvalid: nobody ever opened it.
func Borrow(dir string) (release func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: not the directory of a store: %w", txc.ErrInvalid, err)
	}
	if err := flock(file, syscall.LOCK_SH); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: a process has it open: stop that one, or name a copy", txc.ErrBusy)
		}
		return nil, errors.Join(err, file.Close())
	}
	return func() error { return unlock(file) }, nil
}

func flock(file *os.File, how int) error { return syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB) }

// unlock ends a flock and closes its file. To close it would not be enough: a process that is being started has all files
// of this one until it executes its program, and a flock lasts for as long as anybody has its file.
func unlock(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}
