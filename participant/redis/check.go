package redis

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/txc-dev/txc/participant"
)

// facts reads what the server says of itself.
func (s *Store) facts(ctx context.Context) (map[string]string, error) {
	text, err := s.db.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, is := strings.Cut(lines.Text(), ":"); is {
			all[name] = value
		}
	}
	return all, nil
}

// settings are what Check looks at.
type settings struct {
	facts  map[string]string // of INFO
	config map[string]string // of CONFIG GET; nil: the user may not ask
	watch  bool              // a Sentinel watches the server
}

// Check is participant.Resource's.
func (s *Store) Check(ctx context.Context) (participant.Report, error) {
	r, err := s.check(ctx)
	if err != nil {
		return participant.Report{}, fmt.Errorf("check: %w", err)
	}
	return r, nil
}

func (s *Store) check(ctx context.Context) (r participant.Report, err error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return r, err
	}
	var is settings
	if is.facts, err = s.facts(ctx); err != nil {
		return r, err
	}
	is.config = map[string]string{}
	for _, name := range []string{"appendfsync", "no-appendfsync-on-rewrite"} {
		one, err := s.db.ConfigGet(ctx, name).Result()
		switch {
		case answered(err):
			is.config = nil
		case err != nil:
			return r, err
		case is.config != nil:
			is.config[name] = one[name]
		}
	}
	sentinels, err := s.db.PubSubNumSub(ctx, sentinelChannel).Result()
	if err != nil && !answered(err) {
		return r, err
	}
	is.watch = sentinels[sentinelChannel] > 0
	all, err := s.inDoubt(ctx)
	if err != nil {
		return r, err
	}
	r = participant.Report{
		Kind: "redis", Version: is.facts["redis_version"], Capabilities: []string{"shipped", "redis", "held", "marker", "stamp", "settle"},
		Findings: is.findings(), InDoubt: uint64(len(all)),
	}
	for _, d := range all {
		r.Locks += uint64(d.locks)
		r.Oldest = max(r.Oldest, time.Since(d.Since))
	}
	r.Instance, err = identity(s.instance)
	return r, err
}

// sentinelChannel is where Sentinels listen on each server that they watch.
const sentinelChannel = "__sentinel__:hello"

// findings says what is wrong, and what to do.
func (is settings) findings() []participant.Finding {
	var all []participant.Finding
	find := func(wrong bool, name, severity, format string, args ...any) {
		if wrong {
			all = append(all, participant.Finding{Name: name, Severity: severity, Text: fmt.Sprintf(format, args...)})
		}
	}
	f := is.facts
	find(older(f["redis_version"]), "redis-version", "refuse", "the server is of version %s: use Redis 7.0 or later", f["redis_version"])
	find(f["aof_enabled"] != "1", "redis-appendonly", "refuse", "appendonly is off: a promise would be lost with the process, set appendonly yes in its configuration and restart it")
	find(is.config == nil, "redis-config-hidden", "refuse", "the user may not read the configuration: see to it that appendfsync is always and no-appendfsync-on-rewrite is no, or allow +config|get")
	if is.config != nil {
		always := is.config["appendfsync"]
		find(always != "always", "redis-appendfsync", "refuse", "appendfsync is %s: a promise could be lost with the machine, set it to always", always)
		find(is.config["no-appendfsync-on-rewrite"] != "no", "redis-rewrite-fsync", "refuse",
			"no-appendfsync-on-rewrite is %s: a promise could be lost with the machine while the file is rewritten, set it to no", is.config["no-appendfsync-on-rewrite"])
	}
	find(f["maxmemory_policy"] != "noeviction", "redis-eviction", "refuse", "maxmemory-policy is %s: a promise could be evicted, set it to noeviction", f["maxmemory_policy"])
	find(f["role"] != "master", "redis-replica", "refuse", "the server is a replica: use its master")
	find(is.watch, "redis-sentinel", "refuse", "a Sentinel watches the server: when it makes a replica the master, promises that had not reached that are lost")
	find(f["connected_slaves"] != "0", "redis-replicas", "warn", "%s replicas follow the server: none may take over by itself, promises that had not reached it would be lost", f["connected_slaves"])
	find(f["aof_last_write_status"] != "ok", "redis-aof-write", "refuse", "the last write of the append-only file failed: nothing can be promised, look into the server's log")
	find(f["aof_last_bgrewrite_status"] != "ok", "redis-aof-rewrite", "warn", "the last rewriting of the append-only file failed: it grows, look into the server's log")
	find(f["rdb_last_bgsave_status"] != "ok", "redis-bgsave", "warn", "the last snapshot failed: with stop-writes-on-bgsave-error the server takes neither promises nor commits, look into its log")
	if most, used := number(f["maxmemory"]), number(f["used_memory"]); most > 0 {
		find(used > most/5*4, "redis-memory", "warn", "%d of %d bytes of memory are used: without room nothing can be promised", used, most)
	}
	return all
}

// older tells versions for which this package is not.
func older(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err != nil || n < 7
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0 // not told: no limit is known
	}
	return n
}
