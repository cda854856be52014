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
	s.mu.Lock()
	s.unsettled[b.Name()] = true
	s.mu.Unlock()
	r, err := s.finish.ExecContext(ctx, `insert ignore into txc_settled
		select ?, ?, ?, ?, ?, cast(? as unsigned), ?, ?, ?, ?`, b.Cluster, b.Participant, b.Name(), list(promised[0].Members), promised[0].Age,
		string(promised[0].Evidence), by.Outcome == txc.Committed, by.Who, by.Why, by.When.UTC())
	if err != nil {
		return false, err
	}
	if err := s.finishSettlements(ctx); err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// finishSettlements does what operators had begun.
func (s *Store) finishSettlements(ctx context.Context) error {
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
	if err != nil || len(all) == 0 {
		return err
	}
	prepared, err := s.recovered(ctx)
	if err != nil {
		return err
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
	clear(s.unsettled)
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
