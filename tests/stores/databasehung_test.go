package stores_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// finishes is what finishing a branch may take at a database that has stopped: its own limit, a look, and some more.
const finishes = 2*15*time.Second + 3*time.Second

// C10: a PostgreSQL server that has stopped, and not died, holds up nobody for ever, and leaves nothing in doubt or taken.
func TestPostgresHangs(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	do(t, server.URL("postgres"), "create table hung (k text primary key, v int not null)", "insert into hung select 'k' || n, 0 from generate_series(0, 99) n")
	s, err := postgres.Open(t.Context(), server.URL("postgres"), postgres.Options{Cluster: "test", Name: "hung", AllowFreeSQL: true, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	hangs(&clerk{T: t, ctx: t.Context(), name: "hung", first: "$1"}, s, server.Freeze, server.Thaw)
}

// C10: nor does a MariaDB server.
func TestMySQLHangs(t *testing.T) {
	t.Parallel()
	m := maria{servers.MariaDB(t), "txc"}
	m.do(t, "create table hung (k varchar(60) primary key, v int not null)")
	for n := range 100 {
		m.do(t, fmt.Sprintf("insert into hung values ('k%d', 0)", n))
	}
	s, err := mysql.Open(t.Context(), m.url(), mysql.Options{Cluster: "test", Name: "hung", AllowFreeSQL: true, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	hangs(&clerk{T: t, ctx: t.Context(), name: "hung", first: "?"}, s, m.Freeze, m.Thaw)
}

// hangs stops the database below twice as many deeds as it has sessions, and lets it go on.
func hangs(c *clerk, s participant.Resource, freeze, thaw func() error) {
	const branches = 12
	c.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			c.Error(err)
		}
	})
	var all []participant.Branch
	var evidence [][]byte
	for n := range branches {
		b, e := c.promise(s, fmt.Sprintf("k%d", n))
		all, evidence = append(all, b), append(evidence, e)
	}
	if err := freeze(); err != nil {
		c.Fatal(err)
	}
	var running sync.WaitGroup
	within := func(what string, limit time.Duration, deed func()) {
		running.Go(func() {
			began := time.Now()
			deed()
			if took := time.Since(began); took > limit {
				c.Errorf("C10: %s took %v", what, took.Round(time.Millisecond))
			}
		})
	}
	for n, b := range all {
		within("Commit", finishes, func() {
			if f, err := s.Commit(c.ctx, b, evidence[n]); err == nil {
				c.Errorf("commit at a database that has stopped: %v", f)
			}
		})
	}
	for n := range branches {
		b, work := c.branch(), c.write(fmt.Sprintf("k%d", 50+n))
		within("Prepare", 3*time.Second+finishes, func() {
			ctx, cancel := context.WithTimeout(c.ctx, 3*time.Second)
			defer cancel()
			if p, err := s.Prepare(ctx, b, work, false); err == nil && p.Vote != txc.No {
				c.Errorf("prepare at a database that has stopped: %v %v", p.Vote, p.Reason)
			}
		})
	}
	within("InDoubt", finishes, func() {
		var failed error
		for _, err := range s.InDoubt(c.ctx) {
			failed = err
		}
		if failed == nil {
			c.Error("P9: a list that nobody could give is not an empty one")
		}
	})
	within("Check", finishes, func() {
		if r, err := s.Check(c.ctx); err == nil {
			c.Errorf("%+v", r)
		}
	})
	running.Wait()
	if err := thaw(); err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	for n, b := range all {
		f, err := s.Commit(ctx, b, evidence[n])
		for err != nil && ctx.Err() == nil {
			f, err = s.Commit(ctx, b, evidence[n])
		}
		if err != nil || f != txc.CommittedNow && f != txc.CommittedBefore {
			c.Errorf("commit when it goes on: %v, %v", f, err)
		}
	}
	if left := c.inDoubt(s); len(left) > 0 { // an unprepared branch's session is gone, and a lock of its row with it
		c.Errorf("left in doubt: %v", left)
	}
	for n := range branches {
		c.ctx = ctx
		b, e := c.promise(s, fmt.Sprintf("k%d", 50+n))
		if f, err := s.Commit(ctx, b, e); err != nil || f != txc.CommittedNow {
			c.Error(f, err)
		}
	}
}
