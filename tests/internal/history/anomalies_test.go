package history_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/history"
)

var (
	r = history.Read
	a = history.Append
)

// tx has committed; its interval is in milliseconds.
func tx(name string, begin, end int, ops ...history.Op) history.Tx {
	return history.Tx{Name: name, Status: history.Committed, Begin: ms(begin), End: ms(end), Ops: ops}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func aborted(t history.Tx) history.Tx {
	t.Status = history.Aborted
	return t
}

func unknown(t history.Tx) history.Tx {
	t.Status, t.End = history.Unknown, history.Forever
	return t
}

// all overlap, so that only what they read and write orders them.
func all(name string, ops ...history.Op) history.Tx { return tx(name, 0, 100, ops...) }

var rows = []struct {
	says string
	want history.Kind // "": there is none
	who  string       // the transactions of the anomaly, in its order
	txs  []history.Tx
}{
	{"nothing at all is fine", "", "", nil},
	{"one after the other is fine", "", "", []history.Tx{
		tx("1", 0, 1, r("x"), a("x", 1)), tx("2", 2, 3, r("x", 1), a("x", 2)), tx("3", 4, 5, r("x", 1, 2))}},
	{"while they overlap either order is fine", "", "", []history.Tx{
		all("1", a("x", 1)), all("2", r("x")), all("3", r("x", 1))}},
	{"a transaction sees its own appends", "", "", []history.Tx{
		all("1", r("x"), a("x", 1), r("x", 1), a("x", 2), r("x", 1, 2), a("y", 3), r("y", 3))}},
	{"what may have happened may be seen", "", "", []history.Tx{
		unknown(all("1", a("x", 1), a("y", 2))), tx("2", 5, 6, r("x", 1), r("y", 2))}},
	{"what may have happened may be seen late", "", "", []history.Tx{
		unknown(tx("1", 0, 1, r("x"), a("x", 1))), tx("2", 5, 6, r("x")), tx("3", 7, 8, r("x", 1))}},
	{"what may have happened need not have happened", "", "", []history.Tx{
		unknown(all("1", r("x", 7), a("x", 1))), tx("2", 5, 6, r("x"))}},
	{"what aborted may have read anything", "", "", []history.Tx{
		aborted(all("1", r("x", 8), a("x", 1))), all("2", r("x"))}},
	{"appends that nobody has read yet have no order", "", "", []history.Tx{
		all("1", a("x", 1), r("y")), all("2", a("x", 2), a("y", 3)), tx("3", 150, 160, r("y", 3))}},
	{"a blind append comes behind what was seen without it", "", "", []history.Tx{
		all("1", a("x", 1)), all("2", a("x", 2)), all("3", r("x", 1)), all("4", r("x"))}},

	{"its own append is missing", history.Internal, "1", []history.Tx{all("1", a("x", 1), r("x"))}},
	{"one list reads as two", history.Internal, "2", []history.Tx{all("1", a("x", 1)), all("2", r("x"), r("x", 1))}},
	{"it reads what it has yet to append", history.Internal, "1", []history.Tx{all("1", r("x", 1), a("x", 1))}},
	{"an element out of nowhere", history.Garbage, "1", []history.Tx{all("1", r("x", 9))}},
	{"an element in the wrong list", history.Garbage, "2", []history.Tx{all("1", a("x", 1)), all("2", r("y", 1))}},
	{"an append that happened twice", history.Twice, "2 1", []history.Tx{all("1", a("x", 1)), all("2", r("x", 1, 1))}},
	{"an aborted append is seen", history.G1a, "2 1", []history.Tx{aborted(all("1", a("x", 1))), all("2", r("x", 1))}},
	{"an aborted append is seen under a committed one", history.G1a, "3 1", []history.Tx{
		aborted(all("1", a("x", 1))), all("2", a("x", 2)), all("3", r("x", 1, 2))}},
	{"half of a transaction's appends to one list", history.G1b, "2 1", []history.Tx{all("1", a("x", 1), a("x", 2)), all("2", r("x", 1))}},
	{"a transaction's appends in another order", history.G1b, "2 1", []history.Tx{all("1", a("x", 1), a("x", 2)), all("2", r("x", 2, 1))}},
	{"the first of a transaction's appends is lost", history.G1b, "2 1", []history.Tx{all("1", a("x", 1), a("x", 2)), all("2", r("x", 2))}},
	{"two append to the same list", history.LostUpdate, "1 2", []history.Tx{
		all("1", r("x"), a("x", 1)), all("2", r("x"), a("x", 2)), tx("3", 200, 201, r("x", 2))}},
	{"two lists of which neither begins with the other", history.IncompatibleOrder, "4 3", []history.Tx{
		all("1", a("x", 1)), all("2", a("x", 2)), all("3", r("x", 1, 2)), all("4", r("x", 2))}},
	{"two lists order two writers differently", history.G0, "1 2", []history.Tx{
		all("1", a("x", 1), a("y", 2)), all("2", a("x", 3), a("y", 4)), all("3", r("x", 1, 3)), all("4", r("y", 4, 2))}},
	{"a transaction's appends with another's between them", history.G0, "1 2", []history.Tx{
		all("1", a("x", 1), a("x", 2)), all("2", a("x", 3)), all("3", r("x", 1, 3, 2))}},
	{"each sees the other", history.G1c, "1 2", []history.Tx{
		all("1", a("x", 1), r("y", 2)), all("2", r("x", 1), a("y", 2))}},
	{"sight and overwriting go round in a circle", history.G1c, "2 3 1", []history.Tx{
		all("1", a("x", 1), r("z", 4)), all("2", a("x", 2), a("y", 3)), all("3", r("y", 3), a("z", 4)), all("4", r("x", 1, 2))}},
	{"one half of a transaction is seen", history.Fractured, "2 1", []history.Tx{
		all("1", a("x", 1), a("y", 2)), all("2", r("x", 1), r("y"))}},
	{"a read of two lists at two times", history.GSingle, "3 1 2", []history.Tx{
		all("1", a("x", 1)), all("2", r("x", 1), a("y", 2)), all("3", r("x"), r("y", 2))}},
	{"write skew", history.G2Item, "1 2", []history.Tx{
		all("1", r("x"), a("y", 1)), all("2", r("y"), a("x", 2))}},
	{"two readers saw two appends in either order", history.G2Item, "3 2 4 1", []history.Tx{
		all("1", a("x", 1)), all("2", a("y", 2)), all("3", r("x", 1), r("y")), all("4", r("x"), r("y", 2))}},
	{"a read of what was, after its end", history.RealTime, "1 2", []history.Tx{
		tx("1", 0, 1, a("x", 1)), tx("2", 2, 3, r("x"))}},
	{"a lost append that nobody overwrote", history.RealTime, "1 3", []history.Tx{
		tx("1", 0, 1, r("x"), a("x", 1)), tx("3", 8, 9, r("x"))}},
	{"sight of something before it began", history.RealTime, "2 1", []history.Tx{
		tx("1", 5, 6, a("x", 1)), tx("2", 2, 3, r("x", 1))}},
	{"time passes through transactions that have nothing to do with it", history.RealTime, "1 2 3 4", []history.Tx{
		tx("1", 0, 1, a("x", 1)), tx("2", 2, 3, a("z", 2)), tx("3", 4, 5, a("z", 3)), tx("4", 6, 7, r("x")), all("5", r("z", 2, 3))}},
	{"what nobody heard the end of passes on what had yet to be written", history.RealTime, "6 3 4", []history.Tx{
		tx("3", 10, 11, a("y", 2)), unknown(tx("4", 0, 1, r("y", 2), a("z", 5))), tx("6", 4, 5, r("z", 5))}},
}

func TestAnomalies(t *testing.T) {
	for _, row := range rows {
		t.Run(row.says, func(t *testing.T) {
			got, err := history.Check(row.txs)
			if err != nil {
				t.Fatal(err)
			}
			if row.want == "" {
				if len(got.Anomalies) != 0 {
					t.Fatalf("false alarm: %v", got.Anomalies)
				}
				return
			}
			for _, found := range got.Anomalies {
				if found.Kind == row.want && strings.Join(found.Txs, " ") == row.who {
					return
				}
			}
			t.Errorf("no %s of %s, but %v", row.want, row.who, got.Anomalies)
		})
	}
}

// Every kind of anomaly has a row that shows it.
func TestEveryAnomalyIsShown(t *testing.T) {
	for _, kind := range []history.Kind{
		history.Internal, history.Garbage, history.Twice, history.G1a, history.G1b, history.LostUpdate, history.IncompatibleOrder,
		history.G0, history.G1c, history.Fractured, history.GSingle, history.G2Item, history.RealTime,
	} {
		shown := false
		for _, row := range rows {
			shown = shown || row.want == kind
		}
		if !shown {
			t.Errorf("no row shows %s", kind)
		}
	}
}

func TestACycleIsExplained(t *testing.T) {
	got, err := history.Check([]history.Tx{all("T1", r("x"), a("y", 1)), all("T2", r("y"), a("x", 2))})
	if err != nil || len(got.Anomalies) != 1 {
		t.Fatalf("%v: %v", got.Anomalies, err)
	}
	text := got.Anomalies[0].String()
	for _, want := range []string{
		"G2-item", "T1 ─rw▶ T2: T1 read x as [], without the 2 that T2 appended", "T2 ─rw▶ T1: T2 read y as [], without the 1 that T1 appended",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if got.Edges.ReadWrite != 2 || got.Edges.All() != 2 || got.Counted != 2 {
		t.Errorf("%+v of %d", got.Edges, got.Counted)
	}
}

func TestAMalformedHistoryIsRefused(t *testing.T) {
	for says, txs := range map[string][]history.Tx{
		"a name twice":        {all("1"), all("1")},
		"an element twice":    {all("1", a("x", 1)), all("2", a("y", 1))},
		"an end before begin": {tx("1", 5, 4)},
		"an unknown end":      {{Name: "1", End: ms(3)}},
	} {
		if _, err := history.Check(txs); err == nil {
			t.Errorf("%s is taken", says)
		}
	}
}
