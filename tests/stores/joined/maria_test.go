package joined_test

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// MariaDB undoes a statement that hurts a constraint, and nothing else; PostgreSQL breaks the transaction.
func TestAStatementThatFailedIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newTown(t, "a", "ma")
	for name, commits := range map[string]bool{"a": false, "ma": true} {
		tx, ctx := w.begin(10 * time.Second)
		err := w.services[name].call(ctx, "add 1; pass insert into account values ('x', 1)")
		if (err == nil) != commits {
			t.Errorf("%s: %v", name, err)
		}
		if r, err := tx.Commit(w.within()); (r.Outcome == txc.Committed) != commits {
			t.Errorf("%s: %+v: %v", name, r, err)
		}
	}
	if n, m := w.number("a", "select n from account"), w.number("ma", "select n from account"); n != 100 || m != 101 {
		t.Errorf("PostgreSQL has %d, MariaDB %d", n, m)
	}
	w.quiet()
}

// What the server may have rolled back whole cannot be passed over, nor what is no part of a branch be done.
func TestWhatDoomsABranchInMariaDB(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma", "mb")
	w.do("ma", "insert into account values ('y', 100); create table heavy (n int)")
	a := w.services["ma"]
	rows := []struct {
		says, code string
		do         func(ctx context.Context) error
	}{
		{"a deadlock was passed over", "conflict", func(ctx context.Context) error {
			other := w.transaction("ma", "insert into heavy select seq from mysql.help_topic, (select 1 seq) one limit 500", "update account set n = n + 0 where id = 'y'")
			defer other.Rollback()
			blocked := make(chan error, 1)
			go func() {
				_, err := other.ExecContext(w.within(), "update account set n = n + 0 where id = 'x'")
				blocked <- err
			}()
			w.until("it waits for us", func() bool { return w.number("mysql", "select count(*) from information_schema.innodb_lock_waits") > 0 })
			err := a.call(ctx, "pass update account set n = n + 0 where id = 'y'; pass insert into account values ('z', 1)")
			w.ok(<-blocked)
			return err
		}},
		{"a lock that was waited for too long was passed over", "lock_timeout", func(ctx context.Context) error {
			other := w.transaction("ma", "update account set n = n + 0 where id = 'y'")
			defer other.Rollback()
			return a.call(ctx, "pass update account set n = n + 0 where id = 'y'")
		}},
		{"its session was ended, and that was passed over", "unreachable", func(ctx context.Context) error {
			const from = " from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id where p.db = 'ma'"
			w.until("it can be seen", func() bool { return w.number("mysql", "select count(*)"+from) == 1 })
			w.do("ma", "kill "+strconv.Itoa(w.number("mysql", "select p.id"+from)))
			return a.call(ctx, "pass select 1")
		}},
		{"its locks were all released", "bad_work", func(ctx context.Context) error {
			return a.call(ctx, "sql do release_all_locks()")
		}},
		{"the end of the transaction, as a statement", "abort_only", func(ctx context.Context) error { return a.call(ctx, "sql commit") }},
		{"a definition", "abort_only", func(ctx context.Context) error { return a.call(ctx, "sql create table more (n int)") }},
		{"two statements in one", "abort_only", func(ctx context.Context) error { return a.call(ctx, "sql select 1; commit") }},
		{"a setting", "abort_only", func(ctx context.Context) error { return a.call(ctx, "sql set autocommit = 1") }},
		{"a comment that the server executes", "abort_only", func(ctx context.Context) error { return a.call(ctx, "sql /*! commit */") }},
	}
	for _, row := range rows {
		t.Run(row.says, func(t *testing.T) {
			tx, ctx := w.begin(10 * time.Second)
			w.ok(a.call(ctx, "add 1; on mb: add 1"))
			heard := row.do(ctx)
			var refusal *txc.Refusal
			r, err := tx.Commit(w.within())
			if !errors.As(err, &refusal) || r.Outcome != txc.Aborted || string(refusal.Reason.Code) != row.code {
				t.Errorf("%+v: %v; the caller heard %v", r, err, heard)
			}
			if n, m := w.number("ma", "select n from account where id = 'x'"), w.number("mb", "select n from account where id = 'x'"); n != 100 || m != 100 {
				t.Errorf("ma has %d, mb %d", n, m)
			}
			w.quiet()
		})
	}
}

// transaction is somebody else's, which has done something.
func (w *town) transaction(database string, statements ...string) *sql.Tx {
	w.t.Helper()
	db := w.mariaDB(database)
	w.t.Cleanup(func() { w.closed(db.Close()) })
	tx, err := db.BeginTx(w.within(), nil)
	w.ok(err)
	for _, text := range statements {
		_, err := tx.ExecContext(w.within(), text)
		w.ok(err)
	}
	return tx
}

