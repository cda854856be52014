package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc/participant"
)

// oldest is the first version of the server that this package is for, as server_version_num.
const oldest = 140000

// settings are what Check looks at.
type settings struct {
	version                        int
	fsync, pages, synchronous      string
	replica, mayEnd                bool
	slots, connections, used, mine int64
	foreign                        int64
	oldest                         *float64 // seconds
}

// Check is participant.Resource's.
func (s *Store) Check(ctx context.Context) (participant.Report, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return participant.Report{}, err
	}
	var is settings
	var version string
	err = s.finish.QueryRow(ctx, `select current_setting('server_version'), current_setting('server_version_num')::int,
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_is_in_recovery(),
		not exists (select from pg_stat_activity where starts_with(application_name, $2) and datname = current_database() and usename <> current_user),
		current_setting('max_prepared_transactions')::bigint, current_setting('max_connections')::bigint,
		(select count(*) from pg_prepared_xacts), (select count(*) from pg_prepared_xacts where not starts_with(gid, 'txc/' || $1 || '/')),
		count(*), extract(epoch from max(now() - prepared))::float8
		from pg_prepared_xacts where database = current_database() and starts_with(gid, 'txc/' || $1 || '/') and split_part(gid, '/', 4) = $3`,
		s.o.Cluster, s.family, s.o.Name).Scan(&version, &is.version, &is.fsync, &is.pages, &is.synchronous, &is.replica, &is.mayEnd,
		&is.slots, &is.connections, &is.used, &is.foreign, &is.mine, &is.oldest)
	if err != nil {
		return participant.Report{}, fmt.Errorf("check: %w", err)
	}
	r := participant.Report{
		Kind: "postgres", Version: version, Capabilities: []string{"shipped", "joined", "sql", "call", "held", "marker", "settle"}, Findings: is.findings(s.o.Connections),
		InDoubt: uint64(is.mine), Slots: uint64(is.slots), Free: uint64(max(is.slots-is.used, 0)), Foreign: uint64(is.foreign),
	}
	if is.oldest != nil {
		r.Oldest = time.Duration(max(*is.oldest, 0) * float64(time.Second))
	}
	if r.Instance, err = s.instance(ctx); err != nil {
		return participant.Report{}, fmt.Errorf("check: %w", err)
	}
	return r, nil
}

// findings says what is wrong, and what to do. need is how many branches may promise at once.
func (is settings) findings(need int) []participant.Finding {
	var all []participant.Finding
	find := func(wrong bool, name, severity, format string, args ...any) {
		if wrong {
			all = append(all, participant.Finding{Name: name, Severity: severity, Text: fmt.Sprintf(format, args...)})
		}
	}
	fit := int64(need + need/4)
	find(is.version < oldest, "postgres-version", "refuse", "the server is of version %d: use PostgreSQL 14 or later", is.version/10000)
	find(is.slots == 0, "postgres-no-slots", "refuse", "max_prepared_transactions is 0, nothing can be promised: set it to at least %d and restart the server", fit)
	find(is.slots > 0 && is.slots < fit, "postgres-few-slots", "warn", "max_prepared_transactions is %d: %d branches may be in flight, set it to at least %d and restart the server", is.slots, need, fit)
	find(is.fsync != "on", "postgres-fsync", "refuse", "fsync is %s: a promise could be lost, set it to on", is.fsync)
	find(is.pages != "on", "postgres-full-page-writes", "refuse", "full_page_writes is %s: a power loss could damage what was promised, set it to on", is.pages)
	find(is.synchronous == "off", "postgres-synchronous-commit", "refuse",
		"synchronous_commit is off in this participant's own sessions, which ask for on: whatever stands between them and the server must pass that on")
	find(is.replica, "postgres-read-only", "refuse", "the server is a replica: use the primary")
	find(!is.mayEnd, "postgres-other-user", "refuse", "sessions of this participant belong to another user: use one user, who alone can finish what it has prepared")
	find(is.connections < int64(need+need/2), "postgres-few-connections", "warn", "max_connections is %d: this participant alone may use %d; raise it, or lower --connections", is.connections, need+need/2)
	return all
}
