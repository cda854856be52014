package stores_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
)

func (d *till) listedUnused() {
	b, evidence := d.promise(d.open(d.server.URL()), "a")
	d.server.Kill()
	if err := d.server.Start(); err != nil {
		d.Fatal(err)
	}
	again := d.open(d.server.URL())
	for x, err := range again.InDoubt(d.ctx) {
		if err != nil || x.ID != b.ID || x.Mark != b.Mark || x.Age != b.Age || string(x.Evidence) != string(evidence) {
			d.Errorf("%+v %v", x, err)
		}
	}
	d.listed(again, b)
	d.commit(again, b, evidence, txc.CommittedNow)
}

func (d *till) noLeaks() {
	s := d.open(strings.Replace(d.server.URL(), "/0", "/1", 1)) // nobody else uses this database
	for i := range 60 {
		b := d.branch()
		switch i % 5 {
		case 0:
			p, err := s.Prepare(d.ctx, b, redisWork(expecting("none", "get", d.key("a"))), false)
			d.refused(p, err, txc.CodeRefused)
		case 1:
			ctx, cancel := context.WithTimeout(d.ctx, 2*time.Millisecond)
			holder, _ := d.promise(s, "a")
			p, err := s.Prepare(ctx, b, d.incr("a"), false)
			cancel()
			d.refused(p, err, txc.CodeDeadline)
			d.abort(s, holder, txc.AbortedNow)
		case 2:
			b.MayRelease = true
			p, err := s.Prepare(d.ctx, b, redisWork(command("get", d.key("a"))), false)
			d.voted(p, err, txc.ReadOnly)
		case 3:
			ctx, cancel := context.WithCancel(d.ctx)
			cancel()
			if f, err := s.Commit(ctx, b, nil); err == nil {
				d.Errorf("after its time: %v", f)
			}
		case 4:
			b, evidence := d.promise(s, "a")
			d.commit(s, b, evidence, txc.CommittedNow)
		}
	}
	ours := func() int { return strings.Count(d.ask("client", "list").(string), " db=1 ") }
	if n := ours(); n == 0 || n > 4 {
		d.Errorf("%d connections", n)
	}
	if err := s.Close(d.ctx); err != nil {
		d.Error(err)
	}
	d.until("all connections have ended", func() bool { return ours() == 0 })
	if _, err := s.Recall(d.ctx); !errors.Is(err, txc.ErrClosed) {
		d.Errorf("after Close: %v", err)
	}
}

func (d *till) scriptsForgotten() {
	s := d.open(d.server.URL())
	b, evidence := d.promise(s, "a")
	d.ask("script", "flush")
	d.commit(s, b, evidence, txc.CommittedNow)
	d.ask("script", "flush")
	b, evidence = d.promise(s, "a")
	d.ask("script", "flush")
	d.commit(s, b, evidence, txc.CommittedNow)
	d.value("a", "2")
}

func (d *till) outOfMemory() {
	s := d.open(d.server.URL())
	a, evidenceA := d.promise(s, "a")
	b, _ := d.promise(s, "b")
	d.ask("config", "set", "maxmemory", "1")
	defer d.ask("config", "set", "maxmemory", "0")
	lost := d.branch()
	p, err := d.prepare(s, lost, "c")
	d.refused(p, err, txc.CodeBusy)
	d.commit(s, a, evidenceA, txc.CommittedNow)
	d.abort(s, b, txc.AbortedNow)
	if err := errors.Join(s.Remember(d.ctx, participant.Memory{Seen: []participant.Seen{a.Seen}}), s.Forget(d.ctx, b.ID, nil)); err != nil {
		d.Error(err)
	}
	d.value("a", "1")
	d.listed(s)
	d.ask("config", "set", "maxmemory", "0")
	p, err = d.prepare(s, lost, "c") // it was noted that it may not
	d.refused(p, err, txc.CodeStore)
}

