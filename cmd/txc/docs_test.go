package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
)

// docs/json.md names every definition of the schema that a command writes, and every code.
func TestJSONIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range txc.Codes() {
		if !strings.Contains(string(text), "`"+string(c)+"`") {
			t.Errorf("the code %s is not in docs/json.md", c)
		}
	}
	var schema struct {
		Defs map[string]struct{ Description string } `json:"$defs"`
	}
	data, err := os.ReadFile("../../docs/txc.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	for _, def := range []string{"transaction", "detail", "list", "participants", "removed", "settled", "status", "doctor", "reconcile", "accepted", "verified", "record", "version", "demo", "bench", "dump", "ready", "error"} {
		if _, ok := schema.Defs[def]; !ok || !strings.Contains(string(text), "`"+def+"`") {
			t.Errorf("%s is not both in the schema and in docs/json.md", def)
		}
	}
	// The examples of the text are what they say.
	blocks := strings.Split(string(text), "```json\n")[1:]
	defs := []string{"transaction", "error", "ready"}
	if len(blocks) != len(defs) {
		t.Fatalf("%d examples", len(blocks))
	}
	for i, def := range defs {
		example, _, _ := strings.Cut(blocks[i], "```")
		if def != "ready" {
			example = strings.ReplaceAll(example, "\n", "")
		}
		valid(t, def, strings.TrimSpace(example)+"\n")
	}
	valid(t, "version", must(t, "version", "-o", "json"))
}
