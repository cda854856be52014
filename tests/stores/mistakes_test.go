package stores_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// Mistakes of ours, none of which may come again.
func TestMistakesOfOurs(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	for _, was := range []struct {
		name, says string
		check      func(d *desk)
	}{
		{"notified", "a branch that was let go of at its vote has notified nobody", notifyOfABranchThatWroteNothing},
		{"elsewhere", "what a foreign table was given is neither lost nor applied at the vote", writtenElsewhere},
		{"role", "P1: who has promised can commit, whatever role the work took on", promisedUnderAnotherRole},
		{"renamed", "P10: a session that the work renamed does not promise for an earlier process", renamedSession},
		{"late", "P10: a session that an earlier process makes late does not promise", sessionMadeAfterTheNote},
		{"deed", "H2: a deed whose note came too late was not done", deedThatComesLate},
		{"vanished", "C10: an opening that has vanished keeps nobody from opening", openingThatVanishes},
		{"fewer", "arguments that do not fit are no server that is away", fewerArguments},
	} {
		t.Run(was.says, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d := &desk{clerk: clerk{T: t, ctx: ctx, name: was.name, first: "$1"}, server: server, url: server.URL("postgres")}
			do(t, d.url, "create table "+d.name+" (k text primary key, v int not null)", "insert into "+d.name+" values ('a', 0), ('b', 0)")
			was.check(d)
		})
	}
}

// A vote that lets go is given before the decision: a notification that went out with it would tell of what may abort.
func notifyOfABranchThatWroteNothing(d *desk) {
	c, err := pgx.Connect(d.ctx, d.url)
	if err != nil {
		d.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(d.ctx, "listen notified"); err != nil {
		d.Fatal(err)
	}
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		do(d, d.url, "alter database postgres set default_transaction_isolation = '"+level+"'")
		b := d.branch()
		b.MayRelease = true
		p, err := d.open(d.url).Prepare(d.ctx, b, work(query("select pg_notify('notified', 'too early')", 1)), false)
		if err != nil || p.Vote != txc.ReadOnly && p.Vote != txc.No {
			d.Errorf("%s: %v %+v %v", level, p.Vote, p.Reason, err)
		}
	}
	do(d, d.url, "alter database postgres reset default_transaction_isolation", "notify notified, 'the end'")
	if n, err := c.WaitForNotification(d.ctx); err != nil || n.Payload != "the end" {
		d.Errorf("%+v %v", n, err)
	}
}

// The server numbers no transaction that writes through a foreign table alone, and refuses to prepare it.
func writtenElsewhere(d *desk) {
	do(d, d.url, "create database near")
	d.url = d.server.URL("near")
	host, port, _ := strings.Cut(d.server.Address, ":")
	do(d, d.url, "create extension postgres_fdw", "create server far foreign data wrapper postgres_fdw options (host '"+host+"', port '"+port+"', dbname 'postgres')",
		"create user mapping for postgres server far options (user 'postgres', password '"+servers.Password+"')",
		"create foreign table elsewhere (k text, v int) server far")
	b := d.branch()
	b.MayRelease = true
	p, err := d.open(d.url).Prepare(d.ctx, b, d.write("a"), false)
	d.no(p, err)
	if d.value("a") != 0 {
		d.Error("it was applied")
	}
}

// Only who prepared a branch can finish it: a role that the work took on must not be the one.
func promisedUnderAnotherRole(d *desk) {
	do(d, d.url, "create role app login password 'app'", "create role clerk", "grant clerk to app", "create database role owner app")
	d.url = strings.Replace(d.server.Store("role"), "postgres://postgres@", "postgres://app:app@", 1)
	s := d.open(d.url)
	do(d, d.url, "create table role (k text primary key, v int not null)", "insert into role values ('a', 0)", "grant all on role to clerk",
		"grant usage on schema txc to clerk", "grant all on all tables in schema txc to clerk")
	for _, local := range []string{"true", "false"} {
		b := d.branch()
		p, err := s.Prepare(d.ctx, b, work(exec("select set_config('role', 'clerk', "+local+")", 1), exec("update role set v = v + 1 where k = 'a'", 1)), false)
		if err != nil || p.Vote != txc.Yes {
			d.Fatalf("%v %+v %v", p.Vote, p.Reason, err)
		}
		f, err := s.Commit(d.ctx, b, p.Evidence)
		d.fate(f, err, txc.CommittedNow)
	}
}

// greenplum gpdb#10393: the sessions of an earlier process are found by their names, and work can change those.
func renamedSession(d *desk) {
	entered, release := make(chan struct{}), make(chan struct{})
	old := d.openWith(d.url, func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) {
		_, err := tx.Exec(ctx, "select set_config('application_name', 'of my own', false)")
		if err == nil {
			_, err = tx.Exec(ctx, "update "+d.name+" set v = v + 1")
		}
		close(entered)
		<-release
		return nil, err
	})
	answers := d.call(old)
	<-entered
	s := d.open(d.url)
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("listed: %v", all)
	}
	close(release)
	d.nothingLate(s, <-answers)
}