func (d *till) saysNothing() {
	s := d.open(d.server.URL())
	b, evidence := d.promise(s, "a")
	nothing := func(when string) {
		d.Helper()
		if p, err := d.prepare(s, d.branch(), "b"); err == nil {
			d.Errorf("%s: %v %+v", when, p.Vote, p.Reason)
		}
		if f, err := s.Commit(d.ctx, b, evidence); err == nil {
			d.Errorf("%s: %v", when, f)
		}
		if f, err := s.Abort(d.ctx, d.branch(), nil); err == nil {
			d.Errorf("%s: %v", when, f)
		}
		if done, err := s.Settle(d.ctx, b, participant.Settlement{Outcome: txc.Aborted, When: time.Now()}); err == nil {
			d.Errorf("%s: settled: %v", when, done)
		}
	}
	d.ask("replicaof", "127.0.0.1", "1")
	nothing("a replica")
	d.ask("replicaof", "no", "one")
	other := client(d.T, d.server)
	ended := make(chan error, 1)
	go func() { ended <- other.Eval(d.ctx, "while true do end", nil).Err() }()
	d.until("the server is busy", func() bool { return strings.HasPrefix(errText(d.db.Ping(d.ctx).Err()), "BUSY") })
	nothing("busy")
	d.ask("script", "kill")
	if err := <-ended; err == nil {
		d.Error("the endless script ended by itself")
	}
	d.commit(s, b, evidence, txc.CommittedNow)
	d.value("a", "1")
	d.value("b", "")
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (d *till) typeChanged() {
	s := d.open(d.server.URL())
	b := d.branch()
	p, err := s.Prepare(d.ctx, b, redisWork(command("hset", d.key("a"), "f", "1", "g", "2"), command("sadd", d.key("b"), "m"), command("lpop", d.key("c"))), false)
	d.voted(p, err, txc.Yes)
	d.ask("set", d.key("a"), "x")
	d.ask("rpush", d.key("b"), "x")
	d.ask("set", d.key("c"), "x")
	d.commit(s, b, p.Evidence, txc.CommittedNow)
	if v := d.ask("hget", d.key("a"), "g"); v != "2" {
		d.Errorf("the hash has %v", v)
	}
	if v := d.ask("sismember", d.key("b"), "m"); v != int64(1) {
		d.Errorf("the set has %v", v)
	}
	if held := d.db.HMGet(d.ctx, "txc:locks", d.key("a"), d.key("b"), d.key("c")).Val(); held[0] != nil || held[1] != nil || held[2] != nil {
		d.Errorf("locks are left: %v", held)
	}
}

func (d *till) expired() {
	s := d.open(d.server.URL())
	d.ask("hset", d.key("a"), "f", "1")
	d.ask("set", d.key("b"), "1")
	b := d.branch()
	for _, k := range []string{"a", "b"} {
		d.ask("pexpire", d.key(k), 300)
	}
	p, err := s.Prepare(d.ctx, b, redisWork(expecting("1", "hset", d.key("a"), "g", "2"), expecting("2", "incr", d.key("b"))), false)
	d.voted(p, err, txc.Yes)
	d.until("they have expired", func() bool { return d.ask("exists", d.key("a"), d.key("b")) == int64(0) })
	d.commit(s, b, p.Evidence, txc.CommittedNow)
	if n := d.ask("exists", d.key("a"), d.key("b")); n != int64(0) {
		d.Errorf("%v of them came back", n)
	}
}

func (d *till) largest() {
	s := d.open(d.server.URL())
	ops := make([]*txcpb.RedisOp, 0, redis.MaxOps)
	members := []string{d.key("all")}
	for len(members) < redis.MaxArgs {
		members = append(members, fmt.Sprint("m", len(members)))
	}
	ops = append(ops, command("sadd", members...))
	for len(ops) < redis.MaxOps {
		ops = append(ops, command("set", d.key(fmt.Sprint(len(ops))), "x"))
	}
	b := d.branch()
	p, err := s.Prepare(d.ctx, b, redisWork(ops...), false)
	d.voted(p, err, txc.Yes)
	d.commit(s, b, p.Evidence, txc.CommittedNow)
	d.value(fmt.Sprint(redis.MaxOps-1), "x")
	if n := d.ask("scard", d.key("all")); n != int64(redis.MaxArgs-1) {
		d.Errorf("the set has %v members", n)
	}
}

// What a killed server shows may be in its file and not on the disk: a power loss would take it. A write beside the look
// has all of the file synced before the answer.
func (d *till) reliedOn() {
	s := d.open(d.server.URL())
	b, evidence := d.promise(s, "a")
	gone, _ := d.promise(s, "b")
	d.commit(s, gone, nil, txc.CommittedNow)
	size := func() (n int64) {
		_, text, _ := strings.Cut(d.db.Info(d.ctx, "persistence").Val(), "aof_current_size:")
		if _, err := fmt.Sscan(text, &n); err != nil {
			d.Fatal(err)
		}
		return n
	}
	for says, look := range map[string]func(){
		"a list of promises": func() { d.listed(s, b) },
		"a list of proofs": func() {
			for p, err := range s.Committed(d.ctx, txc.ID{}) {
				if err != nil || p.ID != gone.ID {
					d.Error(p, err)
				}
			}
		},
		"committed before":  func() { d.commit(s, gone, nil, txc.CommittedBefore) },
		"too late to abort": func() { d.abort(s, gone, txc.CommittedBefore) },
		"the same vote": func() {
			if p, err := d.prepare(s, b, "a"); err != nil || p.Vote != txc.Yes || string(p.Evidence) != string(evidence) {
				d.Errorf("%v %v", p, err)
			}
		},
		"opened": func() { s = d.open(d.server.URL()) },
	} {
		before := size()
		look()
		if after := size(); after <= before {
			d.Errorf("%s: nothing was written", says)
		}
	}
}

func (d *till) guarded() {
	s := d.open(d.server.URL())
	d.name += "-b" // another participant
	other := d.open(d.server.URL())
	d.name = strings.TrimSuffix(d.name, "-b")
	b, evidence := d.promise(s, "a")
	ctx, cancel := context.WithTimeout(d.ctx, 50*time.Millisecond)
	defer cancel()
	stranger := d.branch()
	stranger.Participant = d.name + "-b"
	p, err := other.Prepare(ctx, stranger, d.incr("a"), false)
	d.refused(p, err, txc.CodeDeadline)
	run := func(args ...any) (any, error) { return redis.Guarded(d.ctx, d.db, []string{d.key("a")}, args...) }
	for _, args := range [][]any{{"get", d.key("a")}, {"set", d.key("a"), "9"}} {
		if v, err := run(args...); !errors.Is(err, txc.ErrBusy) {
			d.Errorf("%v of a locked key: %v %v", args, v, err)
		}
	}
	if v, err := redis.Guarded(d.ctx, d.db, []string{d.key("b")}, "set", d.key("b"), "1"); err != nil || v != "OK" {
		d.Errorf("another key: %v %v", v, err)
	}
	if _, err := redis.Guarded(d.ctx, d.db, nil, "set", d.key("a"), "1"); !errors.Is(err, txc.ErrInvalid) {
		d.Errorf("without keys: %v", err)
	}
	d.commit(s, b, evidence, txc.CommittedNow)
	if v, err := run("incrby", d.key("a"), 5); err != nil || v != int64(6) {
		d.Errorf("after the commit: %v %v", v, err)
	}
}

func (d *till) lockTimeout() {
	s, err := redis.Open(d.ctx, d.server.URL(), redis.Options{Cluster: "test", Name: d.name, LockTimeout: 30 * time.Millisecond})
	if err != nil {
		d.Fatal(err)
	}
	defer s.Close(d.ctx)
	holder, _ := d.promise(s, "a")
	p, err := d.prepare(s, d.branch(), "a")
	d.refused(p, err, txc.CodeLockTimeout)
	if !strings.Contains(p.Reason.Text, holder.Name()) {
		d.Errorf("%q does not say who holds it", p.Reason.Text)
	}
	d.abort(s, holder, txc.AbortedNow)
}

// vitess#16576, P12: a database that was emptied, or has lost what it had acknowledged, is noticed by who lives on and by who
// opens it next; a commit of what was lost is a hazard.
func TestRedisThatForgets(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	ctx, s := d.ctx, d.open(server.URL())
	first, err := s.Recall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old")
	server.Kill()
	if err := os.CopyFS(old, os.DirFS(filepath.Join(server.Dir, "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	b, evidence := d.promise(s, "a")
	before := s.Stamp()
	server.Kill()
	if err := errors.Join(os.RemoveAll(filepath.Join(server.Dir, "appendonlydir")), os.CopyFS(filepath.Join(server.Dir, "appendonlydir"), os.DirFS(old)), server.Start()); err != nil {
		t.Fatal(err)
	}
	stopped := func(s *redis.Store, when string) {
		t.Helper()
		if _, err := s.Commit(ctx, b, evidence); !errors.Is(err, txc.ErrStopped) {
			t.Errorf("%s: commit: %v", when, err)
		}
		if _, err := d.prepare(s, d.branch(), "a"); !errors.Is(err, txc.ErrStopped) {
			t.Errorf("%s: prepare: %v", when, err)
		}
		for _, err := range s.InDoubt(ctx) {
			if !errors.Is(err, txc.ErrStopped) {
				t.Errorf("%s: list: %v", when, err)
			}
		}
	}
	stopped(s, "restored")
	s = d.open(server.URL())
	again, err := s.Recall(ctx)
	if err != nil || again.Instance != first.Instance || again.Stamp >= before {
		t.Errorf("restored: stamp %d after %d, %v", again.Stamp, before, err)
	}
	d.commit(s, b, evidence, txc.Hazard)

	d.ask("flushall")
	stopped(s, "emptied")
	if _, err := s.Recall(ctx); !errors.Is(err, txc.ErrStopped) {
		t.Errorf("emptied: recall: %v", err)
	}
	s = d.open(server.URL())
	if again, err := s.Recall(ctx); err != nil || again.Instance == first.Instance {
		t.Errorf("emptied: the identity is %x as before, %v", again.Instance, err)
	}
}
