package client

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Statement is one SQL statement of a database's participant.
type Statement struct {
	pb  *txcpb.SqlOp
	bad error // an argument that cannot be sent
}

// Exec calls a statement of the participant's configuration by its name. Arguments are nil, bool, int, int64, float64, string,
// []byte or time.Time (to the microsecond).
func Exec(name string, args ...any) Statement {
	return statement(&txcpb.SqlOp{Name: name}, args)
}

// Query is the same for one whose rows come back with the outcome (Result.Results).
func Query(name string, args ...any) Statement {
	return statement(&txcpb.SqlOp{Name: name, Query: true}, args)
}

// ExecText is SQL as it stands, which only a participant takes that was started with allow_free_sql.
func ExecText(text string, args ...any) Statement {
	return statement(&txcpb.SqlOp{Text: text}, args)
}

// QueryText is the same for one whose rows come back with the outcome.
func QueryText(text string, args ...any) Statement {
	return statement(&txcpb.SqlOp{Text: text, Query: true}, args)
}

// Rows aborts the transaction unless the statement changes, or gives, so many rows.
func (s Statement) Rows(n int64) Statement {
	s.pb = proto.CloneOf(s.pb)
	s.pb.Rows = &n
	return s
}

func statement(op *txcpb.SqlOp, args []any) Statement {
	s := Statement{pb: op}
	for i, a := range args {
		v := &txcpb.Value{}
		switch a := a.(type) {
		case nil:
			v.V = &txcpb.Value_Null{Null: true}
		case bool:
			v.V = &txcpb.Value_Boolean{Boolean: a}
		case int:
			v.V = &txcpb.Value_Integer{Integer: int64(a)}
		case int64:
			v.V = &txcpb.Value_Integer{Integer: a}
		case float64:
			v.V = &txcpb.Value_Number{Number: a}
		case string:
			v.V = &txcpb.Value_Text{Text: a}
		case []byte:
			v.V = &txcpb.Value_Binary{Binary: a}
		case time.Time:
			v.V = &txcpb.Value_UnixUs{UnixUs: a.UnixMicro()}
		default:
			s.bad = fmt.Errorf("%w: argument %d of %q is a %T", txc.ErrInvalid, i+1, op.GetName()+op.GetText(), a)
		}
		op.Args = append(op.Args, v)
	}
	return s
}

// SQL is work for a database's participant: statements in order, in one branch of the database.
func SQL(statements ...Statement) Work { return sqlWork(statements) }

type sqlWork []Statement

func (w sqlWork) MarshalWork() ([]byte, error) {
	work := &txcpb.SqlWork{}
	for _, s := range w {
		if s.bad != nil {
			return nil, s.bad
		}
		work.Ops = append(work.Ops, s.pb)
	}
	return marshal(&txcpb.Work{Kind: &txcpb.Work_Sql{Sql: work}})
}
