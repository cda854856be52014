package kv_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestMain checks that no store has left its owner behind.
func TestMain(m *testing.M) {
	flag.Parse()
	if *victimDir != "" {
		victim(*victimDir)
		return
	}
	code := m.Run()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if code == 0 && strings.Contains(string(stacks), "kv.(*Store)") {
		fmt.Fprintf(os.Stderr, "a store is left open:\n%s", stacks)
		code = 1
	}
	os.Exit(code)
}
