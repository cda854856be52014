package postgres

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// listed is a row of InDoubt's list.
type listed struct {
	GID      string
	Evidence string
	Since    time.Time
	Members  []string
	Age      *int64
	Settled  *bool // by hand, as committed
	Who, Why *string
}

// InDoubt is participant.Resource's. Of other databases, clusters and participants it shows nothing.
func (s *Store) InDoubt(ctx context.Context) iter.Seq2[participant.InDoubt, error] {
	return func(yield func(participant.InDoubt, error) bool) {
		all, err := s.inDoubt(ctx)
		if err != nil {
			yield(participant.InDoubt{}, fmt.Errorf("list what is in doubt: %w", err))
			return
		}
		for _, l := range all {
			cluster, id, mark, name, ok := txc.ParseBranchName(l.GID)
			if ok && cluster == s.o.Cluster && name == s.o.Name && !yield(l.inDoubt(id, mark), nil) {
				return
			}
		}
	}
}

func (l listed) inDoubt(id txc.ID, mark uint64) participant.InDoubt {
	d := participant.InDoubt{ID: id, Mark: mark, Evidence: []byte(l.Evidence), Since: l.Since, Members: l.Members}
	if l.Age != nil {
		d.Age = uint64(*l.Age)
	}
	if l.Settled != nil {
		d.Settled = txc.AbortedBefore
		if *l.Settled {
			d.Settled = txc.CommittedBefore
		}
		d.Why = txc.Reason{Code: txc.CodeOperator, Text: *l.Who + ": " + *l.Why}
	}
	return d
}

func (s *Store) inDoubt(ctx context.Context) ([]listed, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.endAllLost(ctx)
	}
	if err == nil {
		err = s.finishSettlements(ctx)
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.finish.Query(ctx, `
		select p.gid, `+fullXid+`::text, p.prepared, r.members, r.age, null::boolean, null::text, null::text
			from pg_prepared_xacts p left join txc.promise r on r.gid = p.gid and r.cluster = $1 and r.participant = $2
			where p.database = current_database() and starts_with(p.gid, 'txc/' || $1 || '/') and not exists (select from txc.settled t where t.gid = p.gid)
		union all
		select t.gid, t.evidence, t.at, r.members, r.age, t.committed, t.who, t.why
			from txc.settled t left join txc.promise r on r.gid = t.gid and r.cluster = $1 and r.participant = $2
			where t.cluster = $1 and t.participant = $2`, s.o.Cluster, s.o.Name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[listed])
}

// page is how many markers are read at once.
const page = 10_000

// Committed is participant.Resource's.
func (s *Store) Committed(ctx context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	return func(yield func(participant.Proof, error) bool) {
		last, mark := from, ""
		for {
			all, err := s.markers(ctx, last, mark)
			if err != nil {
				yield(participant.Proof{}, fmt.Errorf("list markers: %w", err))
				return
			}
			for _, m := range all {
				if !yield(m, nil) {
					return
				}
				last, mark = m.ID, txc.FormatMark(m.Mark)
			}
			if len(all) < page {
				return
			}
		}
	}
}

// markers reads a page of markers above an id and a mark.
func (s *Store) markers(ctx context.Context, from txc.ID, mark string) ([]participant.Proof, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return nil, err
	}
	rows, err := s.finish.Query(ctx, `select coordinator, epoch, sequence, mark from txc.branch b
		where cluster = $1 and participant = $2 and (coordinator, epoch, sequence, mark) > ($3, $4, $5, $6) and not by_hand
			and not exists (select from txc.settled t
				where t.gid = 'txc/' || $1 || '/c' || coordinator || '.' || epoch || '.' || sequence || '.' || mark || '/' || $2)
		order by coordinator, epoch, sequence, mark limit `+strconv.Itoa(page),
		s.o.Cluster, s.o.Name, int64(from.Coordinator), int64(from.Epoch), int64(from.Sequence), mark)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (participant.Proof, error) {
		var c, e, q int64
		var m string
		if err := r.Scan(&c, &e, &q, &m); err != nil {
			return participant.Proof{}, err
		}
		mark, err := txc.ParseMark(m)
		return participant.Proof{ID: txc.ID{Coordinator: uint32(c), Epoch: uint32(e), Sequence: uint64(q)}, Mark: mark}, err
	})
}

// Forget is participant.Resource's. What was noted of branches that are neither promised nor settled goes with the proofs.
func (s *Store) Forget(ctx context.Context, below txc.ID, but []txc.ID) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return err
	}
	kept := make([]string, len(but))
	for i, id := range but {
		kept[i] = id.String()
	}
	const which = ` where x.cluster = $1 and x.participant = $2 and x.coordinator = $3 and (x.epoch, x.sequence) < ($4, $5)
		and 'c' || x.coordinator || '.' || x.epoch || '.' || x.sequence <> all ($6::text[])
		and not exists (select from txc.settled t
			where t.gid = 'txc/' || $1 || '/c' || x.coordinator || '.' || x.epoch || '.' || x.sequence || '.' || x.mark || '/' || $2)`
	args := []any{s.o.Cluster, s.o.Name, int64(below.Coordinator), int64(below.Epoch), int64(below.Sequence), kept}
	err = pgx.BeginFunc(ctx, s.finish, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local synchronous_commit = off`); err != nil { // dropped late is dropped too
			return err
		}
		if _, err := tx.Exec(ctx, `delete from txc.branch x`+which, args...); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `delete from txc.promise x`+which+` and not exists (select from pg_prepared_xacts p where p.gid = x.gid)`, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget below %s: %w", below, err)
	}
	return nil
}
