package joined_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
)

// wrong_calls: a call that arrived twice, or whose caller never told, is not committed unseen.
func TestACallThatTheClientDoesNotKnowOf(t *testing.T) {
	t.Parallel()
	w := newTown(t, "a")
	a := w.services["a"]
	tx, ctx := w.begin(10 * time.Second)
	w.ok(a.call(ctx, "add 1"))
	stray := metadata.AppendToOutgoingContext(w.within(), "txc-tx", tx.ID().String()+"."+txc.FormatMark(77), "txc-age", "1", "txc-time-left-ms", "5000",
		"txc-branch", "a/"+strconv.FormatUint(a.agent.Incarnation(), 10)+"/1")
	w.ok(a.call(stray, "add 1"))
	var refusal *txc.Refusal
	if _, err := tx.Commit(w.within()); !errors.As(err, &refusal) || refusal.Reason.Code != txc.CodeWrongCalls {
		t.Fatalf("%v, want wrong_calls", err)
	}
	w.balances(100)
	w.quiet()
}

// Calls of one branch that overlap share a session: a savepoint of one never takes back what another wrote, and what a
// call has held stays in use until it is let go of.
func TestOverlappingCallsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.do("postgres", "create table line (n int)")
	s, err := postgres.Open(w.within(), w.postgres.URL("postgres"), postgres.Options{Cluster: "txc", Name: "alone", Connections: 2})
	w.ok(err)
	t.Cleanup(func() { w.closed(s.Close(context.Background())) })
	b := participant.Branch{ID: txc.ID{Coordinator: 9, Epoch: 1, Sequence: 1}, Mark: 5, Cluster: "txc", Participant: "alone", Members: []string{"alone"}}
	var calls [2]context.Context
	var views [2]pgx.Tx
	for i := range calls {
		calls[i], err = s.Join(w.within(), b)
		w.ok(err)
		views[i], err = postgres.Tx(calls[i])
		w.ok(err)
	}
	point, err := views[0].Begin(w.within())
	w.ok(err)
	_, err = point.Exec(w.within(), "insert into line values (1)")
	w.ok(err)
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := views[1].Exec(soon, "insert into line values (2)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a statement ran amid another call's savepoint: %v", err)
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := views[1].Exec(w.within(), "insert into line values (2)")
		wrote <- err
	}()
	w.ok(point.Rollback(w.within()))
	w.ok(<-wrote)
	for _, call := range calls {
		w.ok(s.Leave(call, b, nil))
	}
	if _, err := views[1].Exec(w.within(), "insert into line values (3)"); err == nil {
		t.Error("a call that has returned still writes")
	}
	p, err := s.Prepare(w.within(), b, nil, true)
	if err != nil || p.Vote != txc.Yes {
		t.Fatalf("%+v: %v", p, err)
	}
	if f, err := s.Commit(w.within(), b, p.Evidence); err != nil || f != txc.CommittedNow {
		t.Fatalf("%v: %v", f, err)
	}
	if n := w.number("postgres", "select sum(n) from line"); n != 2 {
		t.Errorf("the lines sum up to %d, want 2", n)
	}
}

// P11: an abort is answered when the session of a call that is still at work is gone; Close ends what is left.
func TestASessionInUseIsSeenToBeGone(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	s, err := postgres.Open(w.within(), w.postgres.URL("postgres"), postgres.Options{Cluster: "txc", Name: "alone", Connections: 4})
	w.ok(err)
	closed := false
	t.Cleanup(func() {
		if !closed {
			w.closed(s.Close(context.Background()))
		}
	})
	open := func(sequence uint64) (participant.Branch, context.Context) {
		b := participant.Branch{ID: txc.ID{Coordinator: 9, Epoch: 1, Sequence: sequence}, Mark: 5, Cluster: "txc", Participant: "alone", Members: []string{"alone"}}
		call, err := s.Join(w.within(), b)
		w.ok(err)
		tx, err := postgres.Tx(call)
		w.ok(err)
		_, err = tx.Query(w.within(), "select generate_series(1, 1000000)") // its rows are never closed
		w.ok(err)
		return b, call
	}
	b, call := open(1)
	if err := s.Leave(call, b, nil); err == nil {
		t.Error("rows were left open, and nobody said so")
	}
	if f, err := s.Abort(w.within(), b, nil); err != nil || f != txc.AbortedNow {
		t.Errorf("%v: %v", f, err)
	}
	const active = "select count(*) from pg_stat_activity where application_name like 'txc/%' and (xact_start is not null)"
	if n := w.number("postgres", active); n != 0 {
		t.Errorf("%d sessions are at work after the abort", n)
	}
	open(2)
	closed = true
	w.ok(s.Close(w.within()))
	if n := w.number("postgres", active); n != 0 {
		t.Errorf("%d sessions are at work after Close", n)
	}
}
