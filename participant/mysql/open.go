package mysql

import (
	"context"
	crand "crypto/rand"
	"database/sql"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/turns"
)

// Bounds of what has no deadline of its own.
const (
	connectLimit = 5 * time.Second  // to make a session, and to clean one up
	finishLimit  = 15 * time.Second // a deed that finishes, lists or notes
	openLimit    = 15 * time.Second // a server that is starting up, or coming back, is waited for
	openEvery    = 100 * time.Millisecond
	idleLimit    = 3 * time.Second // between two statements of such a deed: MariaDB ends it should nobody be there any more
)

// Store is one participant's place in a MySQL or MariaDB database. It is a participant.Resource; all methods are safe for
// concurrent use.
type Store struct {
	o           Options
	format      int64   // of this database's xids
	work        *sql.DB // Prepare's: its sessions may wait for locks, and keep what they have promised
	finish      *sql.DB // everything else: never waits for a lock that a branch holds
	family      string  // how the locks' names of this participant's sessions begin, whichever process's
	incarnation [16]byte
	closed      atomic.Bool
	places      turns.Places              // one for each session that a joined branch may have
	joined      turns.Table[string, open] // by gid

	mu        sync.Mutex
	mine      map[uint64]bool     // the numbers of this process's sessions
	kept      map[string]*promise // by gid: what this process has promised, until it is decided
	keptCount int                 // of those that still have a session
	turn      uint64
	lost      map[string]*session // by gid: sessions that the server may not be rid of
	unsettled map[string]bool     // by gid: an operator's deed that was begun
}

// Open connects to a database by its address (mysql://user@host:port/database), makes its tables where they are missing, ends
// the sessions that an earlier process left there, and finishes what an operator had begun (P10). The error wraps
// txc.ErrInvalid for bad options, txc.ErrRefused where the tables were made by a newer program.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	c, err := configure(address, o.Password)
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	s := &Store{
		o: o, format: formatOf(c.DBName),
		mine: map[uint64]bool{}, kept: map[string]*promise{}, lost: map[string]*session{}, unsettled: map[string]bool{},
		places: turns.NewPlaces(o.Connections),
	}
	crand.Read(s.incarnation[:]) // never fails
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%s/%s/%s", c.DBName, o.Cluster, o.Name)
	s.family = fmt.Sprintf("txc/%016x", hash.Sum64())
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	if err := s.open(ctx, c); err != nil {
		s.shut()
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, c *driver.Config) error {
	finisher := c.Clone()
	finisher.InterpolateParams = true // one round trip
	var err error
	if s.finish, err = s.pool(finisher, s.o.finishers(), finishLimit); err != nil {
		return err
	}
	if s.work, err = s.pool(c, 2*s.o.Connections, 0); err != nil {
		return err
	}
	if err := s.reach(ctx); err != nil {
		return err
	}
	var instance [16]byte
	crand.Read(instance[:])
	if err := s.found(ctx, instance); err != nil {
		return err
	}
	if err := s.endEarlier(ctx); err != nil {
		return err
	}
	return s.finishSettlements(ctx)
}

// pool makes a pool of sessions. limit bounds a statement; 0: each branch sets its own.
func (s *Store) pool(c *driver.Config, size int, limit time.Duration) (*sql.DB, error) {
	k, err := driver.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	}
	db := sql.OpenDB(connector{Connector: k, s: s, limit: limit})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// reach waits for a server that is not there yet; what it refuses is an error at once.
func (s *Store) reach(ctx context.Context) error {
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	for {
		err := s.finish.PingContext(ctx)
		if n := numberOf(err); err == nil || n != 0 && codeOf(err) != txc.CodeUnreachable {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// Close ends the sessions, and with them the branches that were not promised. Promises stay in the store.
func (s *Store) Close(context.Context) error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.abandon()
	s.shut()
	return err
}

func (s *Store) shut() {
	s.mu.Lock()
	kept := s.kept
	s.kept, s.keptCount = map[string]*promise{}, 0
	s.mu.Unlock()
	for _, p := range kept {
		if p.conn != nil {
			s.drop(p.conn)
		}
	}
	for _, db := range []*sql.DB{s.work, s.finish} {
		if db == nil {
			continue
		}
		if err := db.Close(); err != nil {
			s.o.Logger.Debug("sessions are closed", "error", err)
		}
	}
}

// deed bounds one deed, and refuses it after Close.
func (s *Store) deed(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.closed.Load() {
		return ctx, func() {}, fmt.Errorf("mysql: %w", txc.ErrClosed)
	}
	ctx, cancel := context.WithTimeout(ctx, finishLimit)
	return ctx, cancel, nil
}

// together runs fn in a transaction of the finishing sessions.
func (s *Store) together(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.finish.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		if undo := tx.Rollback(); undo != nil {
			s.o.Logger.Debug("a session is closed", "error", undo) // the server rolls back
		}
		return err
	}
	return tx.Commit()
}
