package stores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The mistakes that others made, by the names under which they were reported, and those that Redis invites.
func TestOthersBugsInRedis(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "busy-reply-threshold 20")
	beside := client(t, server)
	bugs := []struct {
		name, says string
		check      func(d *till)
	}{
		{"citus#1030", "a recovery while another branch prepares leaves that one alone", (*till).recoveryDuringPrepare},
		{"greenplum gpdb#10393", "no prepare lands after the recovery's list", (*till).prepareAfterScan},
		{"greenplum gpdb#10393", "P4: no prepare lands after its abort, above the watermark or below", (*till).prepareAfterAbort},
		{"", "P4: a prepare that lands while its abort looks leaves nothing", (*till).prepareWithAbort},
		{"", "P6: no prepare of an earlier opening lands after a later one was noted", (*till).prepareOfEarlierOpening},
		{"pgjdbc#4438", "an answer to the promise that was lost is not a rollback", (*till).lostAfterPrepare},
		{"pgjdbc#4438", "a connection lost while the promise is made: what is said is what became of it", (*till).lostDuringPrepare},
		{"pgjdbc#4438", "a connection lost before the promise was asked for is a No, for good", (*till).lostBeforePrepare},
		{"pgjdbc#4438", "a server killed while it promises: unknown, until it tells", (*till).killedWithPrepare},
		{"pgjdbc#4438", "a connection lost while it commits: unknown, then committed before", (*till).lostWithCommit},
		{"matrixone#25797", "two Commits at once commit once", (*till).twoCommits},
		{"dtm#470, dtm#444", "what is not found is no success", (*till).notFound},
		{"quarkus#35238", "what is in doubt is listed before the store was ever used", (*till).listedUnused},
		{"seata-go#989, #991, dtm#277", "no connection is leaked", (*till).noLeaks},
		{"", "scripts that the server has forgotten are sent again", (*till).scriptsForgotten},
		{"", "P1: without memory nothing is promised, and what is promised ends all the same", (*till).outOfMemory},
		{"", "P8: a server that is busy, or a replica, says nothing about a branch", (*till).saysNothing},
		{"", "P1: a key that others gave another type does not keep a promise from being kept", (*till).typeChanged},
		{"", "P1: a key that expires while it is promised does not come back", (*till).expired},
		{"", "P1: the largest branch is promised and committed", (*till).largest},
		{"", "P10: whatever is relied on is synced with it", (*till).reliedOn},
		{"", "S1: locks are everybody's in a database, and Guarded minds them", (*till).guarded},
		{"", "S3: a lock is waited for no longer than the lock timeout", (*till).lockTimeout},
	}
	for i, bug := range bugs {
		t.Run(strings.TrimSpace(bug.name+" "+bug.says), func(t *testing.T) {
			bug.check(newTill(t, server, beside, fmt.Sprintf("bug%d", i)))
		})
	}
}

// till is one case: a participant and keys of its own.
type till struct {
	*testing.T
	ctx    context.Context
	server *servers.RedisServer
	db     *driver.Client // somebody who has nothing to do with us
	name   string
	next   uint64
}

func newTill(t *testing.T, server *servers.RedisServer, beside *driver.Client, name string) *till {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return &till{T: t, ctx: ctx, server: server, db: beside, name: name}
}

func (d *till) open(address string) *redis.Store {
	d.Helper()
	s, err := redis.Open(d.ctx, address, redis.Options{Cluster: "test", Name: d.name, Connections: 4, LockTimeout: 10 * time.Second})
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

func (d *till) branch() participant.Branch {
	d.next++
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: d.next}, Mark: 7, Cluster: "test", Participant: d.name, Members: []string{d.name}, Age: 1<<63 + d.next,
		Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 7, LSN: d.next},
	}
}

func (d *till) key(k string) string { return d.name + ":" + k }

func (d *till) incr(k string) []byte { return redisWork(command("incr", d.key(k))) }

func (d *till) prepare(s *redis.Store, b participant.Branch, k string) (participant.Promise, error) {
	return s.Prepare(d.ctx, b, d.incr(k), false)
}

