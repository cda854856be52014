package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// Prepare is participant.Resource's.
func (s *Store) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	if s.closed.Load() {
		return participant.Promise{}, fmt.Errorf("postgres: %w", txc.ErrClosed)
	}
	if joined {
		return s.closing(ctx, b)
	}
	w, err := sqlwork.Read(work)
	if err != nil {
		return no(reason(txc.CodeBadWork, "%v", err)), nil
	}
	if call := w.GetCall(); call != nil {
		return s.handled(ctx, b, call)
	}
	orders, err := s.o.terms().Orders(w.GetSql())
	if err != nil {
		return no(reason(txc.CodeBadWork, "%v", err)), nil
	}
	c, err := s.work.Acquire(ctx)
	if err != nil { // nothing was begun
		return no(reasonOf(ctx, err)), nil
	}
	defer c.Release() // a session that is not idle is closed, not used again
	return s.branch(ctx, c, b, orders)
}

func no(r txc.Reason) participant.Promise { return participant.Promise{Vote: txc.No, Reason: r} }

// branch runs the branch's transaction up to its vote.
func (s *Store) branch(ctx context.Context, c *pgxpool.Conn, b participant.Branch, orders []sqlwork.Order) (participant.Promise, error) {
	pg := c.Conn().PgConn()
	first, err := s.begin(ctx, pg, b)
	if err != nil {
		return s.undo(pg, reasonOf(ctx, err)), nil
	}
	if !first {
		s.undo(pg, txc.Reason{})
		return s.repeated(ctx, b)
	}
	results := &sqlwork.Results{}
	for i, o := range orders {
		why, err := run(ctx, o, pg, i, results)
		if err != nil {
			why = reasonOf(ctx, err)
		}
		if !why.IsZero() {
			return s.undo(pg, why), nil
		}
	}
	read, why := results.Bytes()
	if !why.IsZero() {
		return s.undo(pg, why), nil
	}
	return s.vote(ctx, c, b, participant.Promise{Vote: txc.Yes, Results: read})
}

// vote promises what the session's transaction holds, or lets go of it if there is nothing to be promised.
func (s *Store) vote(ctx context.Context, c *pgxpool.Conn, b participant.Branch, p participant.Promise) (participant.Promise, error) {
	pg := c.Conn().PgConn()
	if !b.MayRelease {
		return s.promise(ctx, c, b, p)
	}
	released, err := release(ctx, pg)
	switch {
	case err != nil:
		return s.undo(pg, reasonOf(ctx, err)), nil
	case released:
		p.Vote = txc.ReadOnly
		return p, nil
	default:
		return s.promise(ctx, c, b, p)
	}
}

// grace is what a session gets beyond its branch's deadline before the server ends what it does by itself.
const grace = time.Second

// itself is who the session was at first: functions can make it somebody else, and who prepares a branch alone can finish it.
const itself = `reset session authorization; reset role; `

// fresh undoes what an earlier branch's work may have done to the session, or have locked for it: functions can.
const fresh = itself + `reset all; select pg_advisory_unlock_all();
`

// begin notes the branch, and begins its transaction; first is false if it was noted before, or by a process that is no
// longer the last to have opened.
func (s *Store) begin(ctx context.Context, pg *pgconn.PgConn, b participant.Branch) (first bool, err error) {
	results, err := pg.Exec(ctx, fresh+s.noting(b)+s.limits(ctx)).ReadAll()
	if err != nil {
		return false, err
	}
	return noted(results, 4)
}

// note notes a branch whose transaction is on another session. The sync of its PREPARE covers this too.
func (s *Store) note(ctx context.Context, b participant.Branch) (first bool, err error) {
	c, err := s.finish.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release()
	results, err := c.Conn().PgConn().Exec(ctx, s.noting(b)).ReadAll()
	if err != nil {
		return false, err
	}
	return noted(results, 0)
}

