package postgres

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/turns"
)

// Bounds of what has no deadline of its own.
const (
	connectLimit = 5 * time.Second  // to make a session
	finishLimit  = 15 * time.Second // a deed that finishes, lists or notes
	openLimit    = 15 * time.Second // a server that is starting up, or coming back, is waited for
	openEvery    = 100 * time.Millisecond
	idleLimit    = 3 * time.Second // between two statements of such a deed: the server ends it should nobody be there any more
)

// Store is one participant's place in a PostgreSQL database. It is a participant.Resource; all methods are safe for
// concurrent use.
type Store struct {
	o           Options
	work        *pgxpool.Pool // Prepare's: its sessions may wait for locks
	finish      *pgxpool.Pool // everything else: never waits for a lock that a branch holds
	family      string        // how the application names of this participant's sessions begin, whichever process's
	incarnation [16]byte
	closed      atomic.Bool
	places      turns.Places              // one for each session that a joined branch may have
	joined      turns.Table[string, open] // by gid

	mu        sync.Mutex
	lost      map[string]session // by gid: where a PREPARE may still run
	unsettled map[string]bool    // by gid: an operator's deed that was begun
}

// Open connects to a database by its address (postgres://…, or key=value words), makes its tables where they are missing,
// ends the sessions that an earlier process left there, and finishes what an operator had begun (P10). The error wraps
// txc.ErrInvalid for bad options, txc.ErrRefused where the tables were made by a newer program.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	s := &Store{o: o, lost: map[string]session{}, unsettled: map[string]bool{}}
	s.places = turns.NewPlaces(o.Connections)
	crand.Read(s.incarnation[:]) // never fails
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%s/%s", o.Cluster, o.Name)
	s.family = fmt.Sprintf("txc/%016x/", hash.Sum64())
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	if err := s.open(ctx, address); err != nil {
		s.shut()
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, address string) error {
	var err error
	if s.finish, err = s.pool(address, max(2, s.o.Connections/2), finishLimit); err != nil {
		return err
	}
	if s.work, err = s.pool(address, s.o.Connections, 0); err != nil {
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

// reach waits for a server that is not there yet; what it refuses is an error at once.
func (s *Store) reach(ctx context.Context) error {
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	for {
		err := s.finish.Ping(ctx)
		if state := stateOf(err); err == nil || state != "" && codeOf(state) != txc.CodeUnreachable {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// pool makes a pool of sessions that know who they are, and mean the same by what they read and write whatever the server's
// defaults are. limit bounds a statement; 0: each branch sets its own.
func (s *Store) pool(address string, size int, limit time.Duration) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(address)
	if err != nil { // its own text has the address, and of a password with an @ only the half is struck out
		return nil, fmt.Errorf("%w: the address cannot be read, use postgres://user@host:port/database: %w", txc.ErrInvalid, cmp.Or(errors.Unwrap(err), errUnread))
	}
	if s.o.Password != "" {
		c.ConnConfig.Password = s.o.Password
	}
	c.MaxConns = int32(size)
	c.ConnConfig.ConnectTimeout = connectLimit
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // no named statements: poolers hand sessions around
	for name, value := range map[string]string{
		"application_name": s.application(), "standard_conforming_strings": "on", "client_encoding": "UTF8", "datestyle": "ISO",
		"timezone": "UTC", "bytea_output": "hex", "synchronous_commit": "on", "statement_timeout": fmt.Sprint(limit.Milliseconds()),
		"idle_in_transaction_session_timeout": fmt.Sprint(min(limit, idleLimit).Milliseconds()),
	} {
		c.ConnConfig.RuntimeParams[name] = value
	}
	c.AfterConnect = identify
	return pgxpool.NewWithConfig(context.Background(), c)
}

// application is this process's application name, of the 63 bytes that the server keeps.
func (s *Store) application() string {
	name := fmt.Sprintf("%s%x/%s", s.family, s.incarnation[:4], s.o.Name)
	return name[:min(len(name), 63)]
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
	for _, p := range []*pgxpool.Pool{s.work, s.finish} {
		if p != nil {
			p.Close()
		}
	}
}

// deed bounds one deed, and refuses it after Close.
func (s *Store) deed(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.closed.Load() {
		return ctx, func() {}, fmt.Errorf("postgres: %w", txc.ErrClosed)
	}
	ctx, cancel := context.WithTimeout(ctx, finishLimit)
	return ctx, cancel, nil
}

var errUnread = errors.New("nobody says why")

// simple runs statements by the simple protocol and gives the last one's tag: PREPARE TRANSACTION and its like are never
// prepared statements.
func simple(ctx context.Context, c *pgconn.PgConn, sql string) (tag string, err error) {
	results, err := c.Exec(ctx, sql).ReadAll()
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err == nil && len(results) > 0 {
		tag = results[len(results)-1].CommandTag.String()
	}
	return tag, err
}

// finisher runs one simple statement on a session of its own choice.
func (s *Store) finisher(ctx context.Context, sql string) (tag string, err error) {
	c, err := s.finish.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer c.Release()
	return simple(ctx, c.Conn().PgConn(), sql)
}

// quote writes a literal; strings are standard-conforming in our sessions.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
