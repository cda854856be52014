package sqlwork_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/sqlwork"
)

func TestWhatAStatementMayBe(t *testing.T) {
	plain := sqlwork.Grammar{Verbs: []string{"select", "update"}, Nested: true}
	live := sqlwork.Grammar{Verbs: plain.Verbs, Hash: true, Live: true}
	rows := []struct {
		text        string
		plain, live bool
	}{
		{"select 1", true, true}, {" \n\tUPDATE t set a = 1", true, true}, {"(select 1)", true, true}, {"select1", true, true}, // the server refuses it
		{"-- c\nselect 1", true, true}, {"-- c\r\nselect 1", true, true}, {"-- select 1\rcommit", false, false}, {"-- c\rselect 1\ncommit", false, false}, {"-- c\rcommit /*\nselect 1 */", false, false},
		{"# c\rselect 1\ncommit", false, false}, {"# c\r\nselect 1", false, true}, {"-- select 1", false, false}, {"", false, false}, {"; commit", false, false},
		{"/* a /* b */ c */select 1", true, false}, {"/* a /* b */select 1", false, true}, {"/* select 1", false, false}, {"/*/ select 1", false, false}, {"/**/select 1", true, true},
		{"# c\nselect 1", false, true}, {"/*! select */ select 1", true, false}, {"/*M!100000 commit */ select 1", true, false}, {"/* */ /*!select*/ 1", false, false},
		{"commit", false, false}, {"/**/ROLLBACK", false, false}, {"selectx 1", false, false},
	}
	for _, row := range rows {
		if err := plain.Admissible(row.text); (err == nil) != row.plain {
			t.Errorf("%q: %v", row.text, err)
		}
		if err := live.Admissible(row.text); (err == nil) != row.live {
			t.Errorf("with comments that are executed: %q: %v", row.text, err)
		}
	}
}

var terms = sqlwork.Terms{
	Statements: map[string]sqlwork.Statement{"take": {Text: "update t set n = n - ?"}, "look": {Text: "select n from t", Query: true}},
	Grammar:    sqlwork.Grammar{Verbs: []string{"select", "update"}},
}

func orders(t *testing.T, terms sqlwork.Terms, work *txcpb.Work) ([]sqlwork.Order, error) {
	t.Helper()
	data, err := proto.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sqlwork.Read(data)
	if err != nil {
		return nil, err
	}
	return terms.Orders(w.GetSql())
}

func sql(ops ...*txcpb.SqlOp) *txcpb.Work {
	return &txcpb.Work{Kind: &txcpb.Work_Sql{Sql: &txcpb.SqlWork{Ops: ops}}}
}

