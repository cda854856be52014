package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The mistakes that others made, by the names under which they were reported, and what is MariaDB's own.
func TestOthersBugsWithMySQL(t *testing.T) {
	t.Parallel()
	m := maria{servers.MariaDB(t, "log-bin", "sync-binlog=1"), "txc"}
	bugs := []struct {
		name, says string
		check      func(d *mariaDesk)
	}{
		{"citus#1030", "a recovery while another branch prepares leaves that one alone", mariaRecoveryDuringPrepare},
		{"greenplum gpdb#10393", "no prepare lands after the recovery's list", mariaPrepareAfterScan},
		{"citus#6548", "a branch of another database is neither finished nor taken for gone", mariaOtherDatabase},
		{"pgjdbc#4438", "an answer to XA PREPARE that was lost is not a rollback", mariaLostAfterPrepare},
		{"pgjdbc#4438", "a connection lost while XA PREPARE runs: what is said is what became of it", mariaLostDuringPrepare},
		{"pgjdbc#4438", "a connection lost before XA PREPARE arrived is a No", mariaLostBeforePrepare},
		{"pgjdbc#4438", "a server killed while XA PREPARE runs: unknown, until it tells", mariaKilledWithPrepare},
		{"pgjdbc#4438", "a connection lost while XA COMMIT runs is looked after", mariaLostWithCommit},
		{"pgjdbc#4438", "a connection lost for the participant alone: the server is rid of its session before anything is said", mariaLostForUsAlone},
		{"matrixone#25797", "two Commits at once commit once", mariaTwoCommits},
		{"dtm#470, dtm#444", "XAER_NOTA is no success", mariaNotFound},
		{"dtm#470, dtm#444", "XAER_NOTA of a branch whose session is still there is no fate", mariaHeldElsewhere},
		{"vitess#16576", "a commit after a fail-over that lost the branch is a hazard", mariaFailedOver},
		{"seata-go#989, #991, dtm#277", "no session is leaked or left in a transaction", mariaNoLeaks},
		{"seata-go#989, #991, dtm#277", "branches in doubt do not use up the sessions", mariaManyInDoubt},
		{"quarkus#35238", "what is in doubt is listed before the store was ever used", mariaListedUnused},
		{"", "P10: the session of an earlier process does not keep its promise from being finished", mariaStuckOwner},
		{"", "what a branch does to its session does not reach the next one", mariaSessionsAreReset},
		{"", "what a branch cannot do within XA is a No", mariaRefusedWithin},
		{"", "P4: a branch that is prepared again keeps its promise", mariaPreparedAgain},
		{"", "S1: what a promised branch wrote is nobody else's until it ends, over a crash", mariaWritesAreLocked},
		{"", "S2: what a branch read for update is locked as long as the server runs, what it read otherwise is not", mariaReads},
		{"", "H2: what an operator began is finished by whoever comes next", mariaSettlementFinished},
		{"", "C10: an opening that has vanished keeps nobody from opening", mariaOpeningThatVanishes},
		{"", "H2: a deed whose note came too late was not done", mariaDeedThatComesLate},
	}
	for i, bug := range bugs {
		t.Run(strings.TrimSpace(bug.name+" "+bug.says), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d := &mariaDesk{clerk: clerk{T: t, ctx: ctx, name: fmt.Sprintf("bug%d", i), first: "?"}, m: m}
			d.db = m.client(t)
			d.do("create table "+d.name+" (k varchar(20) primary key, v int not null)", "insert into "+d.name+" values ('a', 0), ('b', 0)",
				"create user "+d.name+"@'127.0.0.1' identified by 'app'", "grant all on txc.* to "+d.name+"@'127.0.0.1'")
			bug.check(d)
		})
	}
}

// mariaDesk is one case: a participant, a table and an ordinary user of its own.
type mariaDesk struct {
	clerk
	m  maria
	db *sql.DB // somebody who has nothing to do with us
}

func (d *mariaDesk) do(statements ...string) { d.m.do(d, statements...) }

func (d *mariaDesk) address() string {
	return "mysql://" + d.name + ":app@" + d.m.Address + "/" + d.m.database
}