func (d *till) promise(s *redis.Store, k string) (participant.Branch, []byte) {
	d.Helper()
	b := d.branch()
	p, err := d.prepare(s, b, k)
	d.voted(p, err, txc.Yes)
	return b, p.Evidence
}

func (d *till) voted(p participant.Promise, err error, want txc.Vote) {
	d.Helper()
	if err != nil || p.Vote != want {
		d.Fatalf("%v %+v %v, want %v", p.Vote, p.Reason, err, want)
	}
}

func (d *till) refused(p participant.Promise, err error, code txc.Code) {
	d.Helper()
	if err != nil || p.Vote != txc.No || p.Reason.Code != code || p.Reason.Retryable != code.Retryable() {
		d.Errorf("%v %+v %v, want No, %s", p.Vote, p.Reason, err, code)
	}
}

func (d *till) fate(got txc.Fate, err error, want txc.Fate) {
	d.Helper()
	if err != nil || got != want {
		d.Errorf("%v, %v, want %v", got, err, want)
	}
}

func (d *till) commit(s *redis.Store, b participant.Branch, evidence []byte, want txc.Fate) {
	d.Helper()
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, want)
}

func (d *till) abort(s *redis.Store, b participant.Branch, want txc.Fate) {
	d.Helper()
	f, err := s.Abort(d.ctx, b, nil)
	d.fate(f, err, want)
}

func (d *till) listed(s *redis.Store, want ...participant.Branch) {
	d.Helper()
	all := map[txc.ID]bool{}
	for b, err := range s.InDoubt(d.ctx) {
		if err != nil {
			d.Fatal(err)
		}
		all[b.ID] = true
	}
	for _, b := range want {
		if !all[b.ID] {
			d.Errorf("%s is not listed", b.ID)
		}
	}
	if len(all) != len(want) {
		d.Errorf("listed: %v, want %d", all, len(want))
	}
}

func (d *till) value(k, want string) {
	d.Helper()
	v, err := d.db.Get(d.ctx, d.key(k)).Result()
	if err != nil && !errors.Is(err, driver.Nil) || v != want {
		d.Errorf("%s is %q, %v, want %q", k, v, err, want)
	}
}

func (d *till) ask(args ...any) any {
	d.Helper()
	v, err := d.db.Do(d.ctx, args...).Result()
	if err != nil && !errors.Is(err, driver.Nil) {
		d.Fatalf("%v: %v", args, err)
	}
	return v
}

