package participantd

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/txc-dev/txc/participant/sqlwork"
)

func TestErrorsOfAConfigurationSayLineAndKey(t *testing.T) {
	rows := []struct{ name, text, says string }{
		{"an unknown key", "name: a\nnmae: b\n", "line 2: nmae: unknown key"},
		{"a key said twice", "name: a\ncluster: b\nname: c\n", "line 3: name: said twice"},
		{"a list for a text", "cluster: txc\nname: [a]\n", "line 2: name: not a value"},
		{"a truth for a text", "name: true\n", "line 1: name: not a text"},
		{"nothing for a text", "cluster: txc\nname:\n", "line 2: name: not a value"},
		{"a text for a list", "name: a\n\ncoordinators: 127.0.0.1:7400\n", "line 3: coordinators: not a list"},
		{"a mapping in a list", "waive:\n- fine\n- {a: b}\n", "line 3: waive: not a value"},
		{"a text for a truth", "name: a\nallow_free_sql: maybe\n", "line 2: allow_free_sql: neither true nor false"},
		{"a bad duration", "name: a\nlock_timeout: soon\n", "line 2: lock_timeout: not a duration"},
		{"a duration without a unit", "name: a\nlock_timeout: 5\n", "line 2: lock_timeout: not a duration"},
		{"a duration of nothing", "drain: 0s\n", "line 1: drain: not a duration"},
		{"a bad size", "name: a\nmin_free: much\n", "line 2: min_free: not a size"},
		{"statements that are a list", "statements: [a]\n", "line 1: statements: not a mapping"},
		{"a statement that is a text", "statements:\n  take: update\n", "line 2: statements.take: not a mapping"},
		{"an unknown key of a statement", "statements:\n  take:\n    text: x\n    rows: 1\n", "line 4: statements.take.rows: unknown key"},
		{"a statement's wrong type", "statements:\n  take: {text: x, query: 1}\n", "line 2: statements.take.query: neither"},
		{"a statement without its text", "statements:\n  take: {query: true}\n", "line 2: statements.take: a statement without its text"},
		{"a statement said twice", "statements:\n  take: {text: x}\n  take: {text: y}\n", "line 3: take: said twice"},
		{"a list", "- name\n", "line 1: not a mapping"},
		{"a second document", "name: a\n---\nname: b\n", "a second document"},
		{"no YAML", "name: [", "line 1"},
		{"a tab", "name: a\n\tcluster: b\n", "line 2"},
		{"a reference", "name: &a b\ncluster: *a\n", "line 2: cluster: not a value"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := parseConfig([]byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: want a line with %q", err, row.says)
			}
		})
	}
}

func TestNothingIsAConfiguration(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "---\n", "{}\n"} {
		if f, err := parseConfig([]byte(text)); err != nil || len(f.settings) > 0 {
			t.Errorf("%q: %v %v", text, f, err)
		}
	}
}

// The examples are what they say, and one of them has every key but those that are alternatives.
func TestExamplesAreConfigurations(t *testing.T) {
	paths, err := filepath.Glob("../../../examples/participant/*.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	all := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseConfig(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, s := range f.settings {
			if filepath.Base(path) == "orders.yaml" {
				all[s.key] = strings.Join(s.values, ",")
			}
		}
		if filepath.Base(path) != "orders.yaml" {
			continue
		}
		want := map[string]sqlwork.Statement{
			"order_by_id": {Text: "select * from orders where id = $1 for update", Query: true},
			"take":        {Text: "update stock set n = n - $1 where sku = $2 and n >= $1"},
		}
		if !reflect.DeepEqual(f.statements, want) {
			t.Errorf("statements %v", f.statements)
		}
	}
	for _, k := range keys {
		if _, ok := all[k.key]; !ok && k.key != "advertise" && k.key != "staging" {
			t.Errorf("the example says nothing of %s", k.key)
		}
	}
	if all["store"] != "postgres://app@${PGHOST}/orders" || all["lock_timeout"] != "1s" {
		t.Errorf("%v", all)
	}
}

func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"name: a\ncoordinators: [b]\nlock_timeout: 1s\nmin_free: 1MiB\n", "statements: {a: {text: x, query: true}}", "a: &b [*b]", "? [a]\n: b\n", "--- !!set {a}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		for _, s := range c.settings {
			if s.line < 1 || s.flag == "" {
				t.Errorf("%+v", s)
			}
		}
		if len(c.statements) > maxStatements {
			t.Errorf("%d statements", len(c.statements))
		}
	})
}
