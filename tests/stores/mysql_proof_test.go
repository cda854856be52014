package stores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
)

func mariaNotFound(d *mariaDesk) {
	s := d.open(d.address())
	f, err := s.Commit(d.ctx, d.branch(), nil)
	d.fate(f, err, txc.NeverPrepared)
	b, evidence := d.promise(s, "a")
	d.kill()
	d.byHand("rollback", b)
	f, err = s.Commit(d.ctx, b, evidence) // the server keeps no status: it could as well be lost with its commit
	d.fate(f, err, txc.Hazard)
	b, evidence = d.promise(s, "b")
	d.kill()
	d.byHand("commit", b)
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedBefore)
	f, err = s.Abort(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedBefore)
	if d.value("a") != 0 || d.value("b") != 1 {
		d.Error("the values are not those")
	}
}

// Somebody's own session has prepared a branch by one of our names: the server answers XAER_NOTA, as if it were not there.
func mariaHeldElsewhere(d *mariaDesk) {
	s := d.open(d.address())
	c, err := d.db.Conn(d.ctx)
	if err != nil {
		d.Fatal(err)
	}
	defer c.Close()
	first, _ := d.promise(s, "b")
	b := d.branch()
	x := xid(b.Name(), d.m.prepared(d)[first.Name()])
	if _, err := c.ExecContext(d.ctx, "xa start "+x+"; update "+d.name+" set v = 5 where k = 'a'; xa end "+x+"; xa prepare "+x); err != nil {
		d.Fatal(err)
	}
	if f, err := s.Commit(d.ctx, b, nil); err == nil {
		d.Errorf("commit: %v", f)
	}
	if f, err := s.Abort(d.ctx, b, nil); err == nil {
		d.Errorf("abort: %v", f)
	}
	if _, err := c.ExecContext(d.ctx, "xa rollback "+x); err != nil {
		d.Fatal(err)
	}
	f, err := s.Abort(d.ctx, b, nil)
	d.fate(f, err, txc.AbortedNow)
}

// A server that took over without the branch, or was restored.
func mariaFailedOver(d *mariaDesk) {
	s := d.open(d.address())
	for _, evidence := range []string{"17", "no number"} {
		f, err := s.Commit(d.ctx, d.branch(), []byte(evidence))
		d.fate(f, err, txc.Hazard)
	}
	f, err := s.Abort(d.ctx, d.branch(), []byte("17"))
	d.fate(f, err, txc.AbortedNow)
}

func mariaNoLeaks(d *mariaDesk) {
	s := d.open(d.address())
	for i := range 80 {
		b := d.branch()
		switch i % 8 {
		case 0:
			d.no(s.Prepare(d.ctx, b, d.write("nothing"), false)) // an unmet expectation
		case 1:
			d.no(s.Prepare(d.ctx, b, work(exec("insert into "+d.name+" values (null, 1)", -1)), false))
		case 2: // its time runs out
			ctx, cancel := context.WithTimeout(d.ctx, 5*time.Millisecond)
			d.no(s.Prepare(ctx, b, work(exec("do sleep(10)", -1)), false))
			cancel()
		case 3: // it is cut off
			ctx, cancel := context.WithCancel(d.ctx)
			time.AfterFunc(5*time.Millisecond, cancel)
			d.no(s.Prepare(ctx, b, work(exec("do sleep(10)", -1)), false))
		case 4:
			b.MayRelease = true
			if p, err := s.Prepare(d.ctx, b, work(query("select 1", 1)), false); err != nil || p.Vote != txc.ReadOnly {
				d.Errorf("%v %v", p, err)
			}
		case 5:
			b, evidence := d.promise(s, "a")
			f, err := s.Commit(d.ctx, b, evidence)
			d.fate(f, err, txc.CommittedNow)
		case 6:
			b, evidence := d.promise(s, "a")
			f, err := s.Abort(d.ctx, b, evidence)
			d.fate(f, err, txc.AbortedNow)
		case 7: // the server loses its session
			b, evidence := d.promise(s, "a")
			d.kill()
			f, err := s.Commit(d.ctx, b, evidence)
			d.fate(f, err, txc.CommittedNow)
		}
	}
	d.until("at most ten sessions, and none of them at work", func() bool {
		return d.sessions() <= 10 && d.one("select count(*) from information_schema.processlist where command <> 'Sleep' and user = '"+d.name+"'") == 0
	})
	d.until("no transaction is left open", func() bool {
		return d.one("select count(*) from information_schema.innodb_trx x join information_schema.processlist p on p.id = x.trx_mysql_thread_id where p.user = '"+d.name+"'") == 0
	})
	for range 40 { // whichever sessions there are, each is fit
		b, evidence := d.promise(s, "b")
		f, err := s.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedNow)
	}
	b, _ := d.promise(s, "a")
	if err := s.Close(d.ctx); err != nil {
		d.Error(err)
	}
	d.until("no session is left", func() bool { return d.sessions() == 0 })
	if !d.isPrepared(b) {
		d.Error("closing has cost a promise")
	}
}