// until waits until something is so.
func (d *till) until(says string, is func() bool) {
	d.Helper()
	for !is() {
		select {
		case <-d.ctx.Done():
			d.Fatalf("never so: %s", says)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// waiting begins a Prepare that waits for a key which another branch holds.
func (d *till) waiting(s *redis.Store, k string) (participant.Branch, <-chan vote) {
	d.Helper()
	b := d.branch()
	answers := make(chan vote, 1)
	go func() {
		p, err := d.prepare(s, b, k)
		answers <- vote{p, err}
	}()
	calls := func() string { return d.db.Info(d.ctx, "commandstats").Val() }
	before := calls()
	d.until("it looks for the lock", func() bool { return calls() != before && len(answers) == 0 })
	return b, answers
}

func (d *till) recoveryDuringPrepare() {
	s := d.open(d.server.URL())
	holder, evidence := d.promise(s, "a")
	b, answer := d.waiting(s, "a")
	d.listed(s, holder)
	d.commit(s, holder, evidence, txc.CommittedNow)
	v := <-answer
	d.voted(v.Promise, v.err, txc.Yes)
	d.commit(s, b, v.Evidence, txc.CommittedNow)
	d.value("a", "2")
}

func (d *till) prepareAfterScan() {
	old := d.open(d.server.URL())
	holder, evidence := d.promise(old, "a")
	b, answer := d.waiting(old, "a")
	s := d.open(d.server.URL())
	d.listed(s, holder)
	d.commit(s, holder, evidence, txc.CommittedNow)
	if v := <-answer; !errors.Is(v.err, txc.ErrStopped) {
		d.Errorf("the earlier process: %v %v", v.Vote, v.err)
	}
	d.listed(s)
	d.abort(s, b, txc.AbortedNow)
	d.value("a", "1")
}

func (d *till) prepareAfterAbort() {
	s := d.open(d.server.URL())
	a, b, c := d.branch(), d.branch(), d.branch()
	for _, x := range []participant.Branch{a, b, c} {
		d.abort(s, x, txc.AbortedNow)
		p, err := d.prepare(s, x, "a")
		d.refused(p, err, txc.CodeStore)
	}
	forget := func(below txc.ID, but ...txc.ID) {
		if err := s.Forget(d.ctx, below, but); err != nil {
			d.Fatal(err)
		}
	}
	left := func() int64 { return d.ask("zcard", "txc:ended/test/"+d.name).(int64) }
	forget(c.ID, a.ID)
	if n := left(); n != 2 {
		d.Errorf("%d are remembered, want the exception and the one above", n)
	}
	for x, code := range map[*participant.Branch]txc.Code{&a: txc.CodeStore, &b: txc.CodeBelowWatermark, &c: txc.CodeStore} {
		p, err := d.prepare(s, *x, "a")
		d.refused(p, err, code)
	}
	d.abort(s, b, txc.AbortedNow) // it leaves nothing again
	if n := left(); n != 2 {
		d.Errorf("%d are remembered", n)
	}
	forget(d.branch().ID)
	if n := left(); n != 0 {
		d.Errorf("%d are remembered", n)
	}
	d.value("a", "")
}

func (d *till) prepareWithAbort() {
	s := d.open(d.server.URL())
	promised := 0
	for range 200 {
		b := d.branch()
		answer := make(chan vote, 1)
		go func() {
			p, err := d.prepare(s, b, "a")
			answer <- vote{p, err}
		}()
		d.abort(s, b, txc.AbortedNow)
		v := <-answer
		if v.err != nil {
			d.Fatal(v.err)
		}
		if v.Vote == txc.Yes {
			promised++
			d.abort(s, b, txc.AbortedNow)
		}
		if held := d.ask("hget", "txc:locks", d.key("a")); held != nil {
			d.Fatalf("%v is left", held)
		}
	}
	d.Logf("%d of 200 came before their abort", promised)
	d.listed(s)
	d.value("a", "")
}

func (d *till) prepareOfEarlierOpening() {
	s := d.open(d.server.URL())
	promised, evidence := d.promise(s, "a")
	later := participant.Seen{Coordinator: 1, Epoch: 2, Mark: 8, LSN: 100}
	for _, seen := range []participant.Seen{later, promised.Seen} { // it only ever rises
		if err := s.Remember(d.ctx, participant.Memory{Seen: []participant.Seen{seen}}); err != nil {
			d.Fatal(err)
		}
	}
	b := d.branch()
	p, err := d.prepare(s, b, "b")
	d.refused(p, err, txc.CodeFenced)
	other := d.branch()
	other.Seen = later
	other.Seen.Mark = 9
	p, err = d.prepare(s, other, "b")
	d.refused(p, err, txc.CodeFenced)
	if f, err := s.Commit(d.ctx, promised, evidence); err == nil {
		d.Errorf("a commit that was begun for an earlier opening: %v", f)
	}
	d.listed(s, promised)
	promised.Seen = later
	d.commit(s, promised, evidence, txc.CommittedNow)
}

// through opens a store through a wire that cuts the word.
func (d *till) through(word string, pass bool, then func()) (*redis.Store, *wire) {
	w := newWire(d.T, d.server.Address, word, pass, then)
	return d.open(strings.Replace(d.server.URL(), d.server.Address, w.address, 1)), w
}

func (d *till) promisedThere(b participant.Branch) bool {
	return d.ask("hget", b.Name(), "state") == "promised"
}

func (d *till) lostAfterPrepare() {
	b := d.branch()
	s, w := d.through("needle", true, func() { d.until("it is promised", func() bool { return d.promisedThere(b) }) })
	if _, err := d.prepare(s, d.branch(), "b"); err != nil { // the server knows the script
		d.Fatal(err)
	}
	w.arm()
	p, err := s.Prepare(d.ctx, b, redisWork(command("incr", d.key("a")), command("set", d.key("c"), "needle")), false)
	d.voted(p, err, txc.Yes)
	if len(p.Evidence) == 0 || !strings.Contains(string(p.Results), "incr") {
		d.Errorf("prepared, and the answer was lost: %q %q", p.Evidence, p.Results)
	}
	d.commit(s, b, p.Evidence, txc.CommittedNow)
	d.value("a", "1")
}

func (d *till) lostDuringPrepare() {
	s, w := d.through("needle", true, nil)
	for n := range 10 {
		w.arm()
		b := d.branch()
		p, err := s.Prepare(d.ctx, b, redisWork(command("set", d.key("a"), "needle")), false)
		if err != nil {
			d.Fatal(err)
		}
		// The server may have had it done, or not; what is said must be so, and stay so.
		if there := d.promisedThere(b); there != (p.Vote == txc.Yes) {
			d.Fatalf("%d: vote %v, promised: %v", n, p.Vote, there)
		}
		d.abort(s, b, txc.AbortedNow)
	}
	d.value("a", "")
	d.listed(s)
}

func (d *till) lostBeforePrepare() {
	s, w := d.through("needle", false, nil)
	w.arm()
	b := d.branch()
	p, err := s.Prepare(d.ctx, b, redisWork(command("set", d.key("a"), "needle")), false)
	d.refused(p, err, txc.CodeUnreachable)
	p, err = d.prepare(s, b, "a") // as though it had been on its way
	d.refused(p, err, txc.CodeStore)
	b, evidence := d.promise(s, "a")
	d.commit(s, b, evidence, txc.CommittedNow)
}

func (d *till) killedWithPrepare() {
	s, w := d.through("needle", true, d.server.Kill)
	w.arm()
	b := d.branch()
	if p, err := s.Prepare(d.ctx, b, redisWork(command("set", d.key("a"), "needle")), false); err == nil {
		d.Errorf("with the server gone: %v %+v", p.Vote, p.Reason)
	}
	if err := d.server.Start(); err != nil {
		d.Fatal(err)
	}
	if d.promisedThere(b) {
		d.listed(s, b)
	} else {
		d.listed(s)
	}
	d.abort(s, b, txc.AbortedNow)
	d.listed(s)
	d.value("a", "")
}

func (d *till) lostWithCommit() {
	s, w := d.through("needle", true, func() {
		d.until("it is committed", func() bool { return d.ask("get", d.key("a")) == "1" })
	})
	b, evidence := d.promise(s, "a")
	if f, err := s.Abort(d.ctx, d.branch(), nil); err != nil { // the server knows the script
		d.Fatal(f, err)
	}
	w.word = []byte("commit")
	w.arm()
	if f, err := s.Commit(d.ctx, b, evidence); err == nil {
		d.Errorf("the answer was lost, and it says %v", f)
	}
	d.commit(s, b, evidence, txc.CommittedBefore)
	d.value("a", "1")
}

func (d *till) twoCommits() {
	s := d.open(d.server.URL())
	for range 10 {
		b, evidence := d.promise(s, "a")
		var wg sync.WaitGroup
		var fates [2]txc.Fate
		var errs [2]error
		for i := range 2 {
			wg.Go(func() { fates[i], errs[i] = s.Commit(d.ctx, b, evidence) })
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			d.Fatal(err)
		}
		if fates != [2]txc.Fate{txc.CommittedNow, txc.CommittedBefore} && fates != [2]txc.Fate{txc.CommittedBefore, txc.CommittedNow} {
			d.Errorf("%v", fates)
		}
	}
	d.value("a", "10")
}

func (d *till) notFound() {
	s := d.open(d.server.URL())
	d.commit(s, d.branch(), nil, txc.NeverPrepared)
	b, evidence := d.promise(s, "a")
	d.abort(s, b, txc.AbortedNow)
	d.commit(s, b, evidence, txc.AbortedBefore)
	b, evidence = d.promise(s, "a")
	d.ask("del", b.Name()) // somebody with redis-cli, as the documentation says
	d.ask("srem", "txc:doubt/test/"+d.name, b.Name())
	d.ask("hdel", "txc:locks", d.key("a"))
	d.commit(s, b, evidence, txc.Hazard)
	d.value("a", "")
	d.listed(s)
	b, evidence = d.promise(s, "a")
	d.commit(s, b, evidence, txc.CommittedNow)
}
