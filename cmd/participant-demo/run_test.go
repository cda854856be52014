package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "participant.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// untilReady runs the program until its first line.
func untilReady(t *testing.T, args ...string) (line, stderr string, exit int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var words bytes.Buffer
	var first bytes.Buffer
	exit = run(ctx, append([]string{"participant-demo"}, args...), writer(func(p []byte) (int, error) {
		defer cancel()
		return first.Write(p)
	}), &words)
	return first.String(), words.String(), exit
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

var _ io.Writer = writer(nil)

func TestFlagsThenEnvironmentThenFile(t *testing.T) {
	store := "kv:" + filepath.Join(t.TempDir(), "store")
	path := write(t, "name: from-file\nlisten: 127.0.0.1:0\ncoordinators: [127.0.0.1:1]\ncluster: filed\nstore: "+store+"\nmin_free: 1MiB\nlog_level: error\n")
	line, stderr, exit := untilReady(t, "--config", path, "--ballast", "0B")
	if exit != 0 || !strings.Contains(line, `"cluster":"filed","name":"from-file"`) {
		t.Fatalf("%d %s %s", exit, line, stderr)
	}
	t.Setenv("TXC_NAME", "from-environment")
	store = "kv:" + filepath.Join(t.TempDir(), "store")
	if line, stderr, _ = untilReady(t, "--config", path, "--ballast", "0B", "--store", store); !strings.Contains(line, `"name":"from-environment"`) {
		t.Errorf("%s %s", line, stderr)
	}
	store = "kv:" + filepath.Join(t.TempDir(), "store")
	if line, stderr, _ = untilReady(t, "--config", path, "--ballast", "0B", "--store", store, "--name", "from-flag"); !strings.Contains(line, `"name":"from-flag"`) {
		t.Errorf("%s %s", line, stderr)
	}
}

func TestBadInputIsOneLine(t *testing.T) {
	rows := []struct {
		name string
		args []string
		says string
	}{
		{"no name", nil, "--name"},
		{"an unknown flag", []string{"--bogus"}, "bogus"},
		{"an argument", []string{"now"}, "unexpected argument"},
		{"a file that is not there", []string{"--config", "/nowhere"}, "no such file"},
		{"a bad duration in the file", []string{"--config", write(t, "name: a\nlock_timeout: soon\n")}, "line 2: lock_timeout"},
		{"connections that are no number", []string{"--config", write(t, "name: a\nconnections: many\n")}, "line 2: connections: not a whole number"},
		{"too few connections", []string{"--name", "a", "--store", "postgres://app@h/d", "--connections", "1"}, "--connections 1: use 2 or more"},
		{"connections of a key-value store", []string{"--name", "a", "--store", "kv:x", "--connections", "9"}, "--connections means nothing"},
		{"connections of a broker", []string{"--config", write(t, "name: a\nstore: nats://app@h\nconnections: 9\nstaging: x\n")}, "line 3: connections means nothing"},
		{"a value that a flag refuses", []string{"--config", write(t, "name: a\nstore: kv:x\nlog_level: info\n"), "--lock-timeout", "0s"}, "--lock-timeout"},
		{"SQL for a key-value store", []string{"--config", write(t, "name: a\nstore: kv:x\nallow_free_sql: true\n")}, "line 3: allow_free_sql means nothing to a key-value store"},
		{"a flag for a key-value store", []string{"--name", "a", "--store", "kv:x", "--allow-free-sql"}, "--allow-free-sql means nothing"},
		{"SQL for Redis", []string{"--config", write(t, "name: a\nstore: redis://app@h/0\nallow_free_sql: true\n")}, "line 3: allow_free_sql means nothing"},
		{"statements for Redis", []string{"--config", write(t, "name: a\nstore: redis://app@h/0\nstatements: {a: {text: x}}\n")}, "line 3: statements means nothing"},
		{"SQL for NATS", []string{"--config", write(t, "name: a\nstore: nats://app@h\nstaging: x\n\nallow_free_sql: true\n")}, "line 5: allow_free_sql means nothing"},
		{"SQL for RabbitMQ", []string{"--config", write(t, "name: a\nstore: amqp://app@h\nstaging: x\nallow_free_sql: false\n")}, "line 4: allow_free_sql means nothing"},
		{"a lock timeout for RabbitMQ", []string{"--config", write(t, "name: a\nstore: amqp://app@h\nlock_timeout: 2s\nstaging: x\n")}, "line 3: lock_timeout means nothing"},
		{"statements for a key-value store", []string{"--config", write(t, "name: a\nstore: kv:x\nstatements: {a: {text: x}}\n")}, "statements"},
		{"a password file for a key-value store", []string{"--config", write(t, "name: a\nstore: kv:x\npassword_file: x\n")}, "line 3: password_file means nothing"},
		{"a variable that is not there", []string{"--config", write(t, "name: a\nstore: postgres://app@${TXC_TEST_NOWHERE}/orders\n")}, "TXC_TEST_NOWHERE"},
		{"a password in the file", []string{"--config", write(t, "name: a\nstore: postgres://app:secret@h/orders\n")}, "password"},
		{"a secret's file that is not there", []string{"--config", write(t, "name: a\nstore: postgres://app@h/orders\npassword_file: /nowhere\n")}, "/nowhere"},
		{"an unknown key in the file", []string{"--config", write(t, "name: a\nnmae: b\n")}, "line 2"},
		{"a file that is no YAML", []string{"--config", write(t, "a: [")}, "--config"},
		{"a dump of nothing", []string{"--dump"}, "kv:DIR"},
		{"a dump of no store", []string{"--dump", "--store", "kv:/nowhere"}, "/nowhere"},
		{"a negative delay", []string{"--name", "a", "--coordinator", "h:1", "--store", "kv:x", "--delay", "-1s"}, "--delay"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			exit := run(t.Context(), append([]string{"participant-demo"}, row.args...), &stdout, &stderr)
			if exit != 2 || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), row.says) {
				t.Errorf("exit code %d, %q, %q", exit, stdout.String(), stderr.String())
			}
		})
	}
}