func TestWorkThatIsTaken(t *testing.T) {
	got, err := orders(t, terms, sql(&txcpb.SqlOp{Name: "take", Args: []*txcpb.Value{{V: &txcpb.Value_Integer{Integer: 3}}}}, &txcpb.SqlOp{Name: "look", Query: true}))
	if err != nil || len(got) != 2 || got[0].Text != "update t set n = n - ?" || got[0].Query || len(got[0].Args) != 1 || !got[1].Query {
		t.Errorf("%+v %v", got, err)
	}
	free := terms
	free.Free = true
	if got, err := orders(t, free, sql(&txcpb.SqlOp{Text: "select 1", Query: true})); err != nil || got[0].Text != "select 1" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWorkThatIsRefused(t *testing.T) {
	free := terms
	free.Free = true
	newer := sql(&txcpb.SqlOp{Name: "take"})
	newer.GetSql().GetOps()[0].ProtoReflect().SetUnknown([]byte{0xf8, 0x07, 1})
	rows := map[string]struct {
		terms sqlwork.Terms
		work  *txcpb.Work
		says  string
	}{
		"nothing":                        {terms, &txcpb.Work{}, "not SQL"},
		"of another kind":                {terms, &txcpb.Work{Kind: &txcpb.Work_Kv{Kv: &txcpb.KvWork{}}}, "not SQL"},
		"without a statement":            {terms, sql(), "0 statements"},
		"too many":                       {terms, sql(make([]*txcpb.SqlOp, sqlwork.MaxOps+1)...), "1025 statements"},
		"neither name nor text":          {terms, sql(&txcpb.SqlOp{}), "either"},
		"both":                           {terms, sql(&txcpb.SqlOp{Name: "take", Text: "select 1"}), "either"},
		"a name that is not there":       {terms, sql(&txcpb.SqlOp{Name: "gone"}), "gone"},
		"a query as exec":                {terms, sql(&txcpb.SqlOp{Name: "look"}), "other of exec and query"},
		"text where it is not taken":     {terms, sql(&txcpb.SqlOp{Text: "select 1"}), "allow_free_sql"},
		"text that would end the branch": {free, sql(&txcpb.SqlOp{Text: "commit"}), "begins with"},
		"an argument of no kind":         {terms, sql(&txcpb.SqlOp{Name: "take", Args: []*txcpb.Value{{}}}), "argument"},
		"more than is known":             {terms, newer, "more than"},
	}
	for says, row := range rows {
		t.Run(says, func(t *testing.T) {
			if got, err := orders(t, row.terms, row.work); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	if err := (sqlwork.Terms{Statements: map[string]sqlwork.Statement{"bad": {Text: "commit"}}, Grammar: terms.Grammar}).Check(); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Errorf("a named statement that no branch may run: %v", err)
	}
}

func TestResults(t *testing.T) {
	var r sqlwork.Results
	cell := func(n int) []*txcpb.Value {
		return []*txcpb.Value{{V: &txcpb.Value_Text{Text: strings.Repeat("x", n)}}}
	}
	two := int64(2)
	query := sqlwork.Order{Query: true, Rows: &two}
	table := r.Table(0, query, []string{"a"})
	table.Add(cell(1))
	if why := table.End(0); why.Code != txc.CodeRefused || why.Retryable {
		t.Errorf("one row of two: %+v", why)
	}
	table.Add(cell(1))
	if why := table.End(0); !why.IsZero() {
		t.Errorf("two rows of two: %+v", why)
	}
	if why := r.Table(1, sqlwork.Order{Rows: &two}, nil).End(3); why.Code != txc.CodeRefused {
		t.Errorf("three changed of two: %+v", why)
	}
	full := r.Table(2, sqlwork.Order{Query: true}, []string{"a"})
	for full.Wants() {
		full.Add(cell(1000))
	}
	if why := full.End(0); why.Code != txc.CodeBadWork {
		t.Errorf("too many: %+v", why)
	}
	data, why := r.Bytes()
	var got txcpb.Results
	if err := proto.Unmarshal(data, &got); err != nil || !why.IsZero() || len(got.GetItems()) != 1 || len(got.GetItems()[0].GetTable()) != 2 {
		t.Errorf("%v %+v %v", &got, why, err)
	}
}

// Whatever comes as work is taken apart, or refused; it is never an order without a text, nor an argument without a value.
func FuzzWork(f *testing.F) {
	for _, w := range []*txcpb.Work{sql(&txcpb.SqlOp{Name: "take"}), sql(&txcpb.SqlOp{Text: "select 1", Query: true, Args: []*txcpb.Value{{V: &txcpb.Value_Null{Null: true}}}})} {
		data, err := proto.Marshal(w)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	free := terms
	free.Free = true
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := sqlwork.Read(data)
		if err != nil {
			return
		}
		all, err := free.Orders(w.GetSql())
		if err != nil {
			return
		}
		for _, o := range all {
			if free.Grammar.Admissible(o.Text) != nil {
				t.Errorf("%q is an order", o.Text)
			}
			for _, v := range o.Args {
				if v.GetV() == nil {
					t.Error("an argument without a value")
				}
			}
		}
	})
}
