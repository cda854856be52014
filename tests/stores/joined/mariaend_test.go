package joined_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/mysql"
)

// Helpers of one call ask for its connection each by itself, and what one of them undoes is its own.
func TestSavepointsOfOneCallsConnectionsAreApart(t *testing.T) {
	t.Parallel()
	w := newTown(t, "ma")
	s, b := w.alone()
	call, err := s.Join(w.within(), b)
	w.ok(err)
	outer, err := mysql.Conn(call)
	w.ok(err)
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
	call, err := s.Join(w.within(), b)
	w.ok(err)
	conn, err := mysql.Conn(call)
	w.ok(err)
	point, err := conn.BeginTx(w.within(), nil)
	w.ok(err)
	rows, err := point.QueryContext(w.within(), "select id from account")
	w.ok(err)
	if err := s.Leave(call, b, nil); err == nil {
		t.Error("rows were left open, and nobody said so")
	}
	if f, err := s.Abort(w.within(), b, nil); err != nil || f != txc.AbortedNow {
		t.Errorf("%v: %v", f, err)
	}
	ended := make(chan error, 1)
	go func() {
		for rows.Next() {
		}
		said := fmt.Sprint(rows.Err(), rows.Close(), point.Rollback())
		if _, err := conn.ExecContext(context.Background(), "update account set n = ?", 1); err == nil {
			said = "a statement of a branch that has ended was run"
		}
		ended <- fmt.Errorf("%s", said)
	}()
	select {
	case err := <-ended:
		t.Log(err)
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for ever")
	}
}
