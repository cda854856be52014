package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/txc-dev/txc/cmd/internal/console"
)

var update = flag.Bool("update", false, "write the golden files again")

// The demonstration starts its servers from its own executable: in tests that is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "participant", "bench-echo"}, os.Args[1]) {
		console.Main(run)
	}
	goleak.VerifyTestMain(m)
}

// golden compares with a file under testdata/.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s is otherwise now (look at it with -update, and git diff)\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

// shown is a whole invocation as a golden file has it.
func shown(args []string, stdout, stderr string, exit int) string {
	s := fmt.Sprintf("$ txc %s\n%s", strings.Join(args, " "), stdout)
	if stderr != "" {
		s += "--- stderr\n" + stderr
	}
	return s + fmt.Sprintf("--- exit %d\n", exit)
}

// schema is one definition of docs/txc.schema.json.
func schema(t *testing.T, def string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("../../docs/txc.schema.json#/$defs/" + def)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid checks every line of output against a definition.
func valid(t *testing.T, def, output string) {
	t.Helper()
	s := schema(t, def)
	if output == "" {
		t.Errorf("no %s was written", def)
	}
	for line := range strings.Lines(output) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Errorf("not JSON: %v: %s", err, line)
			continue
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("not a %s: %v\n%s", def, err, line)
		}
	}
}

// decode reads the one object of an output.
func decode[T any](t *testing.T, output string) (o T) {
	t.Helper()
	if err := json.Unmarshal([]byte(output), &o); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return o
}
