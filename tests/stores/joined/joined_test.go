package joined_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/participant/postgres"
)

func rawWork(sql string) client.Raw {
	b, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Sql{Sql: &txcpb.SqlWork{Ops: []*txcpb.SqlOp{{Text: sql, Query: true}}}}})
	if err != nil {
		panic(err)
	}
	return client.Raw(b)
}

func callWork(name, body string) client.Raw {
	b, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Call{Call: &txcpb.CallWork{Name: name, Body: []byte(body)}}})
	if err != nil {
		panic(err)
	}
	return client.Raw(b)
}

// begin begins a transaction that calls join.
func (w *town) begin(timeout time.Duration) (*client.Tx, context.Context) {
	w.t.Helper()
	tx, err := w.client.Begin(w.within(), client.Timeout(timeout))
	w.ok(err)
	ctx, err := tx.Context(w.within())
	w.ok(err)
	return tx, ctx
}

// everywhere runs a test with services of each kind: their names begin with in.
func everywhere(t *testing.T, test func(t *testing.T, in string)) {
	inServers(t, test)
	t.Run("kv", func(t *testing.T) {
		t.Parallel()
		test(t, "k")
	})
}

// inServers is the same for those whose data is in a server.
func inServers(t *testing.T, test func(t *testing.T, in string)) {
	for in, name := range map[string]string{"": "PostgreSQL", "m": "MariaDB"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, in)
		})
	}
}

func TestThreeHops(t *testing.T) {
	t.Parallel()
	w := newTown(t, "a", "mb", "c", "kd", "ke")
	r, err := w.client.Run(w.within(), func(ctx context.Context, tx *client.Tx) error {
		ctx, err := tx.Context(ctx)
		if err != nil {
			return err
		}
		return errors.Join(w.services["a"].call(ctx, "add 1; on mb: add 1; on c: add 1; on kd: add 1; on ke: add 1"), w.services["c"].call(ctx, "add 1"),
			w.services["a"].call(ctx, "on c: on a: add 1"), w.services["mb"].call(ctx, "add 1"), w.services["kd"].call(ctx, "add 1; on ke: add 1"))
	})
	if err != nil || r.Outcome != txc.Committed || len(r.Branches) != 5 {
		t.Fatalf("%+v: %v", r, err)
	}
	w.balances(102)
	w.quiet()
}

// Each of these ends as aborted, everywhere, and leaves nothing.
func TestWhatDoomsATransaction(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, in string) {
		w := newTown(t, in+"a", in+"b", in+"c")
		a, b, c := w.services[in+"a"], w.services[in+"b"], w.services[in+"c"]
		rows := []struct {
			says string
			do   func(ctx context.Context) error
		}{
			{"a call failed", func(ctx context.Context) error { return b.call(ctx, "add 1; fail") }},
			{"a call further down failed, and nobody said so", func(ctx context.Context) error { return a.call(ctx, "hush on "+in+"b: on "+in+"c: add 1; fail") }},
			{"a constraint was hurt", func(ctx context.Context) error { return c.call(ctx, "add -1000") }},
			{"rows were left open", func(ctx context.Context) error { return c.call(ctx, "add 1; rows") }},
			{"a trailer was lost", func(ctx context.Context) error {
				b.mute.Store(true)
				defer b.mute.Store(false)
				return a.call(ctx, "on "+in+"b: add 1")
			}},
			{"P4: a participant started anew between two calls", func(ctx context.Context) error {
				b.restart()
				return b.call(ctx, "add 1")
			}},
		}
		for _, row := range rows {
			if in == "k" && row.says == "rows were left open" {
				continue // there are none
			}
			t.Run(row.says, func(t *testing.T) {
				tx, ctx := w.begin(10 * time.Second)
				w.ok(a.call(ctx, "add 1; on "+in+"b: add 1; on "+in+"c: add 1"))
				if err := row.do(ctx); err == nil {
					t.Error("the caller heard nothing of it")
				}
				r, err := tx.Commit(w.within())
				if !errors.Is(err, txc.ErrAborted) || r.Outcome != txc.Aborted {
					t.Fatalf("%+v: %v", r, err)
				}
				w.balances(100)
				w.quiet()
			})
		}
	})
}