// Calls of one branch that overlap share a session: a savepoint of one never takes back what another wrote, and what a
// call has held stays in use until it is let go of.
func TestOverlappingCallsTakeTurnsInMariaDB(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	var calls [2]context.Context
	var conns [2]*sql.Conn
	var err error
	for i := range calls {
		calls[i], err = s.Join(w.within(), b)
		w.ok(err)
		conns[i], err = mysql.Conn(calls[i])
		w.ok(err)
	}
	point, err := conns[0].BeginTx(w.within(), nil)
	w.ok(err)
	_, err = point.ExecContext(w.within(), "insert into account values (?, ?)", "p", 1)
	w.ok(err)
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conns[1].ExecContext(soon, "insert into account values ('q', 2)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a statement ran amid another call's savepoint: %v", err)
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := conns[1].ExecContext(w.within(), "insert into account values ('q', 2)")
		wrote <- err
	}()
	w.ok(point.Rollback())
	w.ok(<-wrote)
	point, err = conns[0].BeginTx(w.within(), nil)
	w.ok(err)
	_, err = point.ExecContext(w.within(), "insert into account values ('r', 3)")
	w.ok(err)
	w.ok(point.Commit())
	var sum, n int
	rows, err := conns[0].QueryContext(w.within(), "select n from account where id <> ?", "x")
	w.ok(err)
	if _, err := conns[0].ExecContext(w.within(), "delete from account"); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("a statement amid rows: %v", err)
	}
	for rows.Next() {
		w.ok(rows.Scan(&n))
		sum += n
	}
	w.ok(rows.Err())
	if sum != 5 {
		t.Errorf("the branch reads %d of its own, want 5", sum)
	}
	for says, err := range map[string]error{
		"a transaction with options": second(conns[0].BeginTx(w.within(), &sql.TxOptions{ReadOnly: true})),
		"a statement for later":      second(conns[0].PrepareContext(w.within(), "commit")),
		"too few arguments":          second(conns[0].ExecContext(w.within(), "delete from account where id = ?")),
	} {
		if !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%s: %v", says, err)
		}
	}
	for _, call := range calls {
		w.ok(s.Leave(call, b, nil))
	}
	if _, err := conns[1].ExecContext(w.within(), "insert into account values ('s', 4)"); err == nil {
		t.Error("a call that has returned still writes")
	}
	if _, err := mysql.Conn(w.within()); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("without a call: %v", err)
	}
	p, err := s.Prepare(w.within(), b, nil, true)
	if err != nil || p.Vote != txc.Yes {
		t.Fatalf("%+v: %v", p, err)
	}
	if f, err := s.Commit(w.within(), b, p.Evidence); err != nil || f != txc.CommittedNow {
		t.Fatalf("%v: %v", f, err)
	}
	if n := w.number("ma", "select sum(n) from account"); n != 105 {
		t.Errorf("the accounts sum up to %d, want 105", n)
	}
}

func second[T any](_ T, err error) error { return err }

// alone is a store in ma's database that no agent uses, and a branch of it.
func (w *town) alone() (*mysql.Store, participant.Branch) {
	s, err := mysql.Open(w.within(), w.maria.Store("ma"), mysql.Options{Cluster: "txc", Name: "alone", Password: servers.Password, Connections: 4})
	w.ok(err)
	w.t.Cleanup(func() { w.closed(s.Close(context.Background())) })
	return s, participant.Branch{ID: txc.ID{Coordinator: 9, Epoch: 1, Sequence: 1}, Mark: 5, Cluster: "txc", Participant: "alone", Members: []string{"alone"}}
}

// P11: an abort is answered when the session of a call that is still at work is rid of the branch; Close ends what is left.
func TestASessionInUseIsSeenToBeGoneInMariaDB(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	open := func(sequence uint64, text string) (participant.Branch, context.Context, *sql.Conn) {
		b.ID.Sequence = sequence
		call, err := s.Join(w.within(), b)
		w.ok(err)
		conn, err := mysql.Conn(call)
		w.ok(err)
		_, err = conn.ExecContext(w.within(), "update account set n = n + 1")
		w.ok(err)
		_, err = conn.QueryContext(w.within(), text) // its rows are never closed
		w.ok(err)
		return b, call, conn
	}
	const many = "select a.help_topic_id from mysql.help_topic a, mysql.help_topic b"
	b, call, _ := open(1, many)
	if err := s.Leave(call, b, nil); err == nil {
		t.Error("rows were left open, and nobody said so")
	}
	if f, err := s.Abort(w.within(), b, nil); err != nil || f != txc.AbortedNow {
		t.Errorf("%v: %v", f, err)
	}
	if n := w.open(); n != 0 {
		t.Errorf("%d transactions are open after the abort", n)
	}
	b, _, conn := open(2, "select 1 from account")
	point, err := conn.BeginTx(w.within(), nil) // amid the rows
	if err == nil {
		err = point.Rollback()
		t.Errorf("a savepoint amid rows; then %v", err)
	}
	slept := make(chan error, 1)
	b.ID.Sequence = 3
	call, err = s.Join(w.within(), b)
	w.ok(err)
	conn, err = mysql.Conn(call)
	w.ok(err)
	go func() {
		_, err := conn.ExecContext(context.Background(), "select sleep(25)")
		slept <- err
	}()
	w.until("it sleeps", func() bool {
		return w.number("mysql", "select count(*) from information_schema.processlist where info = 'select sleep(25)'") > 0
	})
	began := time.Now()
	if f, err := s.Abort(w.within(), b, nil); err != nil || f != txc.AbortedNow || time.Since(began) > 10*time.Second {
		t.Errorf("amid a statement: %v: %v after %v", f, err, time.Since(began))
	}
	if n := w.number("mysql", "select count(*) from information_schema.processlist where info = 'select sleep(25)'"); n != 0 {
		t.Error("the branch's session is still at work")
	}
	if err := <-slept; err == nil {
		t.Error("the statement has come to its end")
	}
	w.ok(s.Close(w.within()))
	if n := w.open(); n != 0 {
		t.Errorf("%d transactions are open after Close", n)
	}
}

