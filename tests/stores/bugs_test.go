package stores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The mistakes that others made, by the names under which they were reported.
func TestOthersBugs(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	bugs := []struct {
		name, says string
		check      func(d *desk)
	}{
		{"citus#1030", "a recovery while another branch prepares leaves that one alone", recoveryDuringPrepare},
		{"greenplum gpdb#10393", "no prepare lands after the recovery's list", prepareAfterScan},
		{"citus#6548", "a branch of another database is neither finished nor taken for gone", otherDatabase},
		{"pgjdbc#4438", "an answer to PREPARE that was lost is not a rollback", lostAfterPrepare},
		{"pgjdbc#4438", "a connection lost while PREPARE runs: what is said is what became of it", lostDuringPrepare},
		{"pgjdbc#4438", "a connection lost before PREPARE arrived is a No", lostBeforePrepare},
		{"pgjdbc#4438", "a server killed while PREPARE runs: unknown, until it tells", killedWithPrepare},
		{"pgjdbc#4438", "a connection lost while COMMIT PREPARED runs: unknown, then committed before", lostWithCommit},
		{"matrixone#25797", "two Commits at once commit once", twoCommits},
		{"dtm#470, dtm#444", "what is not found is no success", notFound},
		{"vitess#16576", "a commit after a fail-over that lost the branch is a hazard", failedOver},
		{"seata-go#989, #991, dtm#277", "no session is leaked or left in a transaction", noLeaks},
		{"quarkus#35238", "what is in doubt is listed before the store was ever used", listedUnused},
		{"", "what a branch does to its session does not reach the next one", sessionsAreReset},
		{"", "S1: what a promised branch wrote is nobody else's until it ends, over a crash", writesAreLocked},
		{"", "S2: what a branch merely read is not locked, and what it read for update is", readsAreNotLocked},
		{"", "H2: what an operator began is finished by whoever comes next", settlementFinished},
	}
	for i, bug := range bugs {
		t.Run(strings.TrimSpace(bug.name+" "+bug.says), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d := &desk{clerk: clerk{T: t, ctx: ctx, name: fmt.Sprintf("bug%d", i), first: "$1"}, server: server, url: server.URL("postgres")}
			do(t, d.url, "create table "+d.name+" (k text primary key, v int not null)", "insert into "+d.name+" values ('a', 0), ('b', 0)")
			bug.check(d)
		})
	}
}

// desk is one case: a participant and a table of its own.
type desk struct {
	clerk
	server *servers.PostgresServer
	url    string
}

func (d *desk) open(url string) *postgres.Store {
	d.Helper()
	s, err := postgres.Open(d.ctx, url, postgres.Options{Cluster: "test", Name: d.name, AllowFreeSQL: true, Connections: 4, LockTimeout: 10 * time.Second})
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			d.Error(err)
		}
	})
	return s
}

func (d *desk) value(k string) int {
	return one[int](d, d.url, "select v from "+d.name+" where k = $1", k)
}

// held holds the row of a key until release, and begins a Prepare that waits for it.
func (d *desk) held(s *postgres.Store, k string) (b participant.Branch, release func(), answer <-chan vote) {
	d.Helper()
	c, err := pgx.Connect(d.ctx, d.url)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { c.Close(context.Background()) })
	if _, err = c.Exec(d.ctx, "begin"); err == nil {
		_, err = c.Exec(d.ctx, "select from "+d.name+" where k = $1 for update", k)
	}
	if err != nil {
		d.Fatal(err)
	}
	b = d.branch()
	answers := make(chan vote, 1)
	go func() {
		p, err := s.Prepare(d.ctx, b, d.write(k), false)
		answers <- vote{p, err}
	}()
	d.until("select count(*) = 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update " + d.name + " %'")
	return b, func() {
		if _, err := c.Exec(d.ctx, "rollback"); err != nil {
			d.Error(err)
		}
	}, answers
}

// until waits until the server says so.
func (d *desk) until(sql string) {
	d.Helper()
	for !one[bool](d, d.url, sql) {
		select {
		case <-d.ctx.Done():
			d.Fatalf("never true: %s", sql)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func recoveryDuringPrepare(d *desk) {
	s := d.open(d.url)
	b, release, answer := d.held(s, "a")
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("listed while it works: %v", all)
	}
	release()
	if v := <-answer; v.err != nil || v.Vote != txc.Yes {
		d.Fatalf("%v %v %v", v.Vote, v.Reason, v.err)
	}
	f, err := s.Commit(d.ctx, b, nil)
	d.fate(f, err, txc.CommittedNow)
}

func prepareAfterScan(d *desk) {
	old := d.open(d.url)
	b, release, answer := d.held(old, "a")
	s := d.open(d.url)
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("listed: %v", all)
	}
	release()
	if v := <-answer; v.err == nil && v.Vote != txc.No {
		d.Errorf("the earlier process voted %v", v.Vote)
	}
	for { // its sessions were ended, all of them; with new ones it learns why
		p, err := old.Prepare(d.ctx, d.branch(), d.write("a"), false)
		if errors.Is(err, txc.ErrStopped) {
			break
		}
		if d.ctx.Err() != nil || err == nil && p.Vote != txc.No {
			d.Fatalf("the earlier process goes on: %v %v", p, err)
		}
	}
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("%v landed after the list", all)
	}
	f, err := s.Abort(d.ctx, b, nil)
	d.fate(f, err, txc.AbortedNow)
}

