package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// Prepare is participant.Resource's.
func (s *Store) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	if s.closed.Load() {
		return participant.Promise{}, fmt.Errorf("mysql: %w", txc.ErrClosed)
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
	at, why, err := s.session(ctx, b)
	if at == nil {
		return no(why), err
	}
	return s.branch(ctx, at, orders)
}

// session finds a session for a branch. Without one nothing was begun; the reason says why.
func (s *Store) session(ctx context.Context, of participant.Branch) (*branch, txc.Reason, error) {
	ctx, cancel := context.WithTimeout(ctx, finishLimit)
	defer cancel()
	c, err := s.work.Conn(ctx)
	if err != nil {
		return nil, reasonOf(ctx, err), nil
	}
	ss, err := sessionOf(c)
	if err != nil {
		s.drop(c)
		return nil, txc.Reason{}, err
	}
	return &branch{Branch: of, xid: s.xid(of.Name()), conn: c, session: ss}, txc.Reason{}, nil
}

func no(r txc.Reason) participant.Promise { return participant.Promise{Vote: txc.No, Reason: r} }

// branch is one that works. Each way out of it gives the session back, keeps it, or closes it.
type branch struct {
	participant.Branch
	xid
	conn    *sql.Conn
	session *session

	began  bool  // its XA START was done
	reads  bool  // none of its statements is there to write
	writes int64 // how many writes the session had seen before, if it reads
}

// branch runs a branch up to its vote.
func (s *Store) branch(ctx context.Context, b *branch, orders []sqlwork.Order) (participant.Promise, error) {
	b.reads = true
	for _, o := range orders {
		b.reads = b.reads && o.Query
	}
	if p, err := s.start(ctx, b); p != nil || err != nil {
		return *p, err
	}
	results := &sqlwork.Results{}
	for i, o := range orders {
		why, err := run(ctx, o, b.conn, i, results)
		if err != nil {
			why = reasonOf(ctx, err)
		}
		if !why.IsZero() {
			return s.undo(b, why), nil
		}
	}
	read, why := results.Bytes()
	if !why.IsZero() {
		return s.undo(b, why), nil
	}
	return s.vote(ctx, b, read)
}

// start begins a branch that is being prepared; p is the answer if it cannot work.
func (s *Store) start(ctx context.Context, b *branch) (p *participant.Promise, err error) {
	last, err := s.begin(ctx, b)
	var answer participant.Promise
	switch {
	case numberOf(err) == errDuplicateXID:
		s.undo(b, txc.Reason{}) // of this session alone: the branch of this name stays
		answer, err = s.repeated(ctx, b.Branch)
	case err != nil:
		answer, err = s.undo(b, reasonOf(ctx, err)), nil
	case !last:
		s.undo(b, txc.Reason{})
		err = s.superseded()
	default:
		return nil, nil
	}
	return &answer, err
}

func (s *Store) superseded() error {
	return fmt.Errorf("%w: another process has opened participant %s in this database", txc.ErrStopped, s.o.Name)
}

// vote promises what the session's branch holds, or lets go of it if there is nothing to be promised.
func (s *Store) vote(ctx context.Context, b *branch, read []byte) (participant.Promise, error) {
	wrote, why := s.worked(ctx, b)
	switch {
	case !why.IsZero():
		return s.undo(b, why), nil
	case !wrote && b.MayRelease:
		if p := s.undo(b, reason(txc.CodeUnreachable, "its session was lost")); b.session == nil { // nothing is to be lost
			return p, nil
		}
		return participant.Promise{Vote: txc.ReadOnly, Results: read}, nil
	}
	p := participant.Promise{Vote: txc.Yes, Results: read, Evidence: fmt.Appendf(nil, "%d", b.session.id)}
	if !wrote {
		p.Vote = txc.Held
	}
	return s.promise(ctx, b, p)
}

// grace is what a session gets beyond its branch's deadline before the server ends what it does by itself.
const grace = time.Second

