package main

import (
	"testing"

	"github.com/txc-dev/txc"
)

// The example runs, and runs again on what it left behind: the second order finds the shelf fuller than it may be.
func TestEmbed(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []txc.Outcome{txc.Committed, txc.Aborted} {
		r, err := run(t.Context(), dir)
		if err != nil || r.Outcome != want {
			t.Fatalf("%s %s, %v; not %s", r.Outcome, r.Reason, err, want)
		}
	}
}