func mariaManyInDoubt(d *mariaDesk) {
	s := d.open(d.address())
	d.do("insert into " + d.name + " select concat('k', seq), 0 from seq_1_to_30")
	var all []participant.Branch
	for i := range 30 { // with four that work at once, and as many that are kept
		b, _ := d.promise(s, fmt.Sprint("k", i+1))
		all = append(all, b)
	}
	if n := d.sessions(); n > 10 {
		d.Errorf("%d sessions", n)
	}
	if listed := d.inDoubt(s); len(listed) != len(all) {
		d.Errorf("%d of %d are listed", len(listed), len(all))
	}
	for i, b := range all {
		if i%2 == 0 {
			f, err := s.Commit(d.ctx, b, []byte("1"))
			d.fate(f, err, txc.CommittedNow)
			continue
		}
		f, err := s.Abort(d.ctx, b, []byte("1"))
		d.fate(f, err, txc.AbortedNow)
	}
	if n := d.one("select sum(v) from " + d.name); n != 15 || len(d.inDoubt(s)) != 0 {
		d.Errorf("%d have committed, of 15", n)
	}
}

func mariaListedUnused(d *mariaDesk) {
	s := d.open(d.address())
	b, evidence := d.promise(s, "a")
	d.m.Kill()
	if err := d.m.Start(); err != nil {
		d.Fatal(err)
	}
	if all := d.inDoubt(s); len(all) != 1 || all[0].ID != b.ID { // over the restart of the server
		d.Errorf("%v", all)
	}
	again := d.open(d.address())
	all := d.inDoubt(again)
	if len(all) != 1 || all[0].ID != b.ID || len(all[0].Members) != 1 || all[0].Age != b.Age { // members and age were synced with it (P1)
		d.Fatalf("%v", all)
	}
	if string(all[0].Evidence) != string(evidence) {
		d.Errorf("evidence %s, the vote had %s", all[0].Evidence, evidence)
	}
	f, err := again.Commit(d.ctx, b, all[0].Evidence)
	d.fate(f, err, txc.CommittedNow)
}

// The session that has prepared lives on in the server: its process hangs, or its host is cut off.
func mariaStuckOwner(d *mariaDesk) {
	for range 10 {
		old := d.open(d.address())
		b, evidence := d.promise(old, "a")
		s := d.open(d.address())
		f, err := s.Commit(d.ctx, b, evidence) // at once: no XAER_NOTA of a session that is still there
		d.fate(f, err, txc.CommittedNow)
		f, err = old.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedBefore)
	}
}

func mariaSessionsAreReset(d *mariaDesk) {
	s := d.open(d.address())
	p, err := s.Prepare(d.ctx, d.branch(), work(exec("do get_lock('txc test "+d.name+"', 0)", -1), exec("update "+d.name+" set v = 1 where k = 'b'", 1)), false)
	if err != nil || p.Vote != txc.Yes {
		d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
	}
	f, err := s.Commit(d.ctx, participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: d.next}, Mark: 7, Cluster: "test", Participant: d.name}, nil)
	d.fate(f, err, txc.CommittedNow)
	for i, setting := range []string{
		"sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "autocommit = 0", "foreign_key_checks = 0", "time_zone = '+05:00'", "max_statement_time = 0.000001", "sql_select_limit = 0",
		"tx_isolation = 'SERIALIZABLE'", "innodb_lock_wait_timeout = 1000",
		"tx_read_only = 1", "timestamp = 1000", "character_set_client = latin1", "character_set_results = latin1", "collation_connection = latin1_swedish_ci",
	} {
		name := d.name + "_" + string(rune('a'+i))
		d.do("create procedure " + name + "() set session " + setting)
		b := d.branch()
		p, err := s.Prepare(d.ctx, b, work(exec("call "+name+"()", -1)), false)
		if err != nil {
			d.Fatalf("%s: %v", setting, err)
		}
		if p.Vote == txc.Yes {
			f, err := s.Commit(d.ctx, b, p.Evidence)
			d.fate(f, err, txc.CommittedNow)
		}
		for range 6 { // whichever session it was
			b := d.branch()
			p, err := s.Prepare(d.ctx, b, work(query("select @@sql_mode = @@global.sql_mode and @@autocommit and @@foreign_key_checks and @@time_zone = '+00:00' and @@innodb_lock_wait_timeout <= 10 and @@tx_isolation = @@global.tx_isolation and not @@tx_read_only and @@timestamp > 1000 and @@character_set_client = 'utf8mb4' and @@character_set_results = 'utf8mb4' and @@character_set_connection = 'utf8mb4' and is_used_lock('txc test "+d.name+"') is null as fit from "+d.name+" where k = 'a' having fit", 1)), false)
			if err != nil || p.Vote != txc.Held {
				d.Fatalf("after %s: %v %+v %v", setting, p.Vote, p.Reason, err)
			}
			f, err := s.Commit(d.ctx, b, p.Evidence)
			d.fate(f, err, txc.CommittedNow)
		}
	}
}

