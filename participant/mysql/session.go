package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// session is a session of the server. It holds a named lock for as long as the server keeps it, which tells who of all the
// sessions are this participant's, whichever process made them: numbers of sessions come again, and a process may be gone.
type session struct {
	full
	id      uint64
	lock    string
	version version
	names   string // how texts come and go, as settings
	detach  bool   // what it prepares is not bound to it
	gone    func()
}

// full is all that the driver's sessions can do.
type full interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

// Close is driver.Conn's.
func (c *session) Close() error {
	c.gone()
	return c.full.Close()
}

// slots is how many named locks a participant's sessions choose from; the sessions of an earlier process hold some as well.
const slots = 1024

func (s *Store) slot(n int) string { return fmt.Sprintf("%s/%d", s.family, n) }

// tries bounds the search for a lock that nobody holds: most of them are free.
const tries = 32

// connector makes sessions that know who they are, and mean the same by what they read whatever the server's defaults are.
type connector struct {
	driver.Connector
	s *Store
	// limit bounds a statement; 0: each branch sets its own.
	limit time.Duration
}

// Connect is driver.Connector's.
func (k connector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	f, ok := c.(full)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's session is a %T", c), c.Close())
	}
	ss, err := k.identify(ctx, f)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	k.s.mu.Lock()
	k.s.mine[ss.id] = true
	k.s.mu.Unlock()
	ss.gone = func() {
		k.s.mu.Lock()
		delete(k.s.mine, ss.id)
		k.s.mu.Unlock()
	}
	return ss, nil
}

func (k connector) identify(ctx context.Context, f full) (*session, error) {
	ss := &session{full: f}
	for try := 0; ; try++ {
		if try == tries {
			return nil, fmt.Errorf("the server has no lock left for a session of this participant")
		}
		ss.lock = k.s.slot(rand.IntN(slots))
		got, err := first(ctx, f, fmt.Sprintf(`select connection_id(), version(), get_lock('%s', 0), @@character_set_client,
			coalesce(@@character_set_results, @@character_set_client), @@collation_connection`, ss.lock))
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Sscan(got[0], &ss.id); err != nil {
			return nil, fmt.Errorf("the number of a session: %w", err)
		}
		ss.version = versionOf(got[1])
		ss.names = fmt.Sprintf(`character_set_client = %s, character_set_results = %s, collation_connection = %s`, got[3], got[4], got[5])
		if got[2] == "1" {
			break
		}
	}
	if ss.version.mayDetach() {
		got, err := first(ctx, f, `select @@session.xa_detach_on_prepare`)
		if err != nil {
			return nil, err
		}
		ss.detach = got[0] == "1"
	}
	if k.limit == 0 {
		return ss, nil
	}
	// What is read beside all branches is what committed, and nothing else.
	settings := `set session autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = 5, lock_wait_timeout = 5`
	if ss.version.maria {
		settings += fmt.Sprintf(`, max_statement_time = %g, idle_transaction_timeout = %d`, k.limit.Seconds(), idleLimit/time.Second)
	}
	_, err := f.ExecContext(ctx, settings+`; set session transaction isolation level repeatable read`, nil)
	return ss, err
}

// first is the first row of an answer.
func first(ctx context.Context, q driver.QueryerContext, text string) ([]string, error) {
	rows, err := q.QueryContext(ctx, text, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(values); err != nil {
		if err == io.EOF {
			err = fmt.Errorf("the server gave no row")
		}
		return nil, err
	}
	texts := make([]string, len(values))
	for i, v := range values {
		if b, is := v.([]byte); is {
			v = string(b)
		}
		texts[i] = fmt.Sprint(v)
	}
	return texts, nil
}

// sessionOf is the session behind a connection of a pool.
func sessionOf(c *sql.Conn) (ss *session, err error) {
	err = c.Raw(func(raw any) error {
		var is bool
		if ss, is = raw.(*session); !is {
			return fmt.Errorf("the pool's session is a %T", raw)
		}
		return nil
	})
	return ss, err
}

// drop closes a session for good; Close alone would give it to the next branch.
func (s *Store) drop(c *sql.Conn) {
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // it returns what it was given
	s.giveBack(c)
}

func (s *Store) giveBack(c *sql.Conn) {
	if err := c.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		s.o.Logger.Debug("a session is closed", "error", err)
	}
}

// endEvery is the pause between two looks at sessions that are ending.
const endEvery = 2 * time.Millisecond

// end ends a session, and waits until the server is rid of it: only then has all that it did been done, and is what it had
// prepared free to be finished by others.
func (s *Store) end(ctx context.Context, ss *session) error {
	return s.endAll(ctx, func() ([]uint64, error) {
		var holder sql.Null[uint64]
		err := s.finish.QueryRowContext(ctx, `select is_used_lock(?)`, ss.lock).Scan(&holder)
		if err != nil || !holder.Valid || holder.V != ss.id {
			return nil, err
		}
		return []uint64{ss.id}, nil
	})
}

// endEarlier ends the sessions of earlier processes of this participant in this database (P10).
func (s *Store) endEarlier(ctx context.Context) error {
	var all strings.Builder
	all.WriteString(`select concat_ws(' ', ''`)
	for n := range slots {
		fmt.Fprintf(&all, `, is_used_lock('%s')`, s.slot(n))
	}
	all.WriteString(`)`)
	return s.endAll(ctx, func() ([]uint64, error) {
		var holders string
		if err := s.finish.QueryRowContext(ctx, all.String()).Scan(&holders); err != nil {
			return nil, err
		}
		var theirs []uint64
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, field := range strings.Fields(holders) {
			var id uint64
			if _, err := fmt.Sscan(field, &id); err != nil {
				return nil, fmt.Errorf("the number of a session: %w", err)
			}
			if !s.mine[id] {
				theirs = append(theirs, id)
			}
		}
		return theirs, nil
	})
}

// endAll ends the sessions that are left, until none is.
func (s *Store) endAll(ctx context.Context, left func() ([]uint64, error)) error {
	tick := time.NewTicker(endEvery)
	defer tick.Stop()
	for {
		ids, err := left()
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		for _, id := range ids {
			switch _, err := s.finish.ExecContext(ctx, fmt.Sprintf(`kill %d`, id)); {
			case numberOf(err) == errKillDenied:
				return fmt.Errorf("end session %d, which belongs to another user: use one user for a participant: %w", id, err)
			case err != nil && numberOf(err) != errNoSuchThread:
				return fmt.Errorf("end session %d: %w", id, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("end sessions: %d are left: %w", len(ids), ctx.Err())
		}
	}
}
