package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writeTx tells one transaction.
func (p *program) writeTx(o txObject) error {
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	s.tx(o)
	return s.done()
}

func (s *sheet) tx(o txObject) {
	s.line("%s", s.headline(o))
	if o.Reason != nil {
		s.line("  because of %s", harmless(o.Reason.words()))
	}
	rows := make([][]string, 0, len(o.Branches))
	for _, b := range o.Branches {
		row := []string{"  " + b.Participant, b.Vote, b.State}
		if b.Reason != nil && (o.Reason == nil || *b.Reason != *o.Reason) {
			row = append(row, b.Reason.words())
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		s.table([]string{"  PARTICIPANT", "VOTE", "BRANCH"}, rows)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Results)) {
		for _, r := range o.Results[name] {
			s.line("  %s: %s", harmless(name), harmless(r.words()))
		}
	}
}

// headline is the outcome in one line.
func (s *sheet) headline(o txObject) string {
	line := s.paint(o.Outcome) + " " + o.ID
	if o.ID == "" {
		line = s.paint(o.Outcome)
	}
	if o.Heuristic != "none" {
		line += ", but " + s.paint(o.Heuristic)
	}
	if o.Key != "" && !o.ownKey {
		line += " (key " + harmless(o.Key) + ")"
	}
	if o.Took != nil {
		line += " in " + *o.Took
	}
	var notes []string
	if o.Outcome == "committed" && !o.Applied && o.Heuristic == "none" {
		notes = append(notes, "still being applied")
	}
	if o.Replayed {
		notes = append(notes, "told again: it was done before")
	}
	if o.Presumed {
		notes = append(notes, "presumed: no record says otherwise")
	}
	if o.Older {
		notes = append(notes, "older than the history")
	}
	if len(notes) > 0 {
		line += "; " + strings.Join(notes, "; ")
	}
	return line
}

func (r *reasonObject) words() string {
	s := r.Code
	if r.Text != "" {
		s += ": " + r.Text
	}
	if r.Participant != "" {
		s += " (" + r.Participant + ")"
	}
	return s
}

func (r resultObject) words() string {
	if r.Rows != nil {
		table, err := json.Marshal(r.Rows)
		if err != nil {
			table = []byte(err.Error())
		}
		return strings.Join(slices.Concat([]string{r.Kind}, r.Columns, []string{string(table)}), " ")
	}
	key := or(r.Key)
	if r.KeyBase64 != nil {
		key = fmt.Sprintf("%x", *r.KeyBase64)
	}
	switch {
	case r.Value != nil:
		return fmt.Sprintf("%s %s = %s", r.Kind, key, *r.Value)
	case r.ValueBase64 != nil:
		return fmt.Sprintf("%s %s = %x (hexadecimal)", r.Kind, key, *r.ValueBase64)
	default:
		return fmt.Sprintf("%s %s: not there", r.Kind, key)
	}
}

// writeDetail tells everything of a transaction.
func (p *program) writeDetail(o detailObject) error {
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	s.tx(o.txObject)
	s.line("  state %s, began %s, ended %s%s", or(o.State), or(o.Began), or(o.Ended), labelWords(o.Labels))
	if len(o.WaitsFor) > 0 {
		s.line("  waits for %s", harmless(strings.Join(o.WaitsFor, ", ")))
	}
	if len(o.Blocks) > 0 {
		s.line("  blocks %s", harmless(strings.Join(o.Blocks, ", ")))
	}
	if len(o.Timeline) > 0 {
		rows := make([][]string, 0, len(o.Timeline))
		for _, m := range o.Timeline {
			durable := ""
			if m.Durable {
				durable = fmt.Sprintf("lsn %d", m.LSN)
			}
			rows = append(rows, []string{"  " + m.At, m.What, m.Participant, durable, m.Text})
		}
		s.table([]string{"  AT", "WHAT", "PARTICIPANT", "DURABLE", ""}, rows)
	}
	if o.Partial {
		s.line("  the timeline starts at a restart of the coordinator: before it, only what the log has")
	}
	return s.done()
}

func labelWords(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, ", %s=%s", harmless(k), harmless(labels[k]))
	}
	return b.String()
}
