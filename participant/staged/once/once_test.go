package once_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/participant/staged/once"
)

// A consumer is handed one message twice: its effect happens once.
func Example() {
	stock := 10
	memory := once.NewWindow(100_000)
	for _, id := range []string{"txc/txc/c1.7.1042.00000000000000aa/events/0", "txc/txc/c1.7.1042.00000000000000aa/events/0"} {
		ran, err := once.Do(context.Background(), memory, id, func() error {
			stock--
			return nil
		})
		fmt.Println(ran, err, stock)
	}
	// Output:
	// true <nil> 9
	// false <nil> 9
}

func TestTheHeaderIsTheOneThatIsPublished(t *testing.T) {
	if once.Header != staged.HeaderID {
		t.Fatalf("%s and %s", once.Header, staged.HeaderID)
	}
}

var errEffect = errors.New("the effect failed")

func TestAnEffectThatFailedRunsAgain(t *testing.T) {
	w := once.NewWindow(2)
	for i := range 3 {
		ran, err := once.Do(t.Context(), w, "a", func() error {
			if i == 0 {
				return errEffect
			}
			return nil
		})
		if want := i < 2; ran != want || (err != nil) != (i == 0) {
			t.Fatalf("time %d: ran %v, %v", i, ran, err)
		}
	}
}

func TestAMessageWithoutAnIDIsAnError(t *testing.T) {
	if ran, err := once.Do(t.Context(), once.NewWindow(1), "", nil); ran || !errors.Is(err, once.ErrNoID) {
		t.Fatal(ran, err)
	}
}

func TestAWindowKnowsTheLastIDs(t *testing.T) {
	w := once.NewWindow(3)
	add := func(id string, want bool) {
		t.Helper()
		if first, err := w.Add(t.Context(), id); err != nil || first != want {
			t.Fatalf("%s: first %v, %v", id, first, err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		add(id, true)
	}
	w.Drop("b")
	w.Drop("never there")
	add("b", true) // in the place of a
	add("c", false)
	add("a", true) // in the place of the first b, which was dropped: the other stays
	add("b", false)
	add("d", true)
	add("c", true)
}

// tx is what both database/sql and pgx have, with a table of one column.
type tx struct {
	rows map[string]bool
	fail error
	all  int64 // what every insert is said to have changed
}

func (t *tx) insert(args []any) (affected, error) {
	id := args[0].(string)
	n := affected(0)
	if !t.rows[id] {
		n = 1
	}
	t.rows[id] = true
	if t.all != 0 {
		n = affected(t.all)
	}
	return n, t.fail
}

type affected int64

func (a affected) RowsAffected() int64 { return int64(a) }

type pgxTx struct{ *tx }

func (t pgxTx) Exec(_ context.Context, _ string, args ...any) (affected, error) {
	return t.insert(args)
}

type sqlTx struct{ *tx }

func (t sqlTx) ExecContext(_ context.Context, _ string, args ...any) (sql.Result, error) {
	n, err := t.insert(args)
	return result{n}, err
}

type result struct{ affected }

func (r result) RowsAffected() (int64, error) { return int64(r.affected), nil }
func (r result) LastInsertId() (int64, error) { return 0, nil }

func TestATableKnowsWhatItsInsertSays(t *testing.T) {
	for name, of := range map[string]func(t *tx) once.Memory{
		"pgx": func(t *tx) once.Memory { return once.PGX(pgxTx{t}, "insert") },
		"sql": func(t *tx) once.Memory { return once.SQL(sqlTx{t}, "insert") },
	} {
		t.Run(name, func(t *testing.T) {
			under := &tx{rows: map[string]bool{}}
			m := of(under)
			for _, want := range []bool{true, false} {
				if ran, err := once.Do(t.Context(), m, "a", func() error { return nil }); ran != want || err != nil {
					t.Fatal(ran, err)
				}
			}
			under.all = 2 // an insert that updates, as "on duplicate key update" does, knows nothing
			if ran, err := once.Do(t.Context(), m, "a", func() error { return nil }); ran || err == nil {
				t.Fatal("an insert that changes two rows was taken for an answer")
			}
			under.fail = errEffect
			if ran, err := once.Do(t.Context(), m, "b", func() error { return nil }); ran || !errors.Is(err, errEffect) {
				t.Fatal(ran, err)
			}
		})
	}
}
