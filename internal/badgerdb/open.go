package badgerdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/txc-dev/txc"
)

// Defaults.
const (
	DefaultMemTable = 16 << 20  // bytes of one memtable; a batch may have a fraction of it
	DefaultMinFree  = 512 << 20 // below this Room says low
	DefaultBallast  = 32 << 20
	CloseBound      = 10 * time.Second // Badger's own Close may never return on a dead disk
	valueThreshold  = 1 << 20          // values stay below it, out of Badger's value log
	valueLogFile    = 1 << 20          // the least that Badger takes: nothing is ever in it, but it is mapped and synced
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Role    string // RoleCoordinator or RoleKV
	Cluster string
	Number  uint32 // coordinator
	Name    string // kv: the participant
	Address string // told to whoever finds the directory in use; SetAddress changes it
	Logger  *slog.Logger

	MinFree  uint64 // free bytes below which Room says low; default DefaultMinFree
	Ballast  int64  // bytes; default DefaultBallast, negative: none
	MemTable int64  // bytes; default DefaultMemTable; tests make it small

	// Lazy lists first bytes of keys whose blocks Inspect does not read: whoever reads those values must be able to
	// tell by himself that one is missing or damaged. Such keys must sort above all others, because a damaged block
	// costs the rest of its table in a compaction.
	Lazy string

	// Head keeps a HEAD file, so that a shortened database is refused. An owner that has a better one needs none.
	Head bool

	// First runs once in a directory's life, before its IDENTITY exists.
	First func(dir string) error
	// Check looks at the content before Badger may change any file. Its error is Open's.
	Check func(s *Snapshot) error
}

func (o Options) withDefaults() (Options, error) {
	if o.Role != RoleCoordinator && o.Role != RoleKV {
		return o, fmt.Errorf("%w: role %q", txc.ErrInvalid, o.Role)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.Ballast == 0 {
		o.Ballast = DefaultBallast
	}
	if o.MemTable == 0 {
		o.MemTable = DefaultMemTable
	}
	return o, nil
}

// DB is an open data directory. Reads may run beside each other and beside Commit; Commits take turns.
type DB struct {
	dir      string
	o        Options
	identity Identity
	lock     *lock
	badger   *badger.DB
	room     *room
	disk     Disk

	mu     sync.Mutex // guards the next four, and makes Commits take turns
	ahead  aheadFile
	last   uint64 // the version of the last Commit
	head   headFile
	closed bool

	poison poison

	views      views
	reading    sync.RWMutex // held by readers, so that Badger is not closed under them
	unreadable bool

	commits, bytes atomic.Uint64 // since Open

	closing  sync.Once
	down     chan struct{} // closed when everything is
	closeErr error         // valid then
}

// Open owns the directory, checks everything in it, and opens Badger. An error that wraps txc.ErrRefused means that
// the content is not what it should be: no file was changed by the attempt (LOCK aside). txc.ErrBusy: somebody else
// has it open.
func Open(dir string, o Options) (*DB, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	l, err := ownDirectory(dir, o.Address)
	if err != nil {
		return nil, err
	}
	d := &DB{dir: dir, o: o, lock: l, poison: poison{failed: make(chan struct{})}, down: make(chan struct{})}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return d, nil
}

func (d *DB) open() (err error) {
	if d.identity, err = identify(d.dir, d.o); err != nil {
		return err
	}
	if err := d.inspect(); err != nil {
		return err
	}
	switch d.disk = examine(d.dir); {
	case errors.Is(d.disk.Err, syscall.EIO): // whoever cannot sync one page promises nothing
		return fmt.Errorf("the disk fails: %w", d.disk.Err)
	case d.disk.Err != nil: // a full disk, perhaps: what runs must be able to finish
		d.o.Logger.Warn("what a sync takes was not measured", "dir", d.dir, "err", d.disk.Err)
	}
	if err = d.ownBadger(); err != nil {
		return err
	}
	d.last = d.badger.MaxVersion()
	err = d.firstSync()
	if err == nil && d.o.Head {
		err = d.openHead()
	}
	if err != nil {
		return errors.Join(err, d.badger.Close(), d.ahead.close(), d.head.close())
	}
	d.room = newRoom(d.dir, d.o)
	return nil
}

// Look locks a directory that somebody else's program made, for reading only: read it with Inspect or Salvage, and call
// release in the end. txc.ErrNotFound: there is nothing of ours in it.
func Look(dir string) (id Identity, release func() error, err error) {
	if id, err = ReadIdentity(dir); err != nil {
		return id, nil, err
	}
	l, err := ownDirectory(dir, "")
	if err != nil {
		return id, nil, err
	}
	return id, l.release, nil
}

// ReadIdentity tells whose data a directory holds. txc.ErrNotFound: there is nothing of ours in it.
func ReadIdentity(dir string) (Identity, error) {
	data, err := os.ReadFile(filepath.Join(dir, fileIdentity))
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, fmt.Errorf("%w: %s has no %s file: name a data directory", txc.ErrNotFound, dir, fileIdentity)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", fileIdentity, err)
	}
	return parseIdentity(dir, data)
}

