package mysql

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Settle is participant.Resource's. XA COMMIT cannot share a transaction with the note of who did it and why, so the note comes
// first: from then on the deed is decided, and whoever looks at the branch next finishes it.
func (s *Store) Settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	settled, err := s.settle(ctx, b, by)
	if err != nil {
		return false, fmt.Errorf("settle %s: %w", b.Name(), err)
	}
	return settled, nil
}

func (s *Store) settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.settleFirst(ctx, b.Name())
	}
	if err == nil {
		err = s.endLost(ctx, b.Name())
	}
	if err != nil {
		return false, err
	}
	prepared, err := s.recovered(ctx)
	if err != nil || !prepared[b.Name()] {
		return false, err
	}
	promised, err := s.promises(ctx, map[string]bool{b.Name(): true})
	if err != nil || len(promised) == 0 { // it was finished meanwhile
		return false, err
	}
	first, err := s.write(ctx, b, promised[0], by)
	if err == nil {
		err = s.finishSettlements(ctx)
	}
	if err != nil {
		s.mu.Lock()
		s.unsettled[b.Name()] = true
		s.mu.Unlock()
		return false, err
	}
	return first, nil
}

// write writes the note of an operator's deed. A session that was lost with it is ended before the branch is: a note that came
// later would tell of a deed that was not done.
func (s *Store) write(ctx context.Context, b participant.Branch, d participant.InDoubt, by participant.Settlement) (first bool, err error) {
	c, err := s.finish.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer s.giveBack(c)
	ss, err := sessionOf(c)
	if err != nil {
		return false, err
	}
	r, err := c.ExecContext(ctx, `insert ignore into txc_settled
		select ?, ?, ?, ?, ?, cast(? as unsigned), ?, ?, ?, ?`, b.Cluster, b.Participant, b.Name(), list(d.Members), d.Age,
		string(d.Evidence), by.Outcome == txc.Committed, by.Who, by.Why, by.When.UTC())
	if err != nil {
		if numberOf(err) == 0 {
			s.lose(b.Name(), ss)
		}
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// begun are the branches whose notes are there, or will never be.
func (s *Store) begun() (gids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for gid := range s.unsettled {
		if _, may := s.lost[gid]; !may {
			gids = append(gids, gid)
		}
	}
	return gids
}

// finishSettlements does what operators had begun.
func (s *Store) finishSettlements(ctx context.Context) error {
	finished := s.begun()
	rows, err := s.finish.QueryContext(ctx, `select gid, committed from txc_settled where cluster = ? and participant = ?`, s.o.Cluster, s.o.Name)
	if err != nil {
		return err
	}
	type begun struct {
		gid       string
		committed bool
	}
	all, err := scanAll(rows, nil, func(rows *sql.Rows) (t begun, err error) {
		err = rows.Scan(&t.gid, &t.committed)
		return t, err
	})
	if err != nil {
		return err
	}
	var prepared map[string]bool
	if len(all) > 0 {
		if prepared, err = s.recovered(ctx); err != nil {
			return err
		}
	}
	for _, t := range all {
		verb := `xa rollback`
		if t.committed {
			verb = `xa commit`
		}
		if !prepared[t.gid] {
			continue
		}
		if _, err := s.decide(ctx, t.gid, verb); err != nil {
			return fmt.Errorf("finish what was settled by hand: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, gid := range finished {
		delete(s.unsettled, gid)
	}
	return nil
}

// Reconciled is participant.Resource's. The marker stays, as one that proves no decision (C6).
func (s *Store) Reconciled(ctx context.Context, b participant.Branch) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return err
	}
	err = s.together(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `delete from txc_settled where gid = ? and cluster = ? and participant = ?`, b.Name(), b.Cluster, b.Participant)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `update txc_branch set by_hand = 1 where `+key(b))
		return err
	})
	if err != nil {
		return fmt.Errorf("reconcile %s: %w", b.Name(), err)
	}
	return nil
}
