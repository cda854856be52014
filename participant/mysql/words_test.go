package mysql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/mysql"
)

func TestWhatErrorsMean(t *testing.T) {
	rows := []struct {
		number    uint16
		state     string
		code      txc.Code
		retryable bool
	}{
		{1205, "HY000", txc.CodeLockTimeout, true}, // lock wait timeout
		{3572, "HY000", txc.CodeLockTimeout, true}, // NOWAIT, MySQL
		{1213, "40001", txc.CodeConflict, true},    // deadlock
		{1614, "XA102", txc.CodeConflict, true},    // XA_RBDEADLOCK
		{1020, "HY000", txc.CodeConflict, true},    // record has changed since last read
		{1317, "70100", txc.CodeDeadline, true},    // query interrupted
		{1969, "70100", txc.CodeDeadline, true},    // max_statement_time
		{3024, "HY000", txc.CodeDeadline, true},    // max_execution_time
		{1613, "XA106", txc.CodeDeadline, true},    // XA_RBTIMEOUT
		{1040, "08004", txc.CodeBusy, true},        // too many connections
		{1203, "42000", txc.CodeBusy, true},        // too many connections of a user
		{1053, "08S01", txc.CodeUnreachable, true}, // shutdown
		{1927, "70100", txc.CodeUnreachable, true}, // connection killed
		{1047, "08S01", txc.CodeUnreachable, true}, // a node that is not ready
		{1399, "XAE07", txc.CodeBadWork, false},    // not within XA: DDL, commit
		{1064, "42000", txc.CodeBadWork, false},    // syntax
		{1146, "42S02", txc.CodeBadWork, false},    // no such table
		{1264, "22003", txc.CodeBadWork, false},    // out of range
		{1366, "HY000", txc.CodeBadWork, false},    // not a number
		{1242, "21000", txc.CodeBadWork, false},    // more than one row
		{1142, "42000", txc.CodeStore, false},      // no privilege
		{1062, "23000", txc.CodeRefused, false},    // duplicate key
		{4025, "23000", txc.CodeRefused, false},    // check constraint, MariaDB
		{3819, "HY000", txc.CodeRefused, false},    // check constraint, MySQL
		{1644, "45000", txc.CodeRefused, false},    // SIGNAL
		{1114, "HY000", txc.CodeStore, false},      // table full
	}
	for _, row := range rows {
		err := &driver.MySQLError{Number: row.number, Message: "x"}
		copy(err.SQLState[:], row.state)
		if got := mysql.CodeOf(fmt.Errorf("wrapped: %w", err)); got != row.code || got.Retryable() != row.retryable {
			t.Errorf("%d is %s, want %s", row.number, got, row.code)
		}
	}
	if got := mysql.CodeOf(errors.New("connection reset")); got != txc.CodeUnreachable {
		t.Errorf("a lost connection is %s", got)
	}
}

func TestWhatAStatementMayBe(t *testing.T) {
	rows := map[string]bool{
		"select 1": true, "replace into t values (1)": true, "with x as (select 1) select 1": true, "(select 1) union (select 2)": true, "call f()": true, "do sleep(0)": true, "# c\nselect 1": true,
		"commit": false, "xa end 'x'": false, "xa commit 'x'": false, "set autocommit = 1": false, "set statement max_statement_time = 0 for select 1": false, "start transaction": false,
		"begin not atomic select 1; end": false, "lock tables t read": false, "create table t (a int)": false, "truncate t": false, "load data infile 'x' into table t": false, "use other": false,
		"savepoint a": false, "prepare s from 'commit'": false, "execute s": false, "/*! commit */": false, "/*M! xa end 'x' */": false, "handler t open": false, "kill 1": false, "": false,
	}
	for text, want := range rows {
		if err := mysql.Admissible(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Setenv("MYSQL_PWD", "from the environment")
	for _, row := range []struct{ address, network, server, database, tls string }{
		{"mysql://app@h/shop", "tcp", "h:3306", "shop", ""},
		{"mariadb://app@[::1]:3307/shop", "tcp", "[::1]:3307", "shop", ""},
		{"mysql://app@[::1]/shop?tls=preferred", "tcp", "[::1]:3306", "shop", "preferred"},
		{"mysql://app@/shop?socket=/run/mysqld.sock", "unix", "/run/mysqld.sock", "shop", ""},
	} {
		c, err := mysql.Server(row.address)
		if err != nil || c.User != "app" || c.Net != row.network || c.Addr != row.server || c.DBName != row.database || c.TLSConfig != row.tls {
			t.Errorf("%s: %+v %v", row.address, c, err)
		}
	}
	for _, row := range [][3]string{
		{"mysql://app@h/d", "", "from the environment"}, {"mysql://app:in@h/d", "", "in"}, {"mysql://app:in@h/d", "given", "given"}, {"mysql://app@h/d?password=asked", "", "asked"},
	} {
		if got, err := mysql.Password(row[0], row[1]); err != nil || got != row[2] {
			t.Errorf("%s: %q %v", row[0], got, err)
		}
	}
	for _, bad := range []string{
		"mysql://h/d", "mysql://a:hunter2@h:port/d", "mysql://a:hunter2@h", "mysql://a:hunter2@h/", "mysql://a:hunter2@h/d/e", "postgres://a:hunter2@h/d", "mysql://a:hunter2@h/d?allowAllFiles=true",
		"mysql://a:%hunter2@h/d", "a:hunter2@tcp(h)/d",
	} {
		if _, err := mysql.Password(bad, ""); !errors.Is(err, txc.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// P9: exactly our own branches of our own database are ours.
func TestWhoseAnXIDIs(t *testing.T) {
	id := txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1042}
	f := mysql.Format("shop")
	rows := []struct {
		says         string
		gtrid, bqual string
		format       int64
		ours         bool
	}{
		{"ours", "txc/prod/c1.7.1042", "0000000000c0ffee/my.shop", f, true},
		{"of another database", "txc/prod/c1.7.1042", "0000000000c0ffee/my.shop", mysql.Format("other"), false},
		{"of another cluster", "txc/test/c1.7.1042", "0000000000c0ffee/my.shop", f, false},
		{"of another participant", "txc/prod/c1.7.1042", "0000000000c0ffee/your.shop", f, false},
		{"split elsewhere", "txc/prod/c1.7", "1042.0000000000c0ffee/my.shop", f, false},
		{"no id", "txc/prod/c01.7.1042", "0000000000c0ffee/my.shop", f, false},
		{"nothing like it", "foreign", "", f, false},
	}
	for _, row := range rows {
		name, ours := mysql.Ours("shop", "prod", "my.shop", row.format, int64(len(row.gtrid)), int64(len(row.bqual)), []byte(row.gtrid+row.bqual))
		if ours != row.ours {
			t.Errorf("%s: %q %v", row.says, name, ours)
		}
		if ours && name != txc.BranchName("prod", id, 0xc0ffee, "my.shop") {
			t.Errorf("%s: it is called %q", row.says, name)
		}
	}
	if _, ours := mysql.Ours("shop", "prod", "my.shop", f, 1<<40, -1<<40+3, []byte("abc")); ours {
		t.Error("lengths that are none")
	}
	if got, want := mysql.XID("shop", txc.BranchName("prod", id, 0xc0ffee, "my.shop")), fmt.Sprintf("'txc/prod/c1.7.1042','0000000000c0ffee/my.shop',%d", f); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