// noting is SQL that notes a branch in a transaction of its own, if this process may promise.
func (s *Store) noting(b participant.Branch) string {
	members := make([]string, len(b.Members))
	for i, m := range b.Members {
		members[i] = quote(m)
	}
	return fmt.Sprintf(`begin; set local synchronous_commit = off;
insert into txc.promise select %s, %s, array[%s]::text[], %d from txc.memory m
	where m.cluster = %s and m.participant = %s and m.incarnation = '\x%x' on conflict do nothing;
commit;
`, keyOf(b), quote(b.Name()), strings.Join(members, ", "), int64(b.Age), quote(b.Cluster), quote(b.Participant), s.incarnation)
}

// noted reads whether noting, whose first answer is the one at the place from, has inserted its row.
func noted(results []*pgconn.Result, from int) (bool, error) {
	if insert := from + 2; len(results) > insert && results[insert].CommandTag.Insert() {
		return results[insert].CommandTag.RowsAffected() == 1, nil
	}
	return false, fmt.Errorf("the server's answers are not in the order of the statements")
}

// keyOf is the key of the tables' rows of a branch.
func keyOf(b participant.Branch) string {
	return fmt.Sprintf("%s, %s, %d, %d, %d, %s", quote(b.Cluster), quote(b.Participant), b.ID.Coordinator, b.ID.Epoch, b.ID.Sequence, quote(txc.FormatMark(b.Mark)))
}

// release ends a branch that wrote nothing and locked no row. It is rolled back: a commit would send its notifications, whatever
// becomes of the transaction. What is serializable has read nothing of use unless it commits, and what was written to other
// servers is not seen here: where that can be, the branch is promised, or refused by the server.
func release(ctx context.Context, pg *pgconn.PgConn) (released bool, err error) {
	results, err := pg.Exec(ctx, `select pg_current_xact_id_if_assigned() is null and current_setting('transaction_isolation') <> 'serializable'
		and not exists (select from pg_catalog.pg_foreign_server)`).ReadAll()
	if err != nil || string(results[0].Rows[0][0]) != "t" {
		return false, err
	}
	_, err = simple(ctx, pg, `rollback`)
	return err == nil, err
}

// findable has a session be found by its name, which functions can change: who opens next ends it from now on. last is false if
// somebody has opened already.
func (s *Store) findable(ctx context.Context, pg *pgconn.PgConn) (last bool, err error) {
	if pg.ParameterStatus("application_name") == s.application() {
		return true, nil
	}
	if _, err := simple(ctx, pg, `set application_name = `+quote(s.application())); err != nil {
		return false, err
	}
	err = s.finish.QueryRow(ctx, `select exists (select from txc.memory where cluster = $1 and participant = $2 and incarnation = $3)`,
		s.o.Cluster, s.o.Name, s.incarnation[:]).Scan(&last)
	return last, err
}

// promise inserts the marker and prepares. From here on only what the server says of it counts (P3).
func (s *Store) promise(ctx context.Context, c *pgxpool.Conn, b participant.Branch, p participant.Promise) (participant.Promise, error) {
	pg := c.Conn().PgConn()
	if ctx.Err() != nil {
		return s.undo(pg, reason(txc.CodeDeadline, "its time ran out")), nil
	}
	switch last, err := s.findable(ctx, pg); {
	case err != nil:
		return s.undo(pg, reasonOf(ctx, err)), nil
	case !last:
		s.undo(pg, txc.Reason{})
		return s.repeated(ctx, b)
	}
	where := sessionOf(c.Conn())
	issued, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	results, err := pg.Exec(issued, fmt.Sprintf(itself+`insert into txc.branch values (%s); select pg_current_xact_id(); prepare transaction %s`, keyOf(b), quote(b.Name()))).ReadAll()
	switch {
	case err == nil && len(results) == 5 && results[4].CommandTag.String() == "PREPARE TRANSACTION":
		p.Evidence = results[3].Rows[0][0]
		return p, nil
	case err == nil: // the tag is ROLLBACK: the transaction had failed
		return s.undo(pg, reason(txc.CodeStore, "the server rolled it back")), nil
	case certain(err) && stateOf(err) != duplicateObject:
		return s.undo(pg, reasonOf(ctx, err)), nil
	case certain(err):
		s.undo(pg, txc.Reason{})
		return s.repeated(issued, b)
	}
	s.lose(b.Name(), where)
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	return s.looked(looking, b, p, err)
}

