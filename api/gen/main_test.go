package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The folder of txc.proto is where the command runs, and so do its tests.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestGeneratedCodeIsWhatTheSourceGives(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the plugins")
	}
	if err := run(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasPublishedStays(t *testing.T) {
	file, err := parse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := facts(file)
	if err := publish(now, *published, true); err != nil {
		t.Fatal(err)
	}
	write := func(lines ...string) string {
		path := filepath.Join(t.TempDir(), "published.txt")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, row := range []struct {
		name, want string
		lines      []string
	}{
		{"a field of another number is a loss", "gone: field txc.v1.Seen.lsn 9 uint64", append([]string{"field txc.v1.Seen.lsn 9 uint64"}, now...)},
		{"a field of another type is a loss", "gone: field txc.v1.Seen.lsn 3 string", append([]string{"field txc.v1.Seen.lsn 3 string"}, now...)},
		{"a method that is gone is a loss", "gone: method txc.v1.Coordinator.Stop", append([]string{"method txc.v1.Coordinator.Stop"}, now...)},
		{"what is new must be written down", "does not hold what is new", now[1:]},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := publish(now, write(row.lines...), true); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want %q", err, row.want)
			}
		})
	}
}
