package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/txc-dev/txc"
)

// SQLSTATEs that decide something here.
const (
	undefinedObject = "42704" // COMMIT or ROLLBACK PREPARED: no such gid
	duplicateObject = "42710" // PREPARE: the gid is in use
	badValue        = "22023" // pg_xact_status: a transaction of the future

	protocolViolation = "08P01" // a statement of the work: more or fewer arguments than it has placeholders
)

// codes say what an error of the work, or of PREPARE, is to the client: by SQLSTATE, else by its class.
var codes = map[string]txc.Code{
	"40001": txc.CodeConflict, "40P01": txc.CodeConflict, "55P03": txc.CodeLockTimeout,
	"57014": txc.CodeDeadline, "25P03": txc.CodeDeadline,
	"53200": txc.CodeBusy, "53300": txc.CodeBusy,
	"57P01": txc.CodeUnreachable, "57P02": txc.CodeUnreachable, "57P03": txc.CodeUnreachable, "08": txc.CodeUnreachable,
	"22": txc.CodeBadWork, "42": txc.CodeBadWork, "42501": txc.CodeStore,
	"23": txc.CodeRefused, "P0001": txc.CodeRefused,
}

func codeOf(state string) txc.Code {
	if c, ok := codes[state]; ok {
		return c
	}
	if c, ok := codes[state[:min(2, len(state))]]; ok {
		return c
	}
	return txc.CodeStore
}

// stateOf is the SQLSTATE of an error, empty if the server did not send it.
func stateOf(err error) string {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// certain reports that the server said what became of the statement: it failed, and its transaction with it. A session that
// ends says nothing, whatever words it ends with.
func certain(err error) bool {
	var p *pgconn.PgError
	return errors.As(err, &p) && (p.SeverityUnlocalized == "ERROR" || p.SeverityUnlocalized == "" && p.Severity == "ERROR")
}

// reasonOf says to the client why work failed.
func reasonOf(ctx context.Context, err error) txc.Reason {
	var p *pgconn.PgError
	switch {
	case errors.As(err, &p):
		text := fmt.Sprintf("%s (SQLSTATE %s)", p.Message, p.Code)
		if strings.Contains(p.Hint, "max_prepared_transactions") {
			text += ": raise max_prepared_transactions and restart the server"
		}
		return reason(codeOf(p.Code), "%s", text)
	case ctx.Err() != nil:
		return reason(txc.CodeDeadline, "its time ran out")
	default:
		return reason(txc.CodeUnreachable, "its database is away")
	}
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}
