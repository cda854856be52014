package main

import (
	"bytes"
	"os"
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

// What embedding takes fits on a screen.
func TestEmbeddingIsShort(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if lines := bytes.Count(text, []byte("\n")); err != nil || lines > 40 {
		t.Errorf("main.go has %d lines, more than 40: %v", lines, err)
	}
}
