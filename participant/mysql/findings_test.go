package mysql

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEverySettingThatCostsAPromiseIsFound(t *testing.T) {
	set := func(name, value string) func(*settings) {
		return func(s *settings) { s.variables[name] = value }
	}
	is := func(version string) func(*settings) {
		return func(s *settings) { s.version = versionOf(version) }
	}
	both := func(all ...func(*settings)) func(*settings) {
		return func(s *settings) {
			for _, f := range all {
				f(s)
			}
		}
	}
	rows := map[string]struct {
		spoil func(s *settings)
		want  []string
	}{
		"nothing":                              {func(*settings) {}, nil},
		"an old MariaDB":                       {is("10.4.32-MariaDB"), []string{"mysql-version refuse"}},
		"an old MySQL":                         {is("5.7.6"), []string{"mysql-version refuse"}},
		"the oldest MySQL":                     {is("5.7.7"), nil},
		"a version that cannot be read":        {is("what"), []string{"mysql-version refuse"}},
		"the log is written and not synced":    {set("innodb_flush_log_at_trx_commit", "2"), []string{"mysql-flush-log refuse"}},
		"the log is not even written":          {set("innodb_flush_log_at_trx_commit", "0"), []string{"mysql-flush-log refuse"}},
		"MariaDB's own way to sync":            {set("innodb_flush_log_at_trx_commit", "3"), nil},
		"which MySQL does not have":            {both(is("8.4.0"), set("innodb_flush_log_at_trx_commit", "3")), []string{"mysql-flush-log refuse", "mysql-detach warn"}},
		"the binary log is not synced":         {both(set("log_bin", "ON"), set("sync_binlog", "0")), []string{"mysql-sync-binlog refuse", "mysql-xa-binlog warn"}},
		"the binary log":                       {set("log_bin", "ON"), []string{"mysql-xa-binlog warn"}},
		"the binary log of an older MySQL":     {both(is("8.0.28"), set("log_bin", "ON")), []string{"mysql-xa-binlog warn"}},
		"the binary log of MySQL":              {both(is("8.0.30"), set("log_bin", "ON"), func(s *settings) { s.detach = true }), nil},
		"a MySQL that does not detach":         {is("8.0.29"), []string{"mysql-detach warn"}},
		"torn pages":                           {set("innodb_doublewrite", "OFF"), []string{"mysql-doublewrite refuse"}},
		"torn pages that are seen only":        {set("innodb_doublewrite", "DETECT_ONLY"), []string{"mysql-doublewrite refuse"}},
		"no sync at all":                       {set("innodb_flush_method", "nosync"), []string{"mysql-flush-method refuse"}},
		"a server that is being rescued":       {set("innodb_force_recovery", "3"), []string{"mysql-force-recovery refuse"}},
		"a Galera cluster":                     {set("wsrep_on", "ON"), []string{"mysql-galera refuse"}},
		"a replica":                            {set("read_only", "ON"), []string{"mysql-read-only refuse"}},
		"a user who may not ask":               {func(s *settings) { s.mayList = false }, []string{"mysql-xa-recover refuse"}},
		"tables that are not transactional":    {func(s *settings) { s.engines = 2 }, []string{"mysql-engines warn"}},
		"few connections":                      {set("max_connections", "79"), []string{"mysql-few-connections warn"}},
		"a number of connections that is none": {set("max_connections", "x"), []string{"mysql-few-connections warn"}},
	}
	page, err := os.ReadFile("../../docs/adapters/mysql.md")
	if err != nil {
		t.Fatal(err)
	}
	for says, row := range rows {
		t.Run(says, func(t *testing.T) {
			s := settings{version: versionOf("10.11.6-MariaDB"), mayList: true, variables: map[string]string{
				"innodb_flush_log_at_trx_commit": "1", "innodb_doublewrite": "ON", "innodb_flush_method": "O_DIRECT", "innodb_force_recovery": "0",
				"sync_binlog": "1", "log_bin": "OFF", "wsrep_on": "OFF", "read_only": "OFF", "max_connections": "80",
			}}
			row.spoil(&s)
			var got []string
			for _, f := range s.findings(80) {
				if !strings.Contains(string(page), "| `"+f.Name+"` | "+f.Severity+" |") {
					t.Errorf("%s, %s, is not in the documentation", f.Name, f.Severity)
				}
				got = append(got, f.Name+" "+f.Severity)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]version{
		"8.0.36": {false, 8, 0, 36}, "8.4.0-log": {false, 8, 4, 0}, "10.11.19-MariaDB-0+deb12u1": {true, 10, 11, 19}, "5.5.5-10.5.1-MariaDB": {true, 10, 5, 1}, "11.4-MariaDB": {true, 11, 4, 0},
		"MariaDB": {maria: true}, "": {},
	} {
		if got := versionOf(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
	if v := versionOf("5.7.19"); v.isolation() != "tx_isolation" || versionOf("8.0.1").isolation() != "transaction_isolation" || versionOf("11.4.2-MariaDB").isolation() != "tx_isolation" {
		t.Error("the name of the isolation level")
	}
}
