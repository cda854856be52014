package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// summary is what a campaign did and found.
type summary struct {
	Began  time.Time     `json:"began"`
	Took   time.Duration `json:"took"`
	Size   string        `json:"size"`
	Seed   uint64        `json:"seed"`
	Rounds int           `json:"rounds"`
	Passed bool          `json:"passed"`
	Layers []*row        `json:"layers"`
	Found  []result      `json:"found"` // what failed, with the seed and the command that do it again
}

// row is a layer's share, over all rounds.
type row struct {
	Name    string         `json:"name"`
	Says    string         `json:"says"`
	Runs    int            `json:"runs"`
	Failed  int            `json:"failed"`
	Figures map[string]int `json:"figures"`
	Notes   []string       `json:"notes,omitempty"` // of the last run
	Took    time.Duration  `json:"took"`
}

func (s *summary) add(l layer, r result) {
	i := slices.IndexFunc(s.Layers, func(r *row) bool { return r.Name == l.name })
	if i < 0 {
		i = len(s.Layers)
		s.Layers = append(s.Layers, &row{Name: l.name, Says: l.says, Figures: map[string]int{}})
	}
	row := s.Layers[i]
	row.Runs++
	row.Took += r.Took
	row.Notes = r.Notes
	for name, n := range r.Figures {
		row.Figures[name] += n
	}
	if r.Failed {
		row.Failed++
		s.Passed = false
		s.Found = append(s.Found, r)
	}
}

// figures are sorted, so that two summaries can be compared.
func figures(f map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, fmt.Sprintf("%d %s", f[name], name))
	}
	return strings.Join(parts, ", ")
}

// Verdict is the summary in a line.
func (s *summary) Verdict() string {
	if s.Passed {
		return "nothing was found, and nothing left out"
	}
	return fmt.Sprintf("%d runs of layers failed", len(s.Found))
}

func (s *summary) text(w io.Writer) error {
	fmt.Fprintf(w, "\nfaults: %s (size %s, seed %d, rounds %d, %s)\n\n", s.Verdict(), s.Size, s.Seed, s.Rounds, s.Took.Round(time.Second))
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "LAYER\tRUNS\tFAILED\tTIME\tWHAT IT DID")
	for _, r := range s.Layers {
		fmt.Fprintf(tab, "%s\t%d\t%d\t%s\t%s\n", r.Name, r.Runs, r.Failed, r.Took.Round(time.Second), figures(r.Figures))
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	for _, f := range s.Found {
		fmt.Fprintf(w, "\n%s: %s\n  log:   %s\n  again: %s\n", f.Layer, f.Wrong, f.Log, f.Again)
	}
	return nil
}

// write leaves the summary as text, JSON and a page, and shows the text.
func (s *summary) write(dir string, stdout io.Writer) error {
	var text strings.Builder
	err := s.text(&text)
	encoded, jsonErr := json.MarshalIndent(s, "", "  ")
	var html strings.Builder
	if err := errors.Join(err, jsonErr, page.Execute(&html, s)); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	for name, content := range map[string]string{"summary.txt": text.String(), "summary.json": string(encoded) + "\n", "summary.html": html.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("write the summary: %w", err)
		}
	}
	fmt.Fprintf(stdout, "%s\nto read: %s\n", text.String(), filepath.Join(dir, "summary.html"))
	return nil
}
