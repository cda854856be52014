package joined_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// A transaction file reaches operations in Go, of programs that embed the adapters, by their names.
func TestATransactionFileCallsOperations(t *testing.T) {
	t.Parallel()
	w := newTown(t, "a", "ma")
	run := func(file string) procs.Result {
		return procs.Run(t, "txc", file, "run", "-f", "-", "-o", "json", "--coordinator", w.address)
	}
	good := run(`
branches:
  - participant: a
    call: {name: take, body: "3"}
  - participant: ma
    call: {name: take, body: "3"}
`)
	var tx struct {
		Outcome string                     `json:"outcome"`
		Results map[string]json.RawMessage `json:"results"`
	}
	if err := good.JSON(&tx); err != nil || good.Code != 0 || tx.Outcome != "committed" {
		t.Fatalf("%+v: %v", good, err)
	}
	for name := range w.services {
		if !strings.Contains(string(tx.Results[name]), "97") {
			t.Errorf("%s answers %s", name, tx.Results[name])
		}
	}
	w.balances(97)
	bad := run(`
branches:
  - participant: a
    call: {name: take, body: "3"}
  - participant: ma
    call: {name: refuse}
`)
	if bad.Code != 3 || !strings.Contains(bad.Stdout+bad.Stderr, "three of them are left") {
		t.Errorf("%+v", bad)
	}
	w.balances(97)
	w.quiet()
}
