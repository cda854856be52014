package joined_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
)

// joins has a call join a branch.
func (w *town) joins(ctx context.Context, s *mysql.Store, b participant.Branch) (call context.Context, conn *sql.Conn) {
	w.t.Helper()
	call, err := s.Join(ctx, b)
	w.ok(err)
	conn, err = mysql.Conn(call)
	w.ok(err)
	return call, conn
}

func (w *town) aborted(f txc.Fate, err error) {
	w.t.Helper()
	if err != nil || f != txc.AbortedNow {
		w.t.Errorf("%v: %v", f, err)
	}
}

// Helpers of one call ask for its connection each by itself, and what one of them undoes is its own.
func TestSavepointsOfOneCallsConnectionsAreApart(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, outer := w.joins(w.within(), s, b)
	whole, err := outer.BeginTx(w.within(), nil)
	w.ok(err)
	_, err = whole.ExecContext(w.within(), "insert into account values ('p', 1)")
	w.ok(err)
	inner, err := mysql.Conn(call)
	w.ok(err)
	part, err := inner.BeginTx(w.within(), nil)
	w.ok(err)
	w.ok(part.Rollback())
	w.ok(whole.Rollback())
	var n int
	w.ok(outer.QueryRowContext(w.within(), "select count(*) from account where id = 'p'").Scan(&n))
	if n != 0 {
		t.Error("what the outer savepoint has undone is still there")
	}
	w.ok(s.Leave(call, b, nil))
}

// What is left of a call's code when its branch has ended hears so, at once: nothing waits for ever, and nothing panics.
func TestWhatIsLeftOfACallEndsWithItsBranch(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, conn := w.joins(w.within(), s, b)
	point, err := conn.BeginTx(w.within(), nil)
	w.ok(err)
	rows, err := point.QueryContext(w.within(), "select id from account")
	w.ok(err)
	if err := s.Leave(call, b, nil); err == nil {
		t.Error("rows were left open, and nobody said so")
	}
	w.aborted(s.Abort(w.within(), b, nil))
	ended := make(chan []error, 1)
	go func() {
		for rows.Next() {
			continue
		}
		_, late := conn.ExecContext(context.Background(), "update account set n = ?", 1)
		ended <- []error{point.Rollback(), late}
	}()
	select {
	case all := <-ended:
		for i, err := range all {
			if err == nil {
				t.Errorf("%d of the branch that has ended was done", i)
			}
		}
	case <-time.After(limit):
		t.Fatal("it waits for ever")
	}
}

// P3: what nobody ends, for the participant hangs, the server does: no agent is here to do it.
func TestTheServerEndsABranchThatNobodyEnds(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	ctx, cancel := context.WithTimeout(w.within(), time.Second)
	defer cancel()
	call, conn := w.joins(ctx, s, b)
	_, err := conn.ExecContext(ctx, "update account set n = n + 1")
	w.ok(err)
	w.ok(s.Leave(call, b, nil))
	w.until("it is open", func() bool { return w.open() == 1 })
	w.until("the server has ended it", func() bool { return w.open() == 0 })
	if p, err := s.Prepare(w.within(), b, nil, true); err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeUnreachable {
		t.Errorf("%+v: %v", p, err)
	}
}

// A statement that the code's own context cuts off may have been done or not: the branch aborts, and the reason is that.
func TestAStatementThatIsCutOffDooms(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, conn := w.joins(w.within(), s, b)
	soon, cancel := context.WithTimeout(w.within(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(soon, "update account set n = n + 1 + sleep(20)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it was not cut off: %v", err)
	}
	var refusal *txc.Refusal
	if err := s.Leave(call, b, nil); !errors.As(err, &refusal) || refusal.Reason.Code != txc.CodeDeadline {
		t.Errorf("the caller hears %v", err)
	}
	w.aborted(s.Abort(w.within(), b, nil))
	if n := w.open(); n != 0 {
		t.Errorf("%d transactions are open after the abort", n)
	}
}

// Code that prepares its statements first works; nothing of them is left in the session, which other branches get.
func TestPreparedStatementsOfACall(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, conn := w.joins(w.within(), s, b)
	add, err := conn.PrepareContext(w.within(), "insert into account values (?, ?)")
	w.ok(err)
	look, err := conn.PrepareContext(w.within(), "select n from account where id = ?")
	w.ok(err)
	for i := range 3 {
		_, err := add.ExecContext(w.within(), fmt.Sprint("p", i), i)
		w.ok(err)
		var n int
		w.ok(look.QueryRowContext(w.within(), fmt.Sprint("p", i)).Scan(&n))
		if n != i {
			t.Errorf("read %d, want %d", n, i)
		}
	}
	if _, err := add.ExecContext(w.within(), "p9"); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("too few arguments: %v", err)
	}
	w.until("the server keeps none of them", func() bool { // it is not asked to answer
		return w.number("mysql", "select variable_value from information_schema.global_status where variable_name = 'prepared_stmt_count'") == 0
	})
	w.ok(s.Leave(call, b, nil))
	if _, err := add.ExecContext(w.within(), "p8", 8); err == nil {
		t.Error("a call that has returned still writes")
	}
	p, err := s.Prepare(w.within(), b, nil, true)
	if err != nil || p.Vote != txc.Yes {
		t.Fatalf("%+v: %v", p, err)
	}
	if f, err := s.Commit(w.within(), b, p.Evidence); err != nil || f != txc.CommittedNow {
		t.Fatalf("%v: %v", f, err)
	}
	if n := w.number("ma", "select sum(n) from account"); n != 103 {
		t.Errorf("the accounts sum up to %d, want 103", n)
	}
}

// What a call wrote is lost with its server; a later call does not go on without it, on a session of the new server.
func TestTheServerIsKilledBetweenCallsAndAmidOne(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma", "b")
	a := w.services["ma"]
	for says, dies := range map[string]func(ctx context.Context){
		"between calls": func(context.Context) { w.maria.Kill() },
		"amid a call that passes it over": func(ctx context.Context) {
			heard := make(chan error, 1)
			go func() { heard <- a.call(ctx, "pass select sleep(25) from account") }()
			w.until("it sleeps", func() bool {
				return w.number("mysql", "select count(*) from information_schema.processlist where info = 'select sleep(25) from account'") > 0
			})
			w.maria.Kill()
			if err := <-heard; err == nil {
				t.Error("the caller heard nothing of it")
			}
		},
	} {
		t.Run(says, func(t *testing.T) {
			tx, ctx := w.begin(10 * time.Second)
			w.ok(a.call(ctx, "add 1; on b: add 1"))
			dies(ctx)
			w.ok(w.maria.Start())
			if err := a.call(ctx, "add 1"); err == nil {
				t.Error("a call goes on without what was lost")
			}
			if r, err := tx.Commit(w.within()); !errors.Is(err, txc.ErrAborted) || r.Outcome != txc.Aborted {
				t.Errorf("%+v: %v", r, err)
			}
			w.balances(100)
			w.quiet()
		})
	}
}
