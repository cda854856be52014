package procs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Line is one line of a participant's dump.
type Line struct {
	Kind    string   `json:"kind"` // store, data, in-doubt, lock, committed
	Key     string   `json:"key"`
	Value   string   `json:"value"`
	ID      string   `json:"id"`
	Members []string `json:"members"`
	Mode    string   `json:"mode"`
}

// Dump is what a participant's own store holds, read offline.
type Dump struct {
	Data      map[string]string
	InDoubt   []Line
	Locks     []Line
	Committed []string // ids that it can still prove committed
}

// ReadDump reads the store of a kv participant that does not run.
func (c *Cluster) ReadDump(t testing.TB, name string) Dump {
	t.Helper()
	r := RunContext(t.Context(), c.demo, "", "--name", name, "--store", "kv:"+c.Data(name), "--dump")
	if r.Code != 0 {
		t.Fatalf("dump of %s: code %d: %s", name, r.Code, r.Stderr)
	}
	d, err := ParseDump(r.Stdout)
	if err != nil {
		t.Fatalf("dump of %s: %v", name, err)
	}
	return d
}

// ParseDump reads a dump's lines.
func ParseDump(text string) (Dump, error) {
	d := Dump{Data: map[string]string{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return d, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		switch l.Kind {
		case "store":
		case "data":
			d.Data[l.Key] = l.Value
		case "in-doubt":
			d.InDoubt = append(d.InDoubt, l)
		case "lock":
			d.Locks = append(d.Locks, l)
		case "committed":
			d.Committed = append(d.Committed, l.ID)
		default:
			return d, fmt.Errorf("line %q is of an unknown kind", lines.Text())
		}
	}
	return d, lines.Err()
}
