package mysql

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc"
)

// Numbers of errors that decide something here.
const (
	errDuplicateKey = 1062
	errNoSuchThread = 1094 // KILL: it is gone
	errKillDenied   = 1095 // KILL: it is another user's
	errNoXID        = 1397 // XAER_NOTA: no such branch, or its session is still there
	errRolledBack   = 1402 // XA_RBROLLBACK
	errDuplicateXID = 1440 // XAER_DUPID
)

// codes say what an error of the work, or of its promise, is to the client: by its number, else by the class of its SQLSTATE.
var codes = map[uint16]txc.Code{
	1205: txc.CodeLockTimeout,                      // of rows or of a table's definition
	3572: txc.CodeLockTimeout,                      // nowait, in MySQL
	1213: txc.CodeConflict, 1614: txc.CodeConflict, // deadlock
	1020: txc.CodeConflict,                                                 // the row has changed since it was read
	1317: txc.CodeDeadline, 1969: txc.CodeDeadline, 3024: txc.CodeDeadline, // interrupted; max_statement_time; max_execution_time
	1613: txc.CodeDeadline,
	1040: txc.CodeBusy, 1203: txc.CodeBusy, 1226: txc.CodeBusy, // connections, in all, of a user, in an hour
	1053: txc.CodeUnreachable, 1077: txc.CodeUnreachable, 1079: txc.CodeUnreachable, 1152: txc.CodeUnreachable, 1158: txc.CodeUnreachable,
	1159: txc.CodeUnreachable, 1160: txc.CodeUnreachable, 1161: txc.CodeUnreachable, 1927: txc.CodeUnreachable, 4031: txc.CodeUnreachable,
	1399: txc.CodeBadWork, 1400: txc.CodeBadWork, // what a branch cannot do: change tables, end or begin a transaction
	1366: txc.CodeBadWork, 1364: txc.CodeBadWork, 1295: txc.CodeBadWork, 1210: txc.CodeBadWork,
	3819: txc.CodeRefused,                                                              // a check constraint
	1044: txc.CodeStore, 1045: txc.CodeStore, 1142: txc.CodeStore, 1143: txc.CodeStore, // privileges
	1227: txc.CodeStore, 1370: txc.CodeStore,
}

var classes = map[string]txc.Code{
	"22": txc.CodeBadWork, "42": txc.CodeBadWork, "21": txc.CodeBadWork,
	"23": txc.CodeRefused, "45": txc.CodeRefused, // constraints; what a trigger or procedure signals
	"40": txc.CodeConflict, "08": txc.CodeUnreachable,
}

// codeOf is the code of an error of the server.
func codeOf(err error) txc.Code {
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return txc.CodeUnreachable
	}
	if c, ok := codes[e.Number]; ok {
		return c
	}
	if c, ok := classes[string(e.SQLState[:2])]; ok {
		return c
	}
	return txc.CodeStore
}

// numberOf is the number of an error of the server; 0: the server said nothing.
func numberOf(err error) uint16 {
	var e *driver.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// reasonOf says to the client why work failed.
func reasonOf(ctx context.Context, err error) txc.Reason {
	var e *driver.MySQLError
	switch {
	case errors.As(err, &e):
		return reason(codeOf(err), "%s (error %d)", e.Message, e.Number)
	case ctx.Err() != nil:
		return reason(txc.CodeDeadline, "its time ran out")
	default:
		return reason(txc.CodeUnreachable, "its database is away")
	}
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}
