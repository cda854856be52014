package suite

import (
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"os"
	"testing"
)

// Size is how much of its campaign a layer does.
type Size int

// The sizes, each containing the one before.
const (
	Small Size = iota // with every `go test ./...`: seconds
	CI                // what `make faults` runs: all layers together within minutes
	All               // everything, by flag
)

var names = [...]string{"small", "ci", "all"}

func (s Size) String() string { return names[s] }

// Set makes Size a flag.Value.
func (s *Size) Set(text string) error {
	for i, n := range names {
		if n == text {
			*s = Size(i)
			return nil
		}
	}
	return fmt.Errorf("a size is one of %v", names)
}

// SizeFlag registers -size.
func SizeFlag() *Size {
	s := new(Size)
	flag.Var(s, "size", "how much of the campaign: small, ci, all")
	return s
}

// SeedFlag registers -seed: what the draws of a campaign come from.
func SeedFlag() *uint64 {
	return flag.Uint64("seed", 0, "seed of the campaign's draws; 0: drawn and printed")
}

// Seed is the flag's seed, or one drawn now. It is logged either way: with it the same draws are made again.
func Seed(t testing.TB, given uint64) uint64 {
	t.Helper()
	for given == 0 {
		given = maphash.Comparable(maphash.MakeSeed(), os.Getpid()) >> 16 // short enough to type
	}
	t.Logf("seed %d", given)
	return given
}

// ErrMissing is what a layer's set-up returns where the machine lacks something that the layer needs.
var ErrMissing = errors.New("missing on this machine")

// Need ends the test if err is not nil: as skipped, with the reason, where something is missing on a developer's machine;
// as failed everywhere else. In CI (the variable CI is set) nothing required may be missing.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "":
		t.Skipf("not run: %v", err)
	default:
		t.Fatal(err)
	}
}
