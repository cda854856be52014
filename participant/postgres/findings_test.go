package postgres

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEverySettingThatCostsAPromiseIsFound(t *testing.T) {
	rows := map[string]struct {
		spoil func(s *settings)
		want  []string
	}{
		"nothing":                         {func(*settings) {}, nil},
		"an old version":                  {func(s *settings) { s.version = 130011 }, []string{"postgres-version refuse"}},
		"no slots":                        {func(s *settings) { s.slots = 0 }, []string{"postgres-no-slots refuse"}},
		"few slots":                       {func(s *settings) { s.slots = 39 }, []string{"postgres-few-slots warn"}},
		"slots enough":                    {func(s *settings) { s.slots = 40 }, nil},
		"no sync":                         {func(s *settings) { s.fsync = "off" }, []string{"postgres-fsync refuse"}},
		"no full pages":                   {func(s *settings) { s.pages = "off" }, []string{"postgres-full-page-writes refuse"}},
		"commits that are not waited for": {func(s *settings) { s.synchronous = "off" }, []string{"postgres-synchronous-commit refuse"}},
		"a replica":                       {func(s *settings) { s.replica = true }, []string{"postgres-read-only refuse"}},
		"another user's sessions":         {func(s *settings) { s.mayEnd = false }, []string{"postgres-other-user refuse"}},
		"few connections":                 {func(s *settings) { s.connections = 47 }, []string{"postgres-few-connections warn"}},
	}
	page, err := os.ReadFile("../../docs/adapters/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	for says, row := range rows {
		t.Run(says, func(t *testing.T) {
			s := settings{version: 150000, fsync: "on", pages: "on", synchronous: "on", mayEnd: true, slots: 100, connections: 100}
			row.spoil(&s)
			var got []string
			for _, f := range s.findings(32) {
				if !strings.Contains(string(page), "| `"+f.Name+"` | "+f.Severity+" |") {
					t.Errorf("%s, %s, is not in the documentation", f.Name, f.Severity)
				}
				got = append(got, f.Name+" "+f.Severity)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}
