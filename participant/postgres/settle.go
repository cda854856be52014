package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Settle is participant.Resource's. COMMIT PREPARED cannot share a transaction with the note of who did it and why, so the
// note comes first: from then on the deed is decided, and whoever looks at the branch next finishes it.
func (s *Store) Settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.settleFirst(ctx, b.Name())
	}
	if err != nil {
		return false, fmt.Errorf("settle %s: %w", b.Name(), err)
	}
	evidence, there, err := s.prepared(ctx, b.Name())
	if err != nil || !there {
		return false, err
	}
	first, err := s.write(ctx, b, evidence, by)
	if err == nil {
		err = s.finishSettlements(ctx)
	}
	if err != nil {
		s.mu.Lock()
		s.unsettled[b.Name()] = true
		s.mu.Unlock()
		return false, fmt.Errorf("settle %s: %w", b.Name(), err)
	}
	return first, nil
}

// write writes the note of an operator's deed. A session that was lost with it is ended before the branch is: a note that came
// later would tell of a deed that was not done.
func (s *Store) write(ctx context.Context, b participant.Branch, evidence []byte, by participant.Settlement) (first bool, err error) {
	c, err := s.finish.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release()
	tag, err := c.Exec(ctx, `insert into txc.settled values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
		b.Cluster, b.Participant, b.Name(), string(evidence), by.Outcome == txc.Committed, by.Who, by.Why, by.When)
	if err != nil && !certain(err) {
		s.lose(b.Name(), sessionOf(c.Conn()))
	}
	return tag.RowsAffected() == 1, err
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
	rows, err := s.finish.Query(ctx, `select t.gid, t.committed from txc.settled t join pg_prepared_xacts p on p.gid = t.gid
		where t.cluster = $1 and t.participant = $2 and p.database = current_database()`, s.o.Cluster, s.o.Name)
	if err != nil {
		return err
	}
	type begun struct {
		GID       string
		Committed bool
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[begun])
	if err != nil {
		return err
	}
	for _, t := range all {
		verb := `rollback prepared `
		if t.Committed {
			verb = `commit prepared `
		}
		if _, err := s.finisher(ctx, verb+quote(t.GID)); err != nil && stateOf(err) != undefinedObject {
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
	err = pgx.BeginFunc(ctx, s.finish, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from txc.settled where gid = $1 and cluster = $2 and participant = $3`, b.Name(), b.Cluster, b.Participant)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		_, err = tx.Exec(ctx, `update txc.branch set by_hand = true where (cluster, participant, coordinator, epoch, sequence, mark) = ($1, $2, $3, $4, $5, $6)`,
			b.Cluster, b.Participant, int64(b.ID.Coordinator), int64(b.ID.Epoch), int64(b.ID.Sequence), txc.FormatMark(b.Mark))
		return err
	})
	if err != nil {
		return fmt.Errorf("reconcile %s: %w", b.Name(), err)
	}
	return nil
}
