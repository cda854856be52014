package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// writeJSON puts one object on one line of stdout.
func (p *program) writeJSON(o any) error {
	line, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if _, err := p.stdout.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// words are for people, and never data: they go to stderr.
func (p *program) words(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, format+"\n", args...) // nowhere left to tell
}

// sheet is what people read on stdout: lines and tables. The first error of writing is kept.
type sheet struct {
	w     io.Writer
	color bool
	err   error
}

func (p *program) sheet() *sheet {
	f, ok := p.stdout.(*os.File)
	color := false
	if ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		color = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return &sheet{w: p.stdout, color: color}
}

func (s *sheet) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// table writes rows under a head, columns aligned; the last column may be of any width.
func (s *sheet) table(head []string, rows [][]string) {
	if s.err != nil {
		return
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, row := range slices.Concat([][]string{head}, rows) {
		for i := range row {
			row[i] = harmless(row[i])
		}
		if _, s.err = fmt.Fprintln(t, strings.Join(row, "\t")); s.err != nil {
			return
		}
	}
	if s.err = t.Flush(); s.err != nil {
		return
	}
	for line := range strings.Lines(b.String()) {
		if s.line("%s", strings.TrimRight(line, " \n")); s.err != nil {
			return
		}
	}
}

// done gives the first error.
func (s *sheet) done() error {
	if s.err != nil {
		return fmt.Errorf("write output: %w", s.err)
	}
	return nil
}

// harmless is a stranger's text that may be shown on a terminal: one line, no control characters.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
}

// Colors of outcomes.
var colors = map[string]string{"committed": "32", "aborted": "33", "unknown": "31", "undecided": "36", "mixed": "31", "hazard": "31"}

func (s *sheet) paint(word string) string {
	if c := colors[word]; s.color && c != "" {
		return "\x1b[" + c + "m" + word + "\x1b[0m"
	}
	return word
}

// or gives - for nothing.
func or(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

// finding is a command that did its work and found something that scripts must see.
func (p *program) finding(format string, args ...any) {
	p.exit = console.Findings
	p.words("txc: "+format, args...)
}