func otherDatabase(d *desk) {
	do(d, d.url, "create database "+d.name)
	elsewhere := d.server.URL(d.name)
	do(d, elsewhere, "create table "+d.name+" (k text primary key, v int not null)", "insert into "+d.name+" values ('a', 0)")
	here, there := d.open(d.url), d.open(elsewhere)
	b, evidence := d.promise(here, "a")
	if all := d.inDoubt(there); len(all) != 0 {
		d.Errorf("listed in the other database: %v", all)
	}
	if f, err := there.Commit(d.ctx, b, evidence); err == nil {
		d.Errorf("commit in the other database: %v", f)
	}
	if f, err := there.Abort(d.ctx, b, evidence); err == nil {
		d.Errorf("abort in the other database: %v", f)
	}
	if p, err := there.Prepare(d.ctx, b, d.write("a"), false); err == nil && p.Vote != txc.No {
		d.Errorf("the same name in the other database: %v", p.Vote)
	}
	f, err := here.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

// through opens a store through a wire that cuts the word.
func (d *desk) through(word string, pass bool, then func()) (*postgres.Store, *wire) {
	w := newWire(d.T, d.server.Address, word, pass, then)
	s := d.open(strings.Replace(d.url, d.server.Address, w.address, 1))
	return s, w
}

func lostAfterPrepare(d *desk) {
	s, w := d.through("prepare transaction", true, func() {
		d.until("select count(*) = 1 from pg_prepared_xacts where gid like '%/" + d.name + "'")
	})
	w.arm()
	b := d.branch()
	p, err := s.Prepare(d.ctx, b, d.write("a"), false)
	if err != nil || p.Vote != txc.Yes || len(p.Evidence) == 0 {
		d.Fatalf("prepared, and the answer was lost: %v %+v %v", p.Vote, p.Reason, err)
	}
	f, err := s.Commit(d.ctx, b, p.Evidence)
	d.fate(f, err, txc.CommittedNow)
}

func lostDuringPrepare(d *desk) {
	s, w := d.through("prepare transaction", true, nil)
	w.arm()
	b := d.branch()
	p, err := s.Prepare(d.ctx, b, d.write("a"), false)
	if err != nil {
		d.Fatal(err)
	}
	// The server may have had it done, or not; what is said must be so, and stay so.
	prepared := one[bool](d, d.url, "select exists (select from pg_prepared_xacts where gid = $1)", b.Name())
	if prepared != (p.Vote == txc.Yes) {
		d.Fatalf("vote %v, prepared: %v", p.Vote, prepared)
	}
	if f, err := s.Abort(d.ctx, b, p.Evidence); err != nil || f != txc.AbortedNow {
		d.Errorf("%v %v", f, err)
	}
	if d.value("a") != 0 || len(d.inDoubt(s)) != 0 {
		d.Error("it is not rolled back")
	}
}

func lostBeforePrepare(d *desk) {
	s, w := d.through("prepare transaction", false, nil)
	w.arm()
	p, err := s.Prepare(d.ctx, d.branch(), d.write("a"), false)
	if err != nil || p.Vote != txc.No || !p.Reason.Retryable {
		d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
	}
	b, evidence := d.promise(s, "a")
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

func killedWithPrepare(d *desk) {
	s, w := d.through("prepare transaction", true, d.server.Kill)
	w.arm()
	b := d.branch()
	ctx, cancel := context.WithTimeout(d.ctx, time.Second)
	defer cancel()
	if p, err := s.Prepare(ctx, b, d.write("a"), false); err == nil {
		d.Errorf("with the server gone: %v %+v", p.Vote, p.Reason)
	}
	if err := d.server.Start(); err != nil {
		d.Fatal(err)
	}
	prepared := one[int](d, d.url, "select count(*) from pg_prepared_xacts where gid = $1", b.Name())
	if all := d.inDoubt(s); len(all) != prepared {
		d.Errorf("%d are prepared, listed: %v", prepared, all)
	}
	d.abort(s, b)
	if d.value("a") != 0 || len(d.inDoubt(s)) != 0 {
		d.Error("it is not rolled back")
	}
}

func lostWithCommit(d *desk) {
	s, w := d.through("commit prepared", true, nil)
	b, evidence := d.promise(s, "a")
	w.arm()
	if f, err := s.Commit(d.ctx, b, evidence); err == nil {
		d.Errorf("the answer was lost, and it says %v", f)
	}
	d.until("select v = 1 from " + d.name + " where k = 'a'")
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedBefore)
}

func twoCommits(d *desk) {
	s := d.open(d.url)
	for range 10 {
		b, evidence := d.promise(s, "a")
		var wg sync.WaitGroup
		var fates [2]txc.Fate
		var errs [2]error
		for i := range 2 {
			wg.Go(func() { fates[i], errs[i] = s.Commit(d.ctx, b, evidence) })
		}
		wg.Wait()
		now := 0
		for i := range 2 {
			switch {
			case errs[i] != nil: // busy: unknown
			case fates[i] == txc.CommittedNow:
				now++
			case fates[i] != txc.CommittedBefore:
				d.Errorf("%v", fates[i])
			}
		}
		if now != 1 {
			d.Errorf("%d have committed it: %v %v", now, fates, errs)
		}
		f, err := s.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedBefore)
	}
	if d.value("a") != 10 {
		d.Errorf("%d commits of 10", d.value("a"))
	}
}