// P4: a participant that started anew knows nothing of the branch, so its vote is No.
func TestAParticipantStartedAnewBeforeCommit(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, in string) {
		w := newTown(t, in+"a", in+"b")
		tx, ctx := w.begin(10 * time.Second)
		w.ok(w.services[in+"a"].call(ctx, "add 1; on "+in+"b: add 1"))
		w.services[in+"b"].restart()
		if r, err := tx.Commit(w.within()); !errors.Is(err, txc.ErrAborted) {
			t.Fatalf("%+v: %v", r, err)
		}
		w.balances(100)
		w.quiet()
	})
}

// P3: a client that never commits keeps nobody waiting beyond the transaction's time.
func TestAnAbandonedBranchDiesAtItsDeadline(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, in string) {
		w := newTown(t, in+"a")
		tx, ctx := w.begin(time.Second)
		w.ok(w.services[in+"a"].call(ctx, "add 1"))
		w.until("it is open", func() bool { return w.open() == 1 })
		w.outsider(in+"a", 5) // waits for the branch's lock
		w.balances(105)
		w.quiet()
		if _, err := tx.Commit(w.within()); !errors.Is(err, txc.ErrAborted) {
			t.Errorf("committed: %v", err)
		}
	})
}

func TestTheServerIsKilledBetweenCallAndCommit(t *testing.T) {
	t.Parallel()
	inServers(t, func(t *testing.T, in string) {
		w := newTown(t, in+"a", in+"b")
		tx, ctx := w.begin(10 * time.Second)
		w.ok(w.services[in+"a"].call(ctx, "add 1; on "+in+"b: add 1"))
		server := w.postgres.Server
		if in == "m" {
			server = w.maria.Server
		}
		server.Kill()
		w.ok(server.Start())
		if r, err := tx.Commit(w.within()); !errors.Is(err, txc.ErrAborted) {
			t.Fatalf("%+v: %v", r, err)
		}
		w.balances(100)
		w.until("it goes on", func() bool {
			_, err := w.client.Run(w.within(), func(ctx context.Context, tx *client.Tx) error {
				ctx, err := tx.Context(ctx)
				if err != nil {
					return err
				}
				return w.services[in+"a"].call(ctx, "on "+in+"b: sql select 1")
			})
			return err == nil
		})
		w.quiet()
	})
}

// C10: where open branches have all the sessions that they may have, a call is refused as busy, shipped work goes on, and
// who holds a session can finish. Nothing is leaked afterwards.
func TestSessionsOfOpenBranchesAreBounded(t *testing.T) {
	t.Parallel()
	inServers(t, func(t *testing.T, in string) {
		w := newTown(t, in+"a")
		a := w.services[in+"a"]
		var open []*client.Tx
		for range 3 { // of 4
			tx, ctx := w.begin(20 * time.Second)
			w.ok(a.call(ctx, "sql select 1"))
			open = append(open, tx)
		}
		tx, ctx := w.begin(20 * time.Second)
		if err := a.call(ctx, "sql select 1"); err == nil || !strings.Contains(err.Error(), "session") {
			t.Fatalf("a fourth branch was opened: %v", err)
		}
		var refusal *txc.Refusal
		if _, err := tx.Commit(w.within()); !errors.As(err, &refusal) || refusal.Reason.Code != txc.CodeBusy || !refusal.Reason.Retryable {
			t.Fatalf("it should say busy: %v", err)
		}
		if _, err := w.client.Run(w.within(), func(_ context.Context, tx *client.Tx) error { return tx.Enlist(in+"a", rawWork("select 1")) }); err != nil {
			t.Fatalf("shipped work waits for open branches: %v", err)
		}
		done := make(chan error, 1)
		go func() { // client.Run tries again until a session is free
			_, err := w.client.Run(w.within(), func(ctx context.Context, tx *client.Tx) error {
				ctx, err := tx.Context(ctx)
				if err != nil {
					return err
				}
				return a.call(ctx, "add 1")
			})
			done <- err
		}()
		for _, tx := range open {
			_, err := tx.Commit(w.within())
			w.ok(err)
		}
		w.ok(<-done)
		w.balances(101)
		for range 8 { // twice the sessions: each is given back, after failures too
			tx, ctx := w.begin(5 * time.Second)
			_ = a.call(ctx, "add 1; fail")
			w.ok(tx.Rollback(w.within()))
		}
		w.quiet()
		w.balances(101)
	})
}