func (d *mariaDesk) open(address string) *mysql.Store {
	d.Helper()
	s, err := mysql.Open(d.ctx, address, mysql.Options{Cluster: "test", Name: d.name, AllowFreeSQL: true, Connections: 4, LockTimeout: 10 * time.Second})
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

// one is the one number of a query; after the server was killed the sessions have to learn of it.
func (d *mariaDesk) one(query string) (n int) {
	d.Helper()
	if err := d.db.QueryRowContext(d.ctx, query).Scan(&n); err != nil {
		d.Fatalf("%s: %v", query, err)
	}
	return n
}

func (d *mariaDesk) value(k string) int {
	d.Helper()
	return d.one("select v from " + d.name + " where k = '" + k + "'")
}

// isPrepared looks into the server's list.
func (d *mariaDesk) isPrepared(b participant.Branch) bool {
	_, is := d.m.prepared(d)[b.Name()]
	return is
}

// byHand is what somebody with a client does to a branch that no session has.
func (d *mariaDesk) byHand(verb string, b participant.Branch) {
	d.Helper()
	d.do("xa " + verb + " " + xid(b.Name(), d.m.prepared(d)[b.Name()]))
}

// sessions is how many there are of the participant's.
func (d *mariaDesk) sessions() int {
	d.Helper()
	return d.one("select count(*) from information_schema.processlist where user = '" + d.name + "'")
}

// until waits until something is so. What the server shows of its transactions is 100 ms old if one asks more often.
func (d *mariaDesk) until(what string, is func() bool) {
	d.Helper()
	for !is() {
		select {
		case <-d.ctx.Done():
			d.Fatalf("never: %s", what)
		case <-time.After(120 * time.Millisecond):
		}
	}
}

// kill ends all sessions of the participant in the server.
func (d *mariaDesk) kill() {
	d.Helper()
	d.do("kill user " + d.name)
	d.until("its sessions are gone", func() bool { return d.sessions() == 0 })
}

// held holds the row of a key until release, and begins a Prepare that waits for it.
func (d *mariaDesk) held(s *mysql.Store, k string) (b participant.Branch, release func(), answer <-chan vote) {
	d.Helper()
	tx, err := d.db.BeginTx(d.ctx, nil)
	if err == nil {
		_, err = tx.ExecContext(d.ctx, "select * from "+d.name+" where k = '"+k+"' for update")
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
	d.until("it waits", func() bool {
		return d.one("select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_query like 'update "+d.name+" %'") == 1
	})
	return b, func() {
		if err := tx.Rollback(); err != nil {
			d.Error(err)
		}
	}, answers
}

func mariaRecoveryDuringPrepare(d *mariaDesk) {
	s := d.open(d.address())
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

func mariaPrepareAfterScan(d *mariaDesk) {
	old := d.open(d.address())
	b, release, answer := d.held(old, "a")
	s := d.open(d.address())
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
	d.promise(s, "a") // nothing of the earlier process is in the way
}

func mariaOtherDatabase(d *mariaDesk) {
	other := maria{d.m.MariaDBServer, d.name}
	d.do("create database "+d.name, "grant all on "+d.name+".* to "+d.name+"@'127.0.0.1'")
	other.do(d, "create table "+d.name+" (k varchar(20) primary key, v int not null)", "insert into "+d.name+" values ('a', 0)")
	here, there := d.open(d.address()), d.open(strings.Replace(d.address(), "/txc", "/"+d.name, 1))
	b, evidence := d.promise(here, "a")
	d.kill() // whoever asks, no session holds it
	if all := d.inDoubt(there); len(all) != 0 {
		d.Errorf("listed in the other database: %v", all)
	}
	if f, err := there.Commit(d.ctx, b, evidence); err != nil || f != txc.Hazard {
		d.Errorf("commit in the other database: %v %v", f, err)
	}
	if f, err := there.Abort(d.ctx, b, evidence); err != nil || f != txc.AbortedNow {
		d.Errorf("abort in the other database: %v %v", f, err)
	}
	if p, err := there.Prepare(d.ctx, b, d.write("a"), false); err == nil && p.Vote != txc.No {
		d.Errorf("the same name in the other database: %v", p.Vote)
	}
	f, err := here.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

// through opens a store through a wire that cuts the word.
func (d *mariaDesk) through(word string, pass bool, then func()) (*mysql.Store, *wire) {
	w := newWire(d.T, d.m.Address, word, pass, then)
	s := d.open(strings.Replace(d.address(), d.m.Address, w.address, 1))
	return s, w
}

func mariaLostAfterPrepare(d *mariaDesk) {
	var b participant.Branch
	s, w := d.through("xa prepare", true, func() { d.until("it is prepared", func() bool { return d.isPrepared(b) }) })
	w.arm()
	b = d.branch()
	p, err := s.Prepare(d.ctx, b, d.write("a"), false)
	if err != nil || p.Vote != txc.Yes || len(p.Evidence) == 0 {
		d.Fatalf("prepared, and the answer was lost: %v %+v %v", p.Vote, p.Reason, err)
	}
	if all := d.inDoubt(s); len(all) != 1 || string(all[0].Evidence) != string(p.Evidence) {
		d.Errorf("%v, the vote had %s", all, p.Evidence)
	}
	f, err := s.Commit(d.ctx, b, p.Evidence)
	d.fate(f, err, txc.CommittedNow)
}

func mariaLostDuringPrepare(d *mariaDesk) {
	s, w := d.through("xa prepare", true, nil)
	for range 10 {
		w.arm()
		b := d.branch()
		p, err := s.Prepare(d.ctx, b, d.write("a"), false)
		if err != nil {
			d.Fatal(err)
		}
		// The server may have had it done, or not; what is said must be so, and stay so.
		if prepared := d.isPrepared(b); prepared != (p.Vote == txc.Yes) {
			d.Fatalf("vote %v, prepared: %v", p.Vote, prepared)
		}
		d.abort(s, b)
		if d.value("a") != 0 || len(d.inDoubt(s)) != 0 {
			d.Error("it is not rolled back")
		}
	}
}

func mariaLostBeforePrepare(d *mariaDesk) {
	s, w := d.through("xa prepare", false, nil)
	w.arm()
	p, err := s.Prepare(d.ctx, d.branch(), d.write("a"), false)
	if err != nil || p.Vote != txc.No || !p.Reason.Retryable {
		d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
	}
	b, evidence := d.promise(s, "a")
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

func mariaKilledWithPrepare(d *mariaDesk) {
	s, w := d.through("xa prepare", true, d.m.Kill)
	w.arm()
	b := d.branch()
	ctx, cancel := context.WithTimeout(d.ctx, time.Second)
	defer cancel()
	if p, err := s.Prepare(ctx, b, d.write("a"), false); err == nil {
		d.Errorf("with the server gone: %v %+v", p.Vote, p.Reason)
	}
	if err := d.m.Start(); err != nil {
		d.Fatal(err)
	}
	prepared := d.isPrepared(b)
	if all := d.inDoubt(s); len(all) == 1 != prepared {
		d.Errorf("it is prepared: %v, listed: %v", prepared, all)
	}
	d.abort(s, b)
	if d.value("a") != 0 || len(d.inDoubt(s)) != 0 {
		d.Error("it is not rolled back")
	}
}

func mariaLostWithCommit(d *mariaDesk) {
	s, w := d.through("xa commit", true, func() { d.until("it has committed", func() bool { return d.value("a") == 1 }) })
	b, evidence := d.promise(s, "a")
	w.arm()
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedBefore) // it looked
	s, w = d.through("xa commit", false, nil)
	b, evidence = d.promise(s, "b")
	w.arm()
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow) // by another session
	if d.value("a") != 1 || d.value("b") != 1 {
		d.Error("the values are not those")
	}
}

func mariaLostForUsAlone(d *mariaDesk) {
	for _, word := range []string{"xa prepare", "xa commit"} {
		s, w := d.through(word, false, nil)
		hold := make(chan struct{})
		d.Cleanup(func() { close(hold) })
		w.hold = hold
		if word == "xa prepare" {
			w.arm()
			p, err := s.Prepare(d.ctx, d.branch(), d.write("a"), false)
			if err != nil || p.Vote != txc.No {
				d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
			}
		}
		b, evidence := d.promise(s, "a") // nothing holds its row
		w.arm()
		f, err := s.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedNow) // no XAER_NOTA of a session that is still there
	}
}

func mariaTwoCommits(d *mariaDesk) {
	s := d.open(d.address())
	for n := range 40 {
		b, evidence := d.promise(s, "a")
		if n%2 == 0 { // by sessions that do not have it
			d.kill()
		}
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
		if now > 1 {
			d.Errorf("%d have committed it: %v %v", now, fates, errs)
		}
		f, err := s.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedBefore)
	}
	if d.value("a") != 40 {
		d.Errorf("%d commits of 40", d.value("a"))
	}
}
