package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

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
	var m participant.Memory
	if m.Instance, err = s.instance(ctx); err != nil {
		return m, fmt.Errorf("recall: %w", err)
	}
	rows, err := s.finish.Query(ctx, `select coordinator, epoch, mark, lsn from txc.seen where cluster = $1 and participant = $2 order by coordinator`, s.o.Cluster, s.o.Name)
	if err != nil {
		return m, fmt.Errorf("recall: %w", err)
	}
	m.Seen, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (participant.Seen, error) {
		var c, e, lsn int64
		var mark string
		if err := r.Scan(&c, &e, &mark, &lsn); err != nil {
			return participant.Seen{}, err
		}
		n, err := txc.ParseMark(mark)
		return participant.Seen{Coordinator: uint32(c), Epoch: uint32(e), Mark: n, LSN: uint64(lsn)}, err
	})
	if err != nil {
		return m, fmt.Errorf("recall: %w", err)
	}
	return m, nil
}

func (s *Store) instance(ctx context.Context) (id [16]byte, err error) {
	var b []byte
	err = s.finish.QueryRow(ctx, `select instance from txc.memory where cluster = $1 and participant = $2`, s.o.Cluster, s.o.Name).Scan(&b)
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
	err = pgx.BeginFunc(ctx, s.finish, func(tx pgx.Tx) error {
		for _, w := range m.Seen {
			_, err := tx.Exec(ctx, `insert into txc.seen as old values ($1, $2, $3, $4, $5, $6) on conflict (cluster, participant, coordinator) do update
				set epoch = excluded.epoch, mark = excluded.mark, lsn = excluded.lsn where (excluded.epoch, excluded.lsn) >= (old.epoch, old.lsn)`,
				s.o.Cluster, s.o.Name, int64(w.Coordinator), int64(w.Epoch), txc.FormatMark(w.Mark), int64(w.LSN))
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
