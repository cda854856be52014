package procs

import (
	"bufio"
	"context"
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
	d, err := c.Dump(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Dump is ReadDump without a test; also of what a broker's participant has staged.
func (c *Cluster) Dump(ctx context.Context, name string) (Dump, error) {
	r := RunContext(ctx, c.demo, "", "--name", name, "--store", "kv:"+c.Data(name), "--dump")
	if r.Code != 0 {
		return Dump{}, fmt.Errorf("dump of %s: code %d: %s", name, r.Code, r.Stderr)
	}
	d, err := ParseDump(r.Stdout)
	if err != nil {
		return d, fmt.Errorf("dump of %s: %w", name, err)
	}
	return d, nil
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
