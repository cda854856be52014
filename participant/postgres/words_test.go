package postgres_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/postgres"
)

func TestWhatSQLStatesMean(t *testing.T) {
	rows := []struct {
		state     string
		code      txc.Code
		retryable bool
	}{
		{"40001", txc.CodeConflict, true},    // serialization_failure
		{"40P01", txc.CodeConflict, true},    // deadlock_detected
		{"55P03", txc.CodeLockTimeout, true}, // lock_not_available
		{"57014", txc.CodeDeadline, true},    // query_canceled
		{"25P03", txc.CodeDeadline, true},    // idle_in_transaction_session_timeout
		{"53200", txc.CodeBusy, true},        // no slot
		{"53300", txc.CodeBusy, true},        // too_many_connections
		{"57P01", txc.CodeUnreachable, true}, // admin_shutdown
		{"57P02", txc.CodeUnreachable, true}, // crash_shutdown
		{"57P03", txc.CodeUnreachable, true}, // cannot_connect_now
		{"08006", txc.CodeUnreachable, true}, // connection_failure
		{"55000", txc.CodeStore, false},      // no slots at all
		{"0A000", txc.CodeStore, false},      // what cannot be prepared
		{"42501", txc.CodeStore, false},      // insufficient_privilege
		{"2D000", txc.CodeStore, false},      // invalid_transaction_termination
		{"53100", txc.CodeStore, false},      // disk_full
		{"23505", txc.CodeRefused, false},    // unique_violation
		{"P0001", txc.CodeRefused, false},    // raise_exception
		{"42601", txc.CodeBadWork, false},    // syntax_error
		{"22012", txc.CodeBadWork, false},    // division_by_zero
		{"XX000", txc.CodeStore, false}, {"", txc.CodeStore, false},
	}
	for _, row := range rows {
		if got := postgres.CodeOf(row.state); got != row.code || got.Retryable() != row.retryable {
			t.Errorf("%s is %s, want %s", row.state, got, row.code)
		}
	}
}

func TestOnlyAnErrorOfTheServerIsCertain(t *testing.T) {
	for severity, want := range map[string]bool{"ERROR": true, "FATAL": false, "PANIC": false} {
		err := &pgconn.PgError{SeverityUnlocalized: severity, Severity: "ERREUR", Code: "57P01"}
		if got := postgres.Certain(errors.Join(errors.New("x"), err)); got != want {
			t.Errorf("%s: certain %v", severity, got)
		}
	}
	if postgres.Certain(errors.New("connection reset")) {
		t.Error("a lost connection is certain")
	}
}

func TestWhatAStatementMayBe(t *testing.T) {
	rows := map[string]bool{
		"select 1": true, "SELECT 1": true, " \n\tupdate t set a = 1": true, "-- c\ninsert into t values (1)": true, "/* a /* b */ c */with x as (select 1) select 1": true,
		"(select 1)": true, "values (1)": true, "call f()": true, "do $$ begin end $$": true, "lock table t": true,
		"commit": false, "/**/ROLLBACK": false, "end": false, "abort": false, "prepare transaction 'x'": false, "-- select\ncommit": false, "-- select 1\rcommit": false,
		"savepoint a": false, "set role x": false, "reset all": false, "listen a": false, "create table t ()": false, "begin": false, "start transaction": false,
		"": false, "-- select 1": false, "/* select 1": false, "/* select */": false, "; commit": false, "selectx 1": false, "discard all": false, "select1": true, // the server refuses it
	}
	for text, want := range rows {
		if err := postgres.Admissible(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