// begin makes the session ready and opens the branch in it; last is false if another process has opened the store since.
func (s *Store) begin(ctx context.Context, b *branch) (last bool, err error) {
	left := finishLimit
	if at, ok := ctx.Deadline(); ok {
		left = max(time.Until(at), time.Millisecond)
	}
	wait := (min(left, s.o.LockTimeout) + time.Second - 1) / time.Second
	limits := fmt.Sprintf(`innodb_lock_wait_timeout = %d, lock_wait_timeout = %[1]d`, wait)
	if b.session.version.maria {
		limits += fmt.Sprintf(`, max_statement_time = %g, idle_transaction_timeout = %d`, (left + grace).Seconds(), int((left+2*grace)/time.Second))
	} else {
		limits += fmt.Sprintf(`, max_execution_time = %d`, (left + grace).Milliseconds())
	}
	level := b.session.version.isolation()
	limits += fmt.Sprintf(`, %s = default, %s = default, timestamp = default, %s`, level, strings.Replace(level, "isolation", "read_only", 1), b.session.names)
	// An earlier branch's work may have changed the session, or have locked something for it: functions can. That this process
	// is the last to have opened is asked after the session can be found by its lock: whoever opens next ends it, or has
	// changed the row before.
	text := fmt.Sprintf(`do release_all_locks();
select get_lock('%s', 0);
set session autocommit = 1, time_zone = '+00:00', sql_mode = default, foreign_key_checks = 1, unique_checks = 1, sql_safe_updates = default, sql_select_limit = default, %s;
select count(*) from txc_memory where cluster = '%s' and participant = '%s' and incarnation = x'%x';
%sxa start %s`, b.session.lock, limits, b.Cluster, b.Participant, s.incarnation, countWrites(b.reads), b.literal())
	rows, err := batch(ctx, b.conn, text)
	switch {
	case err != nil:
		return false, err
	case len(rows) < 2:
		return false, fmt.Errorf("%d rows of the server's are too few", len(rows))
	case rows[0][0] != "1": // somebody was faster; the session is closed, for it cannot be found
		s.drop(b.conn)
		return false, fmt.Errorf("the session has lost its lock")
	}
	b.began = true
	b.writes, err = writesOf(rows[2:])
	return rows[1][0] == "1", err
}

// worked looks at the session when the work is done: whether it can still be found, and whether it wrote.
func (s *Store) worked(ctx context.Context, b *branch) (wrote bool, why txc.Reason) {
	text := countWrites(b.reads)
	if b.session.version.maria { // what has promised is idle for as long as it takes, and no deadline cuts its end off
		text += fmt.Sprintf(`set session idle_transaction_timeout = 0, max_statement_time = %g; `, finishLimit.Seconds())
	}
	rows, err := batch(ctx, b.conn, text+fmt.Sprintf(`select coalesce(is_used_lock('%s'), 0) = connection_id()`, b.session.lock))
	if err != nil {
		return false, reasonOf(ctx, err)
	}
	if len(rows) == 0 || rows[len(rows)-1][0] != "1" {
		return false, reason(txc.CodeBadWork, "it has released all locks of its session")
	}
	writes, err := writesOf(rows[:len(rows)-1])
	if err != nil {
		return false, reason(txc.CodeStore, "%v", err)
	}
	return !b.reads || writes != b.writes, txc.Reason{}
}

// countWrites asks how many rows the session has written: of a branch that only reads, by the look of it. Functions can write.
func countWrites(reads bool) string {
	if !reads {
		return ""
	}
	return `show session status where variable_name in ('Handler_write', 'Handler_update', 'Handler_delete'); `
}

func writesOf(rows [][]string) (n int64, err error) {
	for _, r := range rows {
		var one int64
		if _, err := fmt.Sscan(r[len(r)-1], &one); err != nil {
			return 0, fmt.Errorf("count of writes: %w", err)
		}
		n += one
	}
	return n, nil
}

// undo rolls back what a No leaves, and gives the session back. One that cannot is closed, in the server, too, which then rolls
// back; and forgotten: b.session is nil.
func (s *Store) undo(b *branch, why txc.Reason) participant.Promise {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	_, err := b.conn.ExecContext(ctx, `xa end `+b.literal())
	if b.began && (err == nil || numberOf(err) != 0) { // what it says of its state does not matter
		_, err = b.conn.ExecContext(ctx, `xa rollback `+b.literal())
	}
	if n := numberOf(err); err == nil || n == errNoXID || n != 0 && !b.began {
		s.giveBack(b.conn)
		return no(why)
	}
	s.drop(b.conn)
	if err := s.end(ctx, b.session); err != nil {
		s.o.Logger.Debug("a session is left to the server", "error", err)
	}
	b.session = nil
	return no(why)
}

// batch runs statements, one after the other until one fails, and gives all the rows of their answers.
func batch(ctx context.Context, c *sql.Conn, text string) (all [][]string, err error) {
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		columns, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			texts := make([]sql.NullString, len(columns))
			into := make([]any, len(columns))
			for i := range texts {
				into[i] = &texts[i]
			}
			if err := rows.Scan(into...); err != nil {
				return nil, err
			}
			row := make([]string, len(columns))
			for i, t := range texts {
				row[i] = t.String
			}
			all = append(all, row)
		}
	}
	return all, rows.Err()
}