// The same: a session that the earlier process makes after it was found to be the last one to have opened, and is no longer.
func sessionMadeAfterTheNote(d *desk) {
	making, release := make(chan struct{}), make(chan struct{})
	w := newWire(d.T, d.server.Address, "application_name", true, nil) // as a session says first
	w.before = func() { close(making); <-release }
	old := d.openWith(strings.Replace(d.url, d.server.Address, w.address, 1), func(ctx context.Context, tx pgx.Tx, _ []byte) ([]byte, error) {
		_, err := tx.Exec(ctx, "update "+d.name+" set v = v + 1")
		return nil, err
	})
	w.arm()
	answers := d.call(old)
	<-making
	s := d.open(d.url)
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("listed: %v", all)
	}
	close(release)
	d.nothingLate(s, <-answers)
}

// H2, first of decision and operator: a deed whose note was on its way when its session was lost is not told of after the decision.
func deedThatComesLate(d *desk) {
	hold, said := make(chan struct{}), make(chan struct{})
	s, w := d.through("insert into txc.settled", true, func() { close(said) })
	w.hold = hold
	deed := participant.Settlement{Outcome: txc.Aborted, Who: "ada", Why: "ticket 7", When: time.Now()}
	b, _ := d.promise(s, "b") // from now on the statement is said in one message
	if done, err := s.Settle(d.ctx, b, deed); err != nil || !done {
		d.Fatal(done, err)
	}
	if err := s.Reconciled(d.ctx, b); err != nil {
		d.Fatal(err)
	}
	b, evidence := d.promise(s, "a")
	const ours = " from pg_stat_activity where application_name like 'txc/%/deed'"
	pids := one[[]int32](d, d.url, "select array_agg(pid)"+ours)
	w.arm()
	if done, err := s.Settle(d.ctx, b, deed); err == nil {
		d.Errorf("its session was lost: %v", done)
	}
	f, err := s.Commit(d.ctx, b, evidence)
	d.fate(f, err, txc.CommittedNow)
	close(hold)
	<-said
	for one[int](d, d.url, "select count(*)"+ours+" and pid = any ($1)", pids) == len(pids) {
		select {
		case <-d.ctx.Done():
			d.Fatal("the server is never rid of the session")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("by hand, after the decision: %+v", all)
	}
}

// C10: a process that is gone amid its opening, and whose server does not know, keeps nobody from opening.
func openingThatVanishes(d *desk) {
	w := newWire(d.T, d.server.Address, "insert into txc.memory", false, nil)
	hold := make(chan struct{})
	defer close(hold)
	w.hold = hold
	d.open(d.url)
	w.arm()
	if _, err := postgres.Open(d.ctx, strings.Replace(d.url, d.server.Address, w.address, 1), postgres.Options{Cluster: "test", Name: d.name}); err == nil {
		d.Error("it opened without its server")
	}
	d.open(d.url)
}

// What is wrong with the work is not taken for a server that is away: nobody tries it again.
func fewerArguments(d *desk) {
	s := d.open(d.url)
	for _, args := range [][]*txcpb.Value{nil, {text("a")}, {text("a"), text("b"), text("c")}} {
		p, err := s.Prepare(d.ctx, d.branch(), work(exec("update "+d.name+" set v = 1 where k in ($1, $2)", -1, args...)), false)
		if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeBadWork || p.Reason.Retryable {
			d.Errorf("%d arguments of two: %v %+v %v", len(args), p.Vote, p.Reason, err)
		}
	}
}

// openWith opens a store that has one operation.
func (d *desk) openWith(url string, h postgres.Handler) *postgres.Store {
	d.Helper()
	s, err := postgres.Open(d.ctx, url, postgres.Options{Cluster: "test", Name: d.name, Connections: 2, Handlers: map[string]postgres.Handler{"go": h}})
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

// call has it run in a branch of its own.
func (d *desk) call(s *postgres.Store) <-chan vote {
	d.Helper()
	w, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Call{Call: &txcpb.CallWork{Name: "go"}}})
	if err != nil {
		d.Fatal(err)
	}
	answers, b := make(chan vote, 1), d.branch()
	go func() {
		p, err := s.Prepare(d.ctx, b, w, false)
		answers <- vote{p, err}
	}()
	return answers
}

// nothingLate: what an earlier process was at has not become a promise after the list of the one that opened last.
func (d *desk) nothingLate(s *postgres.Store, v vote) {
	d.Helper()
	if v.err == nil && v.Vote != txc.No || v.err != nil && !errors.Is(v.err, txc.ErrStopped) {
		d.Errorf("the earlier process: %v %+v %v", v.Vote, v.Reason, v.err)
	}
	if all := d.inDoubt(s); len(all) != 0 {
		d.Errorf("%v landed after the list", all)
	}
}
