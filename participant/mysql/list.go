package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// InDoubt is participant.Resource's. Of other databases, clusters and participants it shows nothing.
func (s *Store) InDoubt(ctx context.Context) iter.Seq2[participant.InDoubt, error] {
	return func(yield func(participant.InDoubt, error) bool) {
		all, err := s.inDoubt(ctx)
		if err != nil {
			yield(participant.InDoubt{}, fmt.Errorf("list what is in doubt: %w", err))
			return
		}
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *Store) inDoubt(ctx context.Context) ([]participant.InDoubt, error) {
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
	prepared, err := s.recovered(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.promises(ctx, prepared)
	if err == nil && len(all) < len(prepared) { // some were finished since; a promise without its row would be listed without its members
		again, err := s.recovered(ctx)
		if err != nil {
			return nil, err
		}
		all = addBare(all, prepared, again)
	}
	if err != nil {
		return nil, err
	}
	settled, err := s.settlements(ctx)
	return append(all, settled...), err
}

// addBare adds what was and is prepared and has no row.
func addBare(all []participant.InDoubt, prepared, again map[string]bool) []participant.InDoubt {
	has := map[participant.Proof]bool{}
	for _, d := range all {
		has[participant.Proof{ID: d.ID, Mark: d.Mark}] = true
	}
	for name := range prepared {
		_, id, mark, _, _ := txc.ParseBranchName(name) // it is ours
		if again[name] && !has[participant.Proof{ID: id, Mark: mark}] {
			all = append(all, participant.InDoubt{ID: id, Mark: mark, Since: time.Now()})
		}
	}
	return all
}

// atOnce is how many rows are asked for, or dropped, by one statement.
const atOnce = 200

// promises reads the rows of prepared branches, which those have inserted and not committed: nobody but a reader of what is
// uncommitted can see them. They are in the same step of the server's log as the promise.
func (s *Store) promises(ctx context.Context, prepared map[string]bool) ([]participant.InDoubt, error) {
	c, err := s.finish.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer s.giveBack(c)
	var all []participant.InDoubt
	for names := range slices.Chunk(slices.Sorted(maps.Keys(prepared)), atOnce) {
		keys := make([]string, len(names))
		for i, name := range names {
			_, id, mark, _, _ := txc.ParseBranchName(name) // it is ours
			keys[i] = fmt.Sprintf("coordinator = %d and epoch = %d and sequence = %d and mark = '%s'", id.Coordinator, id.Epoch, id.Sequence, txc.FormatMark(mark))
		}
		rows, err := c.QueryContext(ctx, `set transaction isolation level read uncommitted;
			select gid, members, age, session, unix_timestamp(since) from txc_branch where cluster = ? and participant = ? and (`+strings.Join(keys, " or ")+`)`, s.o.Cluster, s.o.Name)
		if err != nil {
			return nil, err
		}
		if all, err = scanAll(rows, all, scanPromise); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func scanAll[T any](rows *sql.Rows, all []T, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanPromise(rows *sql.Rows) (participant.InDoubt, error) { return scanInDoubt(rows) }

// scanInDoubt reads what rows of promises and of settlements begin with, and what else they have.
func scanInDoubt(rows *sql.Rows, more ...any) (participant.InDoubt, error) {
	var gid, members string
	var session uint64
	var since float64 // seconds
	var d participant.InDoubt
	if err := rows.Scan(append([]any{&gid, &members, &d.Age, &session, &since}, more...)...); err != nil {
		return d, err
	}
	var ok bool
	if _, d.ID, d.Mark, _, ok = txc.ParseBranchName(gid); !ok {
		return d, fmt.Errorf("a row of the branch %q", gid)
	}
	d.Members, d.Since, d.Evidence = strings.Fields(members), time.UnixMicro(int64(since*1e6)), strconv.AppendUint(nil, session, 10)
	return d, nil
}

// settlements are what operators did and nobody has acknowledged.
func (s *Store) settlements(ctx context.Context) ([]participant.InDoubt, error) {
	rows, err := s.finish.QueryContext(ctx, `select gid, members, age, session, unix_timestamp(since), committed, who, why from txc_settled
		where cluster = ? and participant = ?`, s.o.Cluster, s.o.Name)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, nil, func(rows *sql.Rows) (participant.InDoubt, error) {
		var committed bool
		var who, why string
		d, err := scanInDoubt(rows, &committed, &who, &why)
		d.Settled = txc.AbortedBefore
		if committed {
			d.Settled = txc.CommittedBefore
		}
		d.Why = txc.Reason{Code: txc.CodeOperator, Text: who + ": " + why}
		return d, err
	})
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
	rows, err := s.finish.QueryContext(ctx, `select coordinator, epoch, sequence, mark from txc_branch b
		where cluster = ? and participant = ? and coordinator >= ? and (coordinator > ? or epoch > ? or epoch = ? and (sequence > ? or sequence = ? and mark > ?))
			and by_hand = 0 and not exists (select 1 from txc_settled t where t.gid = b.gid)
		order by cluster, participant, coordinator, epoch, sequence, mark limit `+strconv.Itoa(page),
		s.o.Cluster, s.o.Name, from.Coordinator, from.Coordinator, from.Epoch, from.Epoch, from.Sequence, from.Sequence, mark)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, nil, scanProof)
}

func scanProof(rows *sql.Rows) (p participant.Proof, err error) {
	var mark string
	if err := rows.Scan(&p.ID.Coordinator, &p.ID.Epoch, &p.ID.Sequence, &mark); err != nil {
		return p, err
	}
	p.Mark, err = txc.ParseMark(mark)
	return p, err
}

// Forget is participant.Resource's. Rows are dropped one by one, by their keys: anything else would wait for the rows of branches
// that are in doubt.
func (s *Store) Forget(ctx context.Context, below txc.ID, but []txc.ID) error {
	if err := s.forget(ctx, below, but); err != nil {
		return fmt.Errorf("forget below %s: %w", below, err)
	}
	return nil
}

func (s *Store) forget(ctx context.Context, below txc.ID, but []txc.ID) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return err
	}
	rows, err := s.finish.QueryContext(ctx, `select coordinator, epoch, sequence, mark from txc_branch b
		where cluster = ? and participant = ? and coordinator = ? and (epoch < ? or epoch = ? and sequence < ?)
			and not exists (select 1 from txc_settled t where t.gid = b.gid)`,
		s.o.Cluster, s.o.Name, below.Coordinator, below.Epoch, below.Epoch, below.Sequence)
	if err != nil {
		return err
	}
	all, err := scanAll(rows, nil, scanProof)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(p participant.Proof) bool { return slices.Contains(but, p.ID) })
	for some := range slices.Chunk(all, atOnce) {
		err := s.together(ctx, func(tx *sql.Tx) error {
			var text strings.Builder
			for _, p := range some {
				fmt.Fprintf(&text, "delete from txc_branch where %s;\n",
					key(participant.Branch{Cluster: s.o.Cluster, Participant: s.o.Name, ID: p.ID, Mark: p.Mark}))
			}
			_, err := tx.ExecContext(ctx, text.String())
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