func mariaRefusedWithin(d *mariaDesk) {
	s := d.open(d.address())
	for i, body := range []string{"create table " + d.name + "_made (a int)", "commit", "truncate table " + d.name, "start transaction"} {
		name := d.name + "_" + string(rune('a'+i))
		d.do("create procedure " + name + "() " + body)
		p, err := s.Prepare(d.ctx, d.branch(), work(exec("call "+name+"()", -1)), false)
		if err != nil || p.Vote != txc.No || p.Reason.Retryable || p.Reason.Code != txc.CodeBadWork || !strings.Contains(p.Reason.Text, "1399") {
			d.Errorf("%s: %v %+v %v", body, p.Vote, p.Reason, err)
		}
	}
	// The server's comment ends at the line feed alone.
	b, _ := d.promise(s, "b")
	x := xid(b.Name(), d.m.prepared(d)[b.Name()])
	x = strings.Replace(x, b.ID.String(), d.branch().ID.String(), 1)
	d.next--
	p, err := s.Prepare(d.ctx, d.branch(), work(exec("update "+d.name+" set v = 7 where k = 'a'", 1), exec("# \rselect 1\nxa end "+x, -1), exec("# \rselect 1\nxa commit "+x+" one phase", -1)), false)
	if err != nil || p.Vote != txc.No || d.value("a") != 0 {
		d.Errorf("a branch that ends itself: %v %+v %v, value %d", p.Vote, p.Reason, err, d.value("a"))
	}
	// By its lock a session is found and ended: one that has let go of it does not promise.
	p, err = s.Prepare(d.ctx, d.branch(), work(exec("do release_all_locks()", -1), exec("update "+d.name+" set v = 1 where k = 'a'", 1)), false)
	if err != nil || p.Vote != txc.No || p.Reason.Retryable {
		d.Errorf("without its lock: %v %+v %v", p.Vote, p.Reason, err)
	}
	d.promise(s, "a")
}

func mariaPreparedAgain(d *mariaDesk) {
	s := d.open(d.address())
	again := func(s *mysql.Store, b participant.Branch, evidence []byte) {
		d.Helper()
		p, err := s.Prepare(d.ctx, b, d.write("b"), false)
		if err != nil || p.Vote != txc.Yes || string(p.Evidence) != string(evidence) {
			d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
		}
	}
	b, evidence := d.promise(s, "a")
	again(s, b, evidence)
	d.kill()
	again(s, b, evidence)
	again(d.open(d.address()), b, evidence)
	s = d.open(d.address())
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
	if p, err := s.Prepare(d.ctx, b, d.write("b"), false); err == nil {
		d.Errorf("after its commit: %v %+v", p.Vote, p.Reason)
	}
	if d.value("a") != 1 || d.value("b") != 0 {
		d.Error("something was executed again")
	}
}

