package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents reads every Markdown file of the project, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".md" {
			return nil
		}
		text, err := os.ReadFile(p)
		all[p] = string(text)
		return err
	})
	if err != nil {
		t.Fatalf("read the documents: %v", err)
	}
	if len(all) < 5 {
		t.Fatalf("found only %d documents: the walk is broken", len(all))
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	for file, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
	}
}

var cited = regexp.MustCompile(`\b[BCDHPSV][1-9][0-9]?\b`)

// A rule that a comment or a test cites must stand in the protocol's document.
func TestCitedRulesAreWritten(t *testing.T) {
	known := map[string]bool{}
	verification, err := os.ReadFile("../docs/verification.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\| ([BV][0-9]+) \|`).FindAllStringSubmatch(string(verification), -1) {
		known[m[1]] = true
	}
	protocol, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*([CPHS][0-9]+)\*\*`).FindAllStringSubmatch(string(protocol), -1) {
		known[m[1]] = true
	}
	if len(known) < 30 {
		t.Fatalf("found only %d rules in the document", len(known))
	}
	for _, s := range sources(t) {
		text, err := os.ReadFile(filepath.Join("..", s.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			_, comment, ok := strings.Cut(line, "//")
			if !ok {
				continue
			}
			for _, rule := range cited.FindAllString(comment, -1) {
				if !known[rule] {
					t.Errorf("%s cites %s, which neither docs/protocol.md nor docs/verification.md has: %s", s.path, rule, strings.TrimSpace(line))
				}
			}
		}
	}
}