// What the calls' own store knows of a branch counts at Prepare, too.
func TestADoomedBranchIsNotPromisedByMariaDB(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, err := s.Join(w.within(), b)
	w.ok(err)
	conn, err := mysql.Conn(call)
	w.ok(err)
	other := w.transaction("ma", "update account set n = n + 0 where id = 'x'")
	defer other.Rollback()
	_, err = conn.ExecContext(w.within(), "insert into account values ('y', 1)")
	w.ok(err)
	if _, err := conn.ExecContext(w.within(), "update account set n = 0 where id = 'x'"); err == nil {
		t.Fatal("it did not wait")
	}
	var refusal *txc.Refusal
	if err := s.Leave(call, b, nil); !errors.As(err, &refusal) || refusal.Reason.Code != txc.CodeLockTimeout {
		t.Errorf("the caller hears %v", err)
	}
	for range 2 { // and again, when nothing is left of it
		if p, err := s.Prepare(w.within(), b, nil, true); err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeAbortOnly {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

var mariaHandlers = map[string]mysql.Handler{
	"take": func(ctx context.Context, conn *sql.Conn, body []byte) ([]byte, error) {
		if _, err := conn.ExecContext(ctx, "update account set n = n - ? where id = 'x'", string(body)); err != nil {
			return nil, err
		}
		var left string
		err := conn.QueryRowContext(ctx, "select n from account where id = 'x'").Scan(&left)
		return []byte(left), err
	},
	"look": func(ctx context.Context, conn *sql.Conn, _ []byte) ([]byte, error) {
		var left string
		err := conn.QueryRowContext(ctx, "select n from account where id = 'x'").Scan(&left)
		return []byte(left), err
	},
	"refuse": func(ctx context.Context, conn *sql.Conn, _ []byte) ([]byte, error) {
		if _, err := conn.ExecContext(ctx, "update account set n = 0"); err != nil {
			return nil, err
		}
		return nil, txc.Refuse(txc.ErrAborted, txc.CodeRefused, "three of them are left")
	},
	"panic": func(context.Context, *sql.Conn, []byte) ([]byte, error) { panic("a nil map") },
	"leave": func(ctx context.Context, conn *sql.Conn, _ []byte) ([]byte, error) {
		_, err := conn.QueryContext(ctx, "select id from account")
		return nil, err
	},
	"long": func(context.Context, *sql.Conn, []byte) ([]byte, error) { return make([]byte, txc.MaxBranchRes), nil },
	"escape": func(ctx context.Context, conn *sql.Conn, body []byte) ([]byte, error) {
		_, err := conn.ExecContext(ctx, string(body))
		return []byte("it passed"), err
	},
}

func TestHandlersInMariaDB(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	w.handle("ma", []handled{
		{"a result comes back", "take", "3", "", "97", 97},
		{"one that only reads", "look", "", "", "97", 97},
		{"the business's own No", "refuse", "", txc.CodeRefused, "three of them are left", 97},
		{"a constraint says No", "take", "1000", txc.CodeRefused, "4025", 97},
		{"a panic is contained", "panic", "", txc.CodeStore, "a nil map", 97},
		{"rows are left open", "leave", "", txc.CodeStore, "left rows", 97},
		{"a result that is too long", "long", "", txc.CodeBadWork, "bytes", 97},
		{"an unknown name", "bogus", "", txc.CodeBadWork, "bogus", 97},
		{"the end of the transaction, as a statement", "escape", "commit", txc.CodeStore, "begins with", 97},
		{"two statements in one", "escape", "select 1; commit", txc.CodeBadWork, "1064", 97},
	})
}