func mariaWritesAreLocked(d *mariaDesk) {
	s := d.open(d.address())
	b, evidence := d.promise(s, "a")
	d.blocked(s, "a")
	s = d.open(d.address())
	d.blocked(s, "a")
	d.m.Kill()
	if err := d.m.Start(); err != nil {
		d.Fatal(err)
	}
	s = d.open(d.address())
	d.blocked(s, "a")
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
	b, evidence = d.promise(s, "a")
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

// What stands in docs/adapters/mysql.md about reads.
func mariaReads(d *mariaDesk) {
	s := d.open(d.address())
	read := func(how string) participant.Branch {
		b := d.branch()
		if p, err := s.Prepare(d.ctx, b, work(query("select v from "+d.name+" where k = 'a'"+how, 1)), false); err != nil || p.Vote != txc.Held {
			d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
		}
		return b
	}
	end := func(b participant.Branch) {
		f, err := s.Commit(d.ctx, b, nil)
		d.fate(f, err, txc.CommittedNow)
	}
	for _, how := range []string{"", " lock in share mode"} {
		free := read(how)
		b, _ := d.promise(s, "a") // it does not wait for the reader
		end(b)
		end(free)
	}
	b := read(" for update")
	d.blocked(s, "a")
	s = d.open(d.address())
	d.blocked(s, "a")
	d.m.Kill()
	if err := d.m.Start(); err != nil {
		d.Fatal(err)
	}
	s = d.open(d.address())
	after, _ := d.promise(s, "a") // the lock did not survive the server
	end(after)
	end(b)
	may := d.branch()
	may.MayRelease = true // the work calls itself a query, and writes
	d.do("create function " + d.name + "_f() returns int modifies sql data deterministic begin update " + d.name + " set v = v + 1 where k = 'b'; return 1; end")
	if p, err := s.Prepare(d.ctx, may, work(query("select "+d.name+"_f()", 1)), false); err != nil || p.Vote != txc.Yes {
		d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
	}
	end(may)
	if d.value("b") != 1 {
		d.Error("what a function wrote is lost")
	}
}

// A process that is gone amid its opening, and whose server does not know, keeps nobody from opening.
func mariaOpeningThatVanishes(d *mariaDesk) {
	w := newWire(d.T, d.m.Address, "COMMIT", false, nil)
	hold := make(chan struct{})
	defer close(hold)
	w.hold = hold
	d.open(d.address())
	w.arm()
	if _, err := mysql.Open(d.ctx, strings.Replace(d.address(), d.m.Address, w.address, 1), mysql.Options{Cluster: "test", Name: d.name}); err == nil {
		d.Error("it opened without its server")
	}
	d.open(d.address())
}

// The first of decision and operator: a deed whose note was on its way when its session was lost is not told of after the decision.
func mariaDeedThatComesLate(d *mariaDesk) {
	hold, said := make(chan struct{}), make(chan struct{})
	s, w := d.through("insert ignore into txc_settled", true, func() { close(said) })
	w.hold = hold
	b, evidence := d.promise(s, "a")
	before := d.sessions()
	w.arm()
	if done, err := s.Settle(d.ctx, b, participant.Settlement{Outcome: txc.Aborted, Who: "ada", Why: "ticket 7", When: time.Now()}); err == nil {
		d.Errorf("its session was lost: %v", done)
	}
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
	close(hold)
	<-said
	d.until("the server is rid of the session", func() bool { return d.sessions() <= before })
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("by hand, after the decision: %+v", all)
	}
}

func mariaSettlementFinished(d *mariaDesk) {
	s := d.open(d.address())
	begun := func(k string, committed string) participant.Branch {
		b, evidence := d.promise(s, k)
		d.do("insert into txc_settled values ('test', '" + d.name + "', '" + b.Name() + "', 'a b', 7, " + string(evidence) + ", " + committed + ", 'ada', 'ticket 7', utc_timestamp(6))")
		return b
	}
	a := begun("a", "1")
	if all := d.inDoubt(s); len(all) != 1 || all[0].Settled != txc.CommittedBefore || d.value("a") != 1 {
		d.Errorf("%v", all)
	}
	b := begun("b", "0")
	s = d.open(d.address())
	if d.value("b") != 0 || d.isPrepared(b) {
		d.Error("opening did not finish it")
	}
	f, err := s.Commit(d.ctx, b, nil)
	d.fate(f, err, txc.AbortedBefore)
	f, err = s.Abort(d.ctx, a, nil)
	d.fate(f, err, txc.CommittedBefore)
	if _, err := mysql.Open(d.ctx, strings.Replace(d.address(), "app@", "wrong@", 1), mysql.Options{Cluster: "test", Name: d.name}); err == nil || errors.Is(err, context.DeadlineExceeded) {
		d.Errorf("with a wrong password: %v", err)
	}
}