var handlers = map[string]postgres.Handler{
	"take": func(ctx context.Context, tx pgx.Tx, body []byte) ([]byte, error) {
		var left string
		err := tx.QueryRow(ctx, "update account set n = n - $1::text::int where id = 'x' returning n::text", string(body)).Scan(&left)
		return []byte(left), err
	},
	"refuse": func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) {
		if _, err := tx.Exec(ctx, "update account set n = 0"); err != nil {
			return nil, err
		}
		return nil, txc.Refuse(txc.ErrAborted, txc.CodeRefused, "it has been paid for until May")
	},
	"break": func(context.Context, pgx.Tx, []byte) ([]byte, error) {
		return nil, errors.New("the printer is out of paper")
	},
	"panic":  func(context.Context, pgx.Tx, []byte) ([]byte, error) { panic("a nil map") },
	"commit": func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) { return nil, tx.Commit(ctx) },
	"back":   func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) { return nil, tx.Rollback(ctx) },
	"long":   func(context.Context, pgx.Tx, []byte) ([]byte, error) { return make([]byte, txc.MaxBranchRes), nil },
	"savepoint": func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "insert into account values ('x', 1)")
			return err
		})
		if err == nil {
			return nil, errors.New("a duplicate was taken")
		}
		_, err = tx.Exec(ctx, "update account set n = n + 1")
		return nil, err
	},
	"escape": func(ctx context.Context, tx pgx.Tx, body []byte) ([]byte, error) {
		if _, err := tx.Exec(ctx, string(body)); err != nil {
			return nil, err
		}
		return []byte("it passed"), nil
	},
}

func TestHandlers(t *testing.T) {
	t.Parallel()
	w := newTown(t, "a")
	w.handle("a", []handled{
		{"a result comes back", "take", "3", "", "97", 97},
		{"a savepoint that is rolled back leaves the branch whole", "savepoint", "", "", "", 98},
		{"the business's own No", "refuse", "", txc.CodeRefused, "it has been paid for until May", 98},
		{"a constraint says No", "take", "1000", txc.CodeRefused, "23514", 98},
		{"any other error", "break", "", txc.CodeStore, "the printer is out of paper", 98},
		{"a panic is contained", "panic", "", txc.CodeStore, "a nil map", 98},
		{"it cannot commit by itself", "commit", "", txc.CodeStore, "commits with its transaction", 98},
		{"its Rollback counts", "back", "", txc.CodeStore, "rolled it back", 98},
		{"a result that is too long", "long", "", txc.CodeBadWork, "bytes", 98},
		{"an unknown name", "bogus", "", txc.CodeBadWork, "bogus", 98},
		{"the end of the transaction, as a statement", "escape", "commit", txc.CodeStore, "begins with", 98},
		{"two statements in one", "escape", "select 1; commit", txc.CodeBadWork, "42601", 98},
	})
}

// handled is what becomes of a call of a handler.
type handled struct {
	says, name, body string
	code             txc.Code // "": it commits
	text             string   // in the reason, or the result
	left             int
}

func (w *town) handle(service string, rows []handled) {
	for _, row := range rows {
		w.t.Run(row.says, func(t *testing.T) {
			r, err := w.client.Run(w.within(), func(_ context.Context, tx *client.Tx) error { return tx.Enlist(service, callWork(row.name, row.body)) })
			var refusal *txc.Refusal
			switch {
			case row.code == "" && err != nil:
				t.Error(err)
			case row.code == "":
				var all txcpb.Results
				if err := proto.Unmarshal(r.Branches[0].Results, &all); err != nil || string(all.GetItems()[0].GetValue()) != row.text {
					t.Errorf("%v: %v", &all, err)
				}
			case !errors.As(err, &refusal) || refusal.Reason.Code != row.code || !strings.Contains(refusal.Reason.Text, row.text):
				t.Errorf("%v, want %s %q", err, row.code, row.text)
			}
			w.balances(row.left)
		})
	}
	w.quiet()
}
