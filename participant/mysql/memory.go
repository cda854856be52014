package mysql

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Recall is participant.Resource's. The store keeps no stamp: every branch would wait for the one row that has it.
func (s *Store) Recall(ctx context.Context) (participant.Memory, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return participant.Memory{}, err
	}
	m, err := s.recall(ctx)
	if err != nil {
		return m, fmt.Errorf("recall: %w", err)
	}
	return m, nil
}

func (s *Store) recall(ctx context.Context) (m participant.Memory, err error) {
	if m.Instance, err = s.instance(ctx); err != nil {
		return m, err
	}
	rows, err := s.finish.QueryContext(ctx, `select coordinator, epoch, mark, lsn from txc_witness where cluster = ? and participant = ? order by coordinator`, s.o.Cluster, s.o.Name)
	if err != nil {
		return m, err
	}
	defer rows.Close()
	for rows.Next() {
		var w participant.Seen
		var mark string
		if err := rows.Scan(&w.Coordinator, &w.Epoch, &mark, &w.LSN); err != nil {
			return m, err
		}
		if w.Mark, err = txc.ParseMark(mark); err != nil {
			return m, err
		}
		m.Seen = append(m.Seen, w)
	}
	return m, rows.Err()
}

func (s *Store) instance(ctx context.Context) (id [16]byte, err error) {
	var b []byte
	err = s.finish.QueryRowContext(ctx, `select instance from txc_memory where cluster = ? and participant = ?`, s.o.Cluster, s.o.Name).Scan(&b)
	if err == nil && len(b) != len(id) {
		err = fmt.Errorf("an identity of %d bytes", len(b))
	}
	copy(id[:], b)
	return id, err
}

// Remember is participant.Resource's. A witness only ever rises.
func (s *Store) Remember(ctx context.Context, m participant.Memory) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return err
	}
	// Columns are set one after the other, and what is compared must still be as it was: the epoch comes last.
	const rises = `(values(epoch) > epoch or values(epoch) = epoch and values(lsn) >= lsn)`
	err = s.together(ctx, func(tx *sql.Tx) error {
		for _, w := range m.Seen {
			_, err := tx.ExecContext(ctx, `insert into txc_witness values (?, ?, ?, ?, ?, ?) on duplicate key update
				mark = if(`+rises+`, values(mark), mark), lsn = if(`+rises+`, values(lsn), lsn), epoch = greatest(epoch, values(epoch))`,
				s.o.Cluster, s.o.Name, w.Coordinator, w.Epoch, txc.FormatMark(w.Mark), w.LSN)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}
