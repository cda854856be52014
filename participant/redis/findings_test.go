package redis

import (
	"maps"
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
		"nothing":                 {func(*settings) {}, nil},
		"an old version":          {func(s *settings) { s.facts["redis_version"] = "6.2.14" }, []string{"redis-version refuse"}},
		"no version":              {func(s *settings) { delete(s.facts, "redis_version") }, []string{"redis-version refuse"}},
		"no file":                 {func(s *settings) { s.facts["aof_enabled"] = "0" }, []string{"redis-appendonly refuse"}},
		"a sync each second":      {func(s *settings) { s.config["appendfsync"] = "everysec" }, []string{"redis-appendfsync refuse"}},
		"a setting that is empty": {func(s *settings) { s.config["appendfsync"] = "" }, []string{"redis-appendfsync refuse"}},
		"no sync in between":      {func(s *settings) { s.config["no-appendfsync-on-rewrite"] = "yes" }, []string{"redis-rewrite-fsync refuse"}},
		"settings not to be read": {func(s *settings) { s.config = nil }, []string{"redis-config-hidden refuse"}},
		"eviction":                {func(s *settings) { s.facts["maxmemory_policy"] = "allkeys-lru" }, []string{"redis-eviction refuse"}},
		"a replica":               {func(s *settings) { s.facts["role"] = "slave" }, []string{"redis-replica refuse"}},
		"a Sentinel":              {func(s *settings) { s.watch = true }, []string{"redis-sentinel refuse"}},
		"replicas":                {func(s *settings) { s.facts["connected_slaves"] = "2" }, []string{"redis-replicas warn"}},
		"a failed write":          {func(s *settings) { s.facts["aof_last_write_status"] = "err" }, []string{"redis-aof-write refuse"}},
		"a failed rewrite":        {func(s *settings) { s.facts["aof_last_bgrewrite_status"] = "err" }, []string{"redis-aof-rewrite warn"}},
		"a failed snapshot":       {func(s *settings) { s.facts["rdb_last_bgsave_status"] = "err" }, []string{"redis-bgsave warn"}},
		"little memory left":      {func(s *settings) { s.facts["maxmemory"], s.facts["used_memory"] = "1000", "801" }, []string{"redis-memory warn"}},
		"memory enough":           {func(s *settings) { s.facts["maxmemory"], s.facts["used_memory"] = "1000", "800" }, nil},
	}
	page, err := os.ReadFile("../../docs/adapters/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range slices.Sorted(maps.Keys(rows)) {
		row := rows[says]
		t.Run(says, func(t *testing.T) {
			s := settings{
				facts: map[string]string{
					"redis_version": "7.0.15", "aof_enabled": "1", "maxmemory_policy": "noeviction", "role": "master", "connected_slaves": "0",
					"aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "rdb_last_bgsave_status": "ok", "maxmemory": "0", "used_memory": "900000",
				},
				config: map[string]string{"appendfsync": "always", "no-appendfsync-on-rewrite": "no"},
			}
			row.spoil(&s)
			var got []string
			for _, f := range s.findings() {
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

// Each command that a branch can use is in the documentation, and none that it cannot.
func TestTheListOfCommandsIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/adapters/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "| commands |")
	list, _, _ := strings.Cut(rest, "\n\n")
	documented := map[string]bool{}
	for i, word := range strings.Split(list, "`") {
		if name, _, _ := strings.Cut(word, " "); i%2 == 1 {
			documented[name] = true
		}
	}
	for name := range commands {
		if !documented[name] {
			t.Errorf("%s is not in the documentation", name)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("the documentation has %v", documented)
	}
}
