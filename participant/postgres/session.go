package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// session names one session of the server: process numbers come again, start times do not.
type session struct {
	pid   uint32
	began string
}

// began is where a session's start is kept in its connection.
const began = "txc.began"

// identify notes when a session began, as the server says it.
func identify(ctx context.Context, c *pgx.Conn) error {
	var at string
	err := c.QueryRow(ctx, `select backend_start::text from pg_stat_activity where pid = pg_backend_pid()`).Scan(&at)
	c.PgConn().CustomData()[began] = at
	return err
}

func sessionOf(c *pgx.Conn) session {
	at, _ := c.PgConn().CustomData()[began].(string) // set at connect
	return session{c.PgConn().PID(), at}
}

// lose notes that a branch's PREPARE may still run.
func (s *Store) lose(gid string, where session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[gid] = where
}

// endLost ends the session in which the branch's PREPARE may still run, if there is one: nothing will come of it any more.
func (s *Store) endLost(ctx context.Context, gid string) error {
	s.mu.Lock()
	where, is := s.lost[gid]
	s.mu.Unlock()
	if !is {
		return nil
	}
	if err := s.end(ctx, `pid = $1 and backend_start::text = $2`, where.pid, where.began); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lost, gid)
	return nil
}

// endAllLost ends all of them: a list must not be overtaken by a promise that was on its way.
func (s *Store) endAllLost(ctx context.Context) error {
	s.mu.Lock()
	var gids []string
	for gid := range s.lost {
		gids = append(gids, gid)
	}
	s.mu.Unlock()
	for _, gid := range gids {
		if err := s.endLost(ctx, gid); err != nil {
			return err
		}
	}
	return nil
}

// endEarlier ends the sessions of earlier processes of this participant in this database (P10).
func (s *Store) endEarlier(ctx context.Context) error {
	mine := s.application()
	return s.end(ctx, `datname = current_database() and starts_with(application_name, $1) and application_name <> $2`, s.family, mine)
}

// endEvery is the pause between two looks at sessions that are ending.
const endEvery = 5 * time.Millisecond

// end ends sessions and waits until they are gone: only then has all that they did been done.
func (s *Store) end(ctx context.Context, which string, args ...any) error {
	tick := time.NewTicker(endEvery)
	defer tick.Stop()
	for {
		var left int
		err := s.finish.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity where `+which, args...).Scan(&left)
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("end sessions: %d are left: %w", left, ctx.Err())
		}
	}
}
