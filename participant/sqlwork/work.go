package sqlwork

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// MaxOps bounds the statements of one branch.
const MaxOps = 1024

// Statement is one that clients call by its name.
type Statement struct {
	Text  string
	Query bool // it gives rows
}

// Terms say which work a participant takes.
type Terms struct {
	Free       bool                 // the text of statements, from clients
	Statements map[string]Statement // what clients can call by name
	Grammar    Grammar
}

// Check says which of the named statements no branch could run. The error wraps txc.ErrInvalid.
func (t Terms) Check() error {
	var all error
	for name, s := range t.Statements {
		if bad := t.Grammar.Admissible(s.Text); bad != nil {
			all = errors.Join(all, fmt.Errorf("%w: statement %s: %w", txc.ErrInvalid, name, bad))
		}
	}
	return all
}

// Order is a statement that is fit to be run.
type Order struct {
	Text  string
	Query bool           // its rows go back to the client
	Rows  *int64         // so many, or No; nil: any number
	Args  []*txcpb.Value // each of a known kind
}

// Read reads a branch's work. What it does not know is an error: a newer client may have meant a condition by it.
func Read(work []byte) (*txcpb.Work, error) {
	w := &txcpb.Work{}
	if err := proto.Unmarshal(work, w); err != nil {
		return nil, fmt.Errorf("it is not work: %w", err)
	}
	if unknown(w) {
		return nil, fmt.Errorf("it is of an unknown kind")
	}
	return w, nil
}

// Orders takes the statements out of SQL work. An error says what is wrong with the work.
func (t Terms) Orders(w *txcpb.SqlWork) ([]Order, error) {
	ops := w.GetOps()
	switch {
	case w == nil:
		return nil, fmt.Errorf("it is not SQL")
	case unknown(w):
		return nil, fmt.Errorf("it says more than this participant knows")
	case len(ops) == 0 || len(ops) > MaxOps:
		return nil, fmt.Errorf("%d statements: use 1 to %d", len(ops), MaxOps)
	}
	all := make([]Order, 0, len(ops))
	for i, op := range ops {
		o, err := t.order(op)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i, err)
		}
		all = append(all, o)
	}
	return all, nil
}

func (t Terms) order(op *txcpb.SqlOp) (Order, error) {
	o := Order{Text: op.GetText(), Query: op.GetQuery(), Rows: op.Rows, Args: op.GetArgs()}
	if unknown(op) {
		return o, fmt.Errorf("it says more than this participant knows")
	}
	for _, v := range op.GetArgs() {
		if unknown(v) || v.GetV() == nil {
			return o, fmt.Errorf("an argument of an unknown kind")
		}
	}
	switch named, is := t.Statements[op.GetName()]; {
	case (op.GetName() == "") == (op.GetText() == ""):
		return o, fmt.Errorf("say either its name or its text")
	case op.GetName() != "" && !is:
		return o, fmt.Errorf("no statement is called %q here", op.GetName())
	case op.GetName() != "" && named.Query != op.GetQuery():
		return o, fmt.Errorf("%q is called by the other of exec and query", op.GetName())
	case op.GetName() != "":
		o.Text = named.Text
		return o, nil
	case !t.Free:
		return o, fmt.Errorf("this participant takes named statements only (allow_free_sql is off)")
	default:
		return o, t.Grammar.Admissible(o.Text)
	}
}

func unknown(m proto.Message) bool { return len(m.ProtoReflect().GetUnknown()) > 0 }