// Adopt writes the IDENTITY of another directory into a new one, which is to take its place.
func Adopt(dir string, id Identity) error { return writeIdentity(dir, id) }

// inspect looks at Badger's files, and lets the owner look at their content, before Badger may change any.
func (d *DB) inspect() error {
	s, err := Inspect(d.dir, d.o.Lazy)
	if err != nil {
		return err
	}
	if d.o.Head {
		err = s.CheckHead()
	}
	if err == nil && d.o.Check != nil {
		err = d.o.Check(s)
	}
	if err == nil {
		err = s.removeHollow()
	}
	return errors.Join(err, s.Close())
}

// ownBadger locks Badger's directory, and opens Badger.
func (d *DB) ownBadger() (err error) {
	dir := filepath.Join(d.dir, dirBadger)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	if err := d.lock.lockBadger(dir); err != nil {
		return err
	}
	d.badger, err = openBadger(dir, d.o, d.fail)
	return err
}

// openBadger opens Badger itself. What goes wrong here after Inspect is either the machine (no space, no handles) or
// damage that only Badger sees.
func openBadger(dir string, o Options, fail func(error) error) (db *badger.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, Refused("badger cannot read %s (%v): restore the directory from a backup", dir, p)
		}
	}()
	db, err = badger.OpenManaged(badgerOptions(dir, o).WithLogger(badgerLogger{o.Logger, fail}))
	if err != nil {
		if environmental(err) {
			return nil, fmt.Errorf("open badger: %w", err)
		}
		return nil, Refused("badger cannot open %s (%v): restore the directory from a backup", dir, err)
	}
	return db, nil
}

func badgerOptions(dir string, o Options) badger.Options {
	threshold := min(int64(valueThreshold), o.MemTable*15/100)
	return badger.DefaultOptions(dir).
		WithSyncWrites(false). // see aheadFile
		WithMemTableSize(o.MemTable).
		WithNumMemtables(3).
		WithNumCompactors(2).
		WithValueThreshold(threshold).
		WithValueLogFileSize(valueLogFile).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithDetectConflicts(false).
		WithBypassLockGuard(true). // the DB's lock has it
		WithMetricsEnabled(false)
}

// Dir is the data directory.
func (d *DB) Dir() string { return d.dir }

// Identity is what IDENTITY says.
func (d *DB) Identity() Identity { return d.identity }

// SetAddress changes what is told to whoever finds the directory in use.
func (d *DB) SetAddress(address string) error { return d.lock.describe(address) }

// Room tells the free bytes of the disk. low: refuse new work, so that what runs may finish.
func (d *DB) Room() (free uint64, low bool) { return d.room.look() }

// Written counts what Commit has made durable since Open: batches, each a sync, and the bytes of their keys and values
// with a fixed overhead for each entry.
func (d *DB) Written() (commits, bytes uint64) { return d.commits.Load(), d.bytes.Load() }

// Close syncs and closes within ctx or CloseBound, whichever is first, and gives the directory free. When it cannot
// finish in time it says so and the process must exit: the directory stays locked. A second call returns the same.
func (d *DB) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, CloseBound)
	defer cancel()
	d.closing.Do(func() { go d.shut() })
	select {
	case <-d.down:
		return d.closeErr
	case <-ctx.Done():
		return fmt.Errorf("%w: close %s: %w: the process must exit", txc.ErrStopped, d.dir, context.Cause(ctx))
	}
}

// shut waits for whoever writes, for as long as that takes.
func (d *DB) shut() {
	d.mu.Lock()
	d.closed = true
	err := d.head.sync()
	d.mu.Unlock()
	d.closeErr = errors.Join(err, d.closeBadger(), d.ahead.close(), d.head.close(), d.lock.release())
	close(d.down)
}

func (d *DB) closeBadger() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("close badger: %v", p)
		}
	}()
	d.reading.Lock()
	d.unreadable = true
	d.reading.Unlock()
	before := d.Err()
	if err := d.badger.Close(); err != nil {
		return fmt.Errorf("close badger: %w", err)
	}
	if err := d.Err(); err != nil && before == nil {
		return fmt.Errorf("close badger: %w", err) // it went wrong on the way, and Badger has only logged it
	}
	return makePrivate(filepath.Join(d.dir, dirBadger))
}