// looked says what came of a PREPARE whose session was lost.
func (s *Store) looked(ctx context.Context, b participant.Branch, p participant.Promise, lost error) (participant.Promise, error) {
	if err := s.endLost(ctx, b.Name()); err != nil {
		return p, fmt.Errorf("prepare %s: %w; look: %w", b.Name(), lost, err)
	}
	evidence, there, err := s.prepared(ctx, b.Name())
	switch {
	case err != nil:
		return p, fmt.Errorf("prepare %s: %w; look: %w", b.Name(), lost, err)
	case there:
		p.Evidence = evidence
		return p, nil
	default:
		return no(reason(txc.CodeUnreachable, "its session was lost")), nil
	}
}

// repeated answers for a branch that was noted before, or whose name is in use: nothing is executed again (P4).
func (s *Store) repeated(ctx context.Context, b participant.Branch) (participant.Promise, error) {
	ctx, cancel, err := s.deed(context.WithoutCancel(ctx))
	defer cancel()
	if err != nil {
		return participant.Promise{}, err
	}
	evidence, there, err := s.prepared(ctx, b.Name())
	if err != nil {
		return participant.Promise{}, fmt.Errorf("prepare %s again: %w", b.Name(), err)
	}
	if there {
		return participant.Promise{Vote: txc.Yes, Evidence: evidence}, nil
	}
	var last bool
	var marked int
	err = s.finish.QueryRow(ctx, `select m.incarnation = $3, (select count(*) from txc.branch where (cluster, participant, coordinator, epoch, sequence, mark) = ($1, $2, $4, $5, $6, $7))
		from txc.memory m where m.cluster = $1 and m.participant = $2`, b.Cluster, b.Participant, s.incarnation[:],
		int64(b.ID.Coordinator), int64(b.ID.Epoch), int64(b.ID.Sequence), txc.FormatMark(b.Mark)).Scan(&last, &marked)
	switch {
	case err != nil:
		return participant.Promise{}, fmt.Errorf("prepare %s again: %w", b.Name(), err)
	case !last:
		return participant.Promise{}, fmt.Errorf("%w: another process has opened participant %s in this database", txc.ErrStopped, b.Participant)
	case marked > 0:
		return participant.Promise{}, fmt.Errorf("prepare %s again: it has committed", b.Name())
	default:
		return no(reason(txc.CodeStore, "a branch of this name was here before, or is another database's")), nil
	}
}

// undo rolls back what a No leaves; a session that cannot is closed, and the server rolls back.
func (s *Store) undo(pg *pgconn.PgConn, why txc.Reason) participant.Promise {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	if pg.TxStatus() == 'I' || pg.IsClosed() {
		return no(why)
	}
	if _, err := simple(ctx, pg, `rollback`); err != nil {
		s.o.Logger.Debug("a session is closed", "error", err, "close", pg.Close(ctx))
	}
	return no(why)
}

// prepared says whether a branch is promised in this database, and by which transaction of the server: its evidence.
func (s *Store) prepared(ctx context.Context, gid string) (evidence []byte, there bool, err error) {
	rows, err := s.finish.Query(ctx, `select `+fullXid+` from pg_prepared_xacts p where p.gid = $1 and p.database = current_database()`, gid)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var full int64
		if err := rows.Scan(&full); err != nil {
			return nil, false, err
		}
		evidence, there = strconv.AppendInt(nil, full, 10), true
	}
	return evidence, there, rows.Err()
}

// fullXid is the whole number of a prepared transaction, of which the view has the lower half: the nearest below the next
// one to be given out, for none can be two billion old.
const fullXid = `(select n - ((n - p.transaction::text::bigint) & 4294967295) from (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint n) next)`
