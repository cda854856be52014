package badgerdb

import (
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
)

// poison is why nothing is written any more. It has a lock of its own: Badger's goroutines set it while a Commit waits
// for them.
type poison struct {
	mu     sync.Mutex
	err    error
	failed chan struct{} // closed when err is set
}

// Err is the error that poisoned the database, or nil.
func (d *DB) Err() error {
	d.poison.mu.Lock()
	defer d.poison.mu.Unlock()
	return d.poison.err
}

// Failed is closed when the database poisons itself.
func (d *DB) Failed() <-chan struct{} { return d.poison.failed }

// Poison stops all writing, for an owner that saw one of its own files beside Badger fail. A Commit that runs ends first.
func (d *DB) Poison(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail(err)
}

// fail poisons the database. It returns the error that all later callers get: the first.
func (d *DB) fail(err error) error {
	d.poison.mu.Lock()
	defer d.poison.mu.Unlock()
	if d.poison.err == nil {
		d.poison.err = fmt.Errorf("%w: %w", txc.ErrStopped, err)
		close(d.poison.failed)
		d.o.Logger.Error("database poisoned: nothing more is written, the process must exit", "dir", d.dir, "err", err)
	}
	return d.poison.err
}
