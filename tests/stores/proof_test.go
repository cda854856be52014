package stores_test

import (
	"context"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

func notFound(d *desk) {
	s := d.open(d.url)
	f, err := s.Commit(d.ctx, d.branch(), nil)
	d.fate(f, err, txc.NeverPrepared)
	b, evidence := d.promise(s, "a")
	do(d, d.url, "rollback prepared '"+b.Name()+"'") // somebody with psql
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.AbortedBefore)
	f, err = s.Commit(d.ctx, b, nil) // it was noted, and nobody can tell
	d.fate(f, err, txc.Hazard)
	b, evidence = d.promise(s, "b")
	do(d, d.url, "commit prepared '"+b.Name()+"'")
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedBefore)
	if d.value("a") != 0 || d.value("b") != 1 {
		d.Error("the values are not those")
	}
}

// A server that took over without the branch, or was restored: its transaction numbers are those of others.
func failedOver(d *desk) {
	s := d.open(d.url)
	lost := d.branch()
	f, err := s.Commit(d.ctx, lost, []byte("4611686018427387904")) // not given out yet
	d.fate(f, err, txc.Hazard)
	f, err = s.Commit(d.ctx, lost, []byte("no number"))
	d.fate(f, err, txc.Hazard)
	f, err = s.Commit(d.ctx, lost, []byte("3")) // too old to be known, or given to another: without a marker no proof
	d.fate(f, err, txc.Hazard)
	other := one[string](d, d.url, "with x as (insert into "+d.name+" values ('c', 1) returning pg_current_xact_id()::text as id) select id from x")
	f, err = s.Commit(d.ctx, lost, []byte(other))
	d.fate(f, err, txc.Hazard)
}

func noLeaks(d *desk) {
	s := d.open(d.url)
	for i := range 60 {
		b := d.branch()
		switch i % 6 {
		case 0:
			p, err := s.Prepare(d.ctx, b, d.write("nothing"), false) // an unmet expectation
			d.no(p, err)
		case 1:
			p, err := s.Prepare(d.ctx, b, work(exec("select 1/0", -1)), false)
			d.no(p, err)
		case 2:
			ctx, cancel := context.WithTimeout(d.ctx, 5*time.Millisecond)
			p, err := s.Prepare(ctx, b, work(exec("select pg_sleep(10)", -1)), false)
			cancel()
			d.no(p, err)
		case 3:
			b.MayRelease = true
			if p, err := s.Prepare(d.ctx, b, work(query("select 1", 1)), false); err != nil || p.Vote != txc.ReadOnly {
				d.Errorf("%v %v", p, err)
			}
		case 4:
			b, evidence := d.promise(s, "a")
			f, err := s.Commit(d.ctx, b, evidence)
			d.fate(f, err, txc.CommittedNow)
		case 5:
			b, evidence := d.promise(s, "a")
			f, err := s.Abort(d.ctx, b, evidence)
			d.fate(f, err, txc.AbortedNow)
		}
	}
	const ours = " from pg_stat_activity where application_name like 'txc/%/'||"
	d.until("select count(*) <= 6 and count(*) filter (where state <> 'idle') = 0" + ours + "'" + d.name + "'")
	if err := s.Close(d.ctx); err != nil {
		d.Error(err)
	}
	d.until("select count(*) = 0" + ours + "'" + d.name + "'")
}

func listedUnused(d *desk) {
	s := d.open(d.url)
	b, evidence := d.promise(s, "a")
	d.server.Kill()
	if err := d.server.Start(); err != nil {
		d.Fatal(err)
	}
	if all := d.inDoubt(s); len(all) != 1 || all[0].ID != b.ID { // over the restart of the server
		d.Errorf("%v", all)
	}
	again := d.open(d.url)
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

func sessionsAreReset(d *desk) {
	s := d.open(d.url)
	do(d, d.url, "do $$ begin if not exists (select from pg_roles where rolname = 'nobody_else') then create role nobody_else; end if; end $$")
	p, err := s.Prepare(d.ctx, d.branch(), work(exec("select pg_advisory_lock(4711)", 1)), false)
	if err != nil || p.Vote != txc.Yes {
		d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
	}
	d.promise(s, "b")
	d.until("select count(*) = 0 from pg_locks where locktype = 'advisory' and objid = 4711")
	for _, setting := range []string{"'search_path', 'nowhere'", "'role', 'nobody_else'", "'statement_timeout', '1'", "'datestyle', 'German'"} {
		b := d.branch()
		p, err := s.Prepare(d.ctx, b, work(exec("select set_config("+setting+", false)", 1)), false)
		if err != nil || p.Vote != txc.Yes {
			d.Fatalf("%s: %v %v %v", setting, p.Vote, p.Reason, err)
		}
		f, err := s.Commit(d.ctx, b, p.Evidence)
		d.fate(f, err, txc.CommittedNow)
		for range 6 { // whichever session it was
			b, evidence := d.promise(s, "a")
			f, err := s.Commit(d.ctx, b, evidence)
			d.fate(f, err, txc.CommittedNow)
		}
	}
}

func settlementFinished(d *desk) {
	s := d.open(d.url)
	begun := func(k string, committed string) participant.Branch {
		b, evidence := d.promise(s, k)
		do(d, d.url, "insert into txc.settled values ('test', '"+d.name+"', '"+b.Name()+"', '"+string(evidence)+"', "+committed+", 'ada', 'ticket 7', now())")
		return b
	}
	a := begun("a", "true")
	if all := d.inDoubt(s); len(all) != 1 || all[0].Settled != txc.CommittedBefore || d.value("a") != 1 {
		d.Errorf("%v", all)
	}
	b := begun("b", "false")
	s = d.open(d.url)
	if d.value("b") != 0 || one[int](d, d.url, "select count(*) from pg_prepared_xacts where gid = $1", b.Name()) != 0 {
		d.Error("opening did not finish it")
	}
	f, err := s.Commit(d.ctx, b, nil)
	d.fate(f, err, txc.AbortedBefore)
	f, err = s.Abort(d.ctx, a, nil)
	d.fate(f, err, txc.CommittedBefore)
}

func writesAreLocked(d *desk) {
	s := d.open(d.url)
	b, evidence := d.promise(s, "a")
	d.blocked(s, "a")
	s = d.open(d.url)
	d.blocked(s, "a")
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
	b, evidence = d.promise(s, "a")
	f, err = s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
}

func readsAreNotLocked(d *desk) {
	s := d.open(d.url)
	read := func(how string) participant.Branch {
		b := d.branch()
		b.MayRelease = false
		if p, err := s.Prepare(d.ctx, b, work(query("select v from "+d.name+" where k = 'a'"+how, 1)), false); err != nil || p.Vote != txc.Yes {
			d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
		}
		return b
	}
	free := read("")
	b, evidence := d.promise(s, "a") // it does not wait for the reader
	if v := one[int](d, d.url, "select v from "+d.name+" where k = 'a'"); v != 0 {
		d.Errorf("a reader beside all branches sees %d of what is only promised", v)
	}
	for _, b := range []participant.Branch{b, free} {
		f, err := s.Commit(d.ctx, b, evidence)
		d.fate(f, err, txc.CommittedNow)
	}
	b = read(" for update")
	d.blocked(s, "a")
	f, err := s.Abort(d.ctx, b, nil)
	d.fate(f, err, txc.AbortedNow)
}
