package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/servers"
)

var update = flag.Bool("update", false, "write docs/adapters/README.md again")

// meanings of the capabilities that stores tell of themselves. One that is not here has no row in the documentation.
var meanings = map[string]string{
	"shipped":       "takes work inside Prepare: execution and promise are one round trip",
	"sql":           "the work is SQL: statements of the configuration, or free ones",
	"redis":         "the work is Redis commands",
	"joined":        "a service's own calls can work on the branch before Prepare (P4)",
	"call":          "the work can be a call of a service's own handler",
	"held":          "keeps the locks of what a branch only read until phase two (S1)",
	"marker":        "proves a commit by a marker, written with it; witnesses are such markers (C6)",
	"witness":       "keeps its witness in the same step as each promise and each commit (C6)",
	"stamp":         "counts promises and commits durably: a store that was restored from a backup is noticed (P12)",
	"settle":        "an operator can settle a branch by hand (H2)",
	"at-least-once": "what commits may arrive more than once, with an id to drop the repetition by",
}

// adapter is what a participant told of its store.
type adapter struct {
	Name, Kind string
	Check      *struct {
		Kind         string
		Capabilities []string
		Slots        uint64
	}
}

// row is one of the table: all that is in it was said by a running participant, but the way to it.
func (a adapter) row(t *testing.T, p servers.Play) string {
	t.Helper()
	page := a.Check.Kind + ".md"
	if _, err := os.Stat(filepath.Join(adapters, page)); err != nil { // what its package says of itself
		page = "../../participant/" + a.Check.Kind + "/doc.go"
	}
	if _, err := os.Stat(filepath.Join(adapters, page)); err != nil {
		t.Errorf("nothing tells of %s: %v", a.Check.Kind, err)
	}
	for _, c := range a.Check.Capabilities {
		if meanings[c] == "" {
			t.Errorf("nobody says what the capability %q of %s means: add it here", c, a.Check.Kind)
		}
	}
	password, needs, slots := "none", "", "no limit"
	if p.Variable != "" {
		password = "`" + p.Variable + "`"
	}
	if slices.Contains(p.Flags, "--staging") {
		needs = "`staging`, a directory of its own"
	}
	if a.Check.Slots > 0 {
		slots = "a limit, which `txc doctor` shows"
	}
	return fmt.Sprintf("| [%s](%s) | `%s` | %s | %s | %s | %s |", a.Check.Kind, page, p.Store, password, needs, strings.Join(a.Check.Capabilities, ", "), slots)
}

const adapters = "../../docs/adapters"

// page is the whole document, the rows in this order.
func page(rows []string) string {
	var b strings.Builder
	b.WriteString(`# Stores that can take part

What each kind of participant says of itself when it runs (` + "`txc participants -o json`" + `). This page is written by a test, which
starts them all (` + "`go test ./tests/servers -update`" + `) and fails when it is out of date. Each kind's own page says what it promises, and
what its store must be set to. [How to write one](../adapters.md). ` + "`make servers`" + ` starts the servers to play with.

| kind | ` + "`--store`" + ` | variable for the password | besides | capabilities | branches promised at once |
| --- | --- | --- | --- | --- | --- |
`)
	b.WriteString(strings.Join(rows, "\n"))
	b.WriteString("\n\n| capability | means |\n| --- | --- |\n")
	for _, c := range slices.Sorted(maps.Keys(meanings)) {
		fmt.Fprintf(&b, "| %s | %s |\n", c, meanings[c])
	}
	return b.String()
}

var target = regexp.MustCompile(`\]\([^)]*\)`)

// unlinked is a text without where its links lead, which other tests look after: a kind may get a page at any time.
func unlinked(text string) string { return target.ReplaceAllString(text, "]") }

// documented compares the table with what the participants said. Kinds that are not installed here keep their rows.
func documented(t *testing.T, rows []string, all bool) {
	t.Helper()
	path := filepath.Join(adapters, "README.md")
	if *update {
		if !all {
			t.Fatal("a kind is not installed: the table would lose its row")
		}
		if err := os.WriteFile(path, []byte(page(rows)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	has := unlinked(string(text))
	for _, row := range rows {
		if !strings.Contains(has, unlinked(row)+"\n") {
			t.Errorf("%s is out of date (write it with -update): no\n%s", path, row)
		}
	}
	if all && has != unlinked(page(rows)) {
		t.Errorf("%s is out of date: write it with -update", path)
	}
}
