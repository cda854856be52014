package mysql

import (
	"context"
	"database/sql"
	"fmt"
)

// promise is a branch that this process has promised. In MariaDB, and in MySQL before 8.0.29, only the session that prepared it
// can finish it for as long as the server has that session: so the session is kept for it, and used for nothing else.
type promise struct {
	conn    *sql.Conn // nil: any session can finish it
	session *session
	turn    uint64
}

// keep keeps a branch's session until its decision. Where too many are kept, the one that waits longest is closed: its branch
// stays prepared, and what is in doubt for long does not use up the sessions.
func (s *Store) keep(b *branch) {
	s.mu.Lock()
	s.turn++
	p := &promise{turn: s.turn}
	s.kept[b.name()] = p
	var closed *sql.Conn
	if b.session.detach {
		closed = nil
	} else {
		p.conn, p.session = b.conn, b.session
		s.keptCount++
	}
	if s.keptCount > s.o.Connections {
		closed = s.release()
	}
	s.mu.Unlock()
	if b.session.detach {
		s.giveBack(b.conn)
	}
	if closed != nil {
		s.drop(closed)
	}
}

// release takes the session from the branch that has been kept longest; s.mu is held.
func (s *Store) release() *sql.Conn {
	oldest := ""
	for gid, p := range s.kept {
		if p.conn != nil && (oldest == "" || p.turn < s.kept[oldest].turn) {
			oldest = gid
		}
	}
	p := s.kept[oldest]
	conn := p.conn
	s.lost[oldest] = p.session
	p.conn, p.session = nil, nil
	s.keptCount--
	return conn
}

// take is what this process has promised of a branch, and is decided now; nil: nothing.
func (s *Store) take(gid string) *promise {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.kept[gid]
	delete(s.kept, gid)
	if p != nil && p.conn != nil {
		s.keptCount--
	}
	return p
}

// lose notes that the server may not be rid of a branch's session yet: what it was told may still be done.
func (s *Store) lose(gid string, ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[gid] = ss
}

// endLost ends the session of a branch that was lost, if there is one: nothing will come of it any more.
func (s *Store) endLost(ctx context.Context, gid string) error {
	s.mu.Lock()
	ss, is := s.lost[gid]
	s.mu.Unlock()
	if !is {
		return nil
	}
	if err := s.end(ctx, ss); err != nil {
		return fmt.Errorf("%s: %w", gid, err)
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
