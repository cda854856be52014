package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/txc-dev/txc/participant"
)

// settings are what Check looks at.
type settings struct {
	version   version
	variables map[string]string // global ones; what a server does not have is missing
	engines   int               // tables of the database whose writes are not part of a branch
	mayList   bool              // XA RECOVER is allowed
	detach    bool              // a session is free of what it has prepared
}

// Check is participant.Resource's.
func (s *Store) Check(ctx context.Context) (participant.Report, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return participant.Report{}, err
	}
	r, err := s.check(ctx)
	if err != nil {
		return participant.Report{}, fmt.Errorf("check: %w", err)
	}
	return r, nil
}

func (s *Store) check(ctx context.Context) (r participant.Report, err error) {
	is, err := s.settings(ctx)
	if err != nil {
		return r, err
	}
	r = participant.Report{
		Kind: "mysql", Version: is.variables["version"], Capabilities: []string{"shipped", "joined", "sql", "call", "held", "marker", "settle"},
		Findings: is.findings(s.o.sessions()),
	}
	if r.Instance, err = s.instance(ctx); err != nil || !is.mayList {
		return r, err
	}
	prepared, err := s.recovered(ctx)
	if err != nil {
		return r, err
	}
	if r.Foreign, err = s.foreign(ctx); err != nil {
		return r, err
	}
	r.InDoubt = uint64(len(prepared))
	promised, err := s.promises(ctx, prepared)
	for _, p := range promised {
		r.Oldest = max(r.Oldest, time.Since(p.Since))
	}
	return r, err
}

// errNotAllowed is XAER_RMERR, which MySQL gives to those who may not ask what is prepared.
const errNotAllowed = 1401

func (s *Store) settings(ctx context.Context) (is settings, err error) {
	c, err := s.finish.Conn(ctx)
	if err != nil {
		return is, err
	}
	defer s.giveBack(c)
	ss, err := sessionOf(c)
	if err != nil {
		return is, err
	}
	is.version, is.detach, is.variables = ss.version, ss.detach, map[string]string{}
	rows, err := c.QueryContext(ctx, `show global variables where variable_name in ('version', 'innodb_flush_log_at_trx_commit', 'innodb_doublewrite',
		'innodb_flush_method', 'innodb_force_recovery', 'sync_binlog', 'log_bin', 'wsrep_on', 'read_only', 'max_connections')`)
	if err != nil {
		return is, err
	}
	_, err = scanAll(rows, nil, func(rows *sql.Rows) (none struct{}, err error) {
		var name, value string
		err = rows.Scan(&name, &value)
		is.variables[name] = value
		return none, err
	})
	if err != nil {
		return is, err
	}
	err = c.QueryRowContext(ctx, `select count(*) from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'
		and engine <> 'InnoDB'`).Scan(&is.engines)
	if err != nil {
		return is, err
	}
	rows, err = c.QueryContext(ctx, `xa recover`)
	if numberOf(err) == errNotAllowed {
		return is, nil
	}
	if err != nil {
		return is, err
	}
	is.mayList = true
	return is, rows.Close()
}

// findings says what is wrong, and what to do. need is how many sessions this participant may have at once.
func (is settings) findings(need int) []participant.Finding {
	var all []participant.Finding
	find := func(wrong bool, name, severity, format string, args ...any) {
		if wrong {
			all = append(all, participant.Finding{Name: name, Severity: severity, Text: fmt.Sprintf(format, args...)})
		}
	}
	v := is.variables
	var room int
	fmt.Sscan(v["max_connections"], &room) // not a number: 0, which is found
	binlog := v["log_bin"] == "ON"
	find(!is.version.supported(), "mysql-version", "refuse", "the server is %s: what it has prepared does not survive its session, use MariaDB 10.5 or MySQL 5.7.7, or later", is.version)
	find(!is.mayList, "mysql-xa-recover", "refuse", "this user may not ask what is prepared: grant xa_recover_admin on *.* to it")
	find(v["innodb_flush_log_at_trx_commit"] != "1" && !(is.version.maria && v["innodb_flush_log_at_trx_commit"] == "3"), "mysql-flush-log", "refuse",
		"innodb_flush_log_at_trx_commit is %s: a promise could be lost, set it to 1", v["innodb_flush_log_at_trx_commit"])
	find(binlog && v["sync_binlog"] != "1", "mysql-sync-binlog", "refuse", "the binary log is on and sync_binlog is %s: after a power loss it and the tables differ, set it to 1", v["sync_binlog"])
	find(v["innodb_doublewrite"] == "OFF" || v["innodb_doublewrite"] == "DETECT_ONLY", "mysql-doublewrite", "refuse", "innodb_doublewrite is %s: a power loss could damage what was promised, set it to ON", v["innodb_doublewrite"])
	find(v["innodb_flush_method"] == "nosync", "mysql-flush-method", "refuse", "innodb_flush_method is nosync: nothing is durable, leave it at its default")
	find(v["innodb_force_recovery"] != "" && v["innodb_force_recovery"] != "0", "mysql-force-recovery", "refuse", "innodb_force_recovery is %s: the server does not do all that a promise needs, set it to 0 and restart", v["innodb_force_recovery"])
	find(v["wsrep_on"] == "ON", "mysql-galera", "refuse", "the server is a node of a Galera cluster, which does not support XA: use a server of its own")
	find(v["read_only"] == "ON" || v["read_only"] == "1", "mysql-read-only", "refuse", "read_only is on: use the primary")
	find(binlog && !is.version.binlogSafe(), "mysql-xa-binlog", "warn",
		"the binary log is on, and this server does not keep it and XA together over a crash: promises are safe here, but a replica, or a restore that reads the log, may lack a branch, or stop at one that it has twice (MDEV-21469; MySQL: use 8.0.30 or later)")
	find(is.version.mayDetach() && !is.detach, "mysql-detach", "warn", "xa_detach_on_prepare is off: each branch in doubt takes up a session, set it to on")
	find(is.engines > 0, "mysql-engines", "warn", "%d tables of the database are not of InnoDB: what a branch writes to them stays even if it is rolled back", is.engines)
	find(room < need, "mysql-few-connections", "warn", "max_connections is %d: this participant alone may use %d; raise it, or lower --connections", room, need)
	return all
}
