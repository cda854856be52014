package mutants_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one mistake.
type mutant struct {
	name       string
	rule, says string
	layers     []layer // who should notice, the cheapest first
	files      []change
}

// layer is some tests of one package.
type layer struct {
	pkg, run string
	args     []string // flags of the tests' own
}

// change is what a mutant does to one file.
type change struct {
	path  string // from the module's root
	hunks []hunk
}

// hunk is a block of lines as it is, and as it becomes.
type hunk struct{ old, new string }

// read reads a patch with its header.
func read(path string) (mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return mutant{}, fmt.Errorf("read a mutant: %w", err)
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(path), ".patch")}
	header, diff, ok := strings.Cut(string(text), "--- a/")
	if !ok {
		return m, fmt.Errorf("%s: no diff", path)
	}
	for line := range strings.Lines(header) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "rule":
			m.rule = value
		case "says":
			m.says = value
		case "package":
			m.layers = append(m.layers, layer{pkg: value})
		case "run", "args":
			if len(m.layers) == 0 {
				return m, fmt.Errorf("%s: header line %q stands before any package", path, line)
			}
			if last := &m.layers[len(m.layers)-1]; key == "run" {
				last.run = value
			} else {
				last.args = strings.Fields(value)
			}
		case "":
		default:
			return m, fmt.Errorf("%s: header line %q is none of rule, says, package, run, args", path, line)
		}
	}
	if m.rule == "" || m.says == "" || len(m.layers) == 0 || slices.ContainsFunc(m.layers, func(l layer) bool { return l.run == "" }) {
		return m, fmt.Errorf("%s: the header needs rule, says, and with each package what to run", path)
	}
	m.files, err = changes("--- a/" + diff)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func changes(diff string) (all []change, err error) {
	for line := range strings.Lines(diff) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(text, "--- a/"):
			all = append(all, change{path: strings.TrimPrefix(text, "--- a/")})
			continue
		case strings.HasPrefix(text, "+++ b/"):
			continue
		case strings.HasPrefix(text, "@@"):
			c := &all[len(all)-1]
			c.hunks = append(c.hunks, hunk{})
			continue
		}
		c := &all[len(all)-1]
		if len(c.hunks) == 0 {
			return nil, fmt.Errorf("line %q stands in no hunk", text)
		}
		h := &c.hunks[len(c.hunks)-1]
		switch {
		case text == "" || text[0] == ' ':
			rest := strings.TrimPrefix(line, " ")
			h.old, h.new = h.old+rest, h.new+rest
		case text[0] == '-':
			h.old += line[1:]
		case text[0] == '+':
			h.new += line[1:]
		default:
			return nil, fmt.Errorf("line %q belongs to no unified diff", text)
		}
	}
	return all, nil
}

// apply makes the mistake in a file's text. The lines that a hunk expects must stand there exactly once.
func (c change) apply(text string) (string, error) {
	for _, h := range c.hunks {
		if n := strings.Count(text, h.old); n != 1 || h.old == h.new {
			return "", fmt.Errorf("%s: no longer applies: these lines stand there %d times:\n%s", c.path, n, h.old)
		}
		text = strings.Replace(text, h.old, h.new, 1)
	}
	return text, nil
}
