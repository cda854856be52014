package stores_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// A participant whose promises would not be durable does not start, unless it is told to by name.
func TestUnfitServersAreRefused(t *testing.T) {
	server := servers.Postgres(t, "max_prepared_transactions=0", "fsync=off", "full_page_writes=off")
	demo := procs.Binary(t, "participant-demo")
	t.Setenv("PGPASSWORD", servers.Password)
	args := []string{"--name", "shop", "--coordinator", "127.0.0.1:1", "--store", server.Store("postgres")}
	for _, name := range []string{"postgres-no-slots", "postgres-fsync", "postgres-full-page-writes"} {
		r := procs.RunContext(t.Context(), demo, "", args...)
		if r.Code != 2 || !strings.Contains(r.Stderr, name) {
			t.Errorf("%s: code %d: %s", name, r.Code, r.Stderr)
		}
		args = append(args, "--waive", name)
	}
	p := procs.NewServer(t, "shop", "127.0.0.1:0", demo, args...)
	if err := p.Start(); err != nil {
		t.Fatalf("with everything waived: %v", err)
	}
	if code, err := p.Stop(); code != 0 || err != nil {
		t.Errorf("code %d: %v", code, err)
	}
	s, err := postgres.Open(t.Context(), server.URL("postgres"), postgres.Options{Cluster: "test", Name: "shop", AllowFreeSQL: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	d := &clerk{T: t, ctx: t.Context(), name: "shop"}
	if p, err := s.Prepare(t.Context(), d.branch(), work(exec("select 1", 1)), false); err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeStore || p.Reason.Retryable {
		t.Errorf("without slots: %v %+v %v", p.Vote, p.Reason, err)
	}
}

// With all slots taken a branch is refused, and may be tried again; what a server's default of synchronous_commit is does not
// matter to the participant's own sessions.
func TestSlots(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t, "max_prepared_transactions=2", "synchronous_commit=off")
	d := &desk{clerk: clerk{T: t, ctx: t.Context(), name: "shop", first: "$1"}, server: server, url: server.URL("postgres")}
	do(t, d.url, "create table shop (k text primary key, v int not null); insert into shop values ('a', 0), ('b', 0), ('c', 0)")
	s := d.open(d.url)
	d.promise(s, "a")
	b, evidence := d.promise(s, "b")
	if p, err := s.Prepare(t.Context(), d.branch(), d.write("c"), false); err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeBusy || !p.Reason.Retryable || !strings.Contains(p.Reason.Text, "raise max_prepared_transactions") {
		t.Errorf("the third of two: %v %+v %v", p.Vote, p.Reason, err)
	}
	if p, err := s.Prepare(t.Context(), d.branch(), work(query("select lastval()", 1)), false); err != nil || p.Vote != txc.No || strings.Contains(p.Reason.Text, "max_prepared") {
		t.Errorf("another 55000: %v %+v %v", p.Vote, p.Reason, err)
	}
	r, err := s.Check(t.Context())
	if err != nil || r.Slots != 2 || r.Free != 0 || r.InDoubt != 2 || r.Oldest <= 0 {
		t.Errorf("%+v %v", r, err)
	}
	var names []string
	for _, f := range r.Findings {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"postgres-few-slots"}) {
		t.Errorf("findings %q", names)
	}
	f, err := s.Commit(t.Context(), b, evidence)
	d.fate(f, err, txc.CommittedNow)
	d.promise(s, "c")
}

// An ordinary user who may make a schema in its database is all that a participant needs.
func TestAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	do(t, server.URL("postgres"), "create role app login password 'app'", "create role guest login password 'guest'", "create database shop owner app")
	as := func(who string) string {
		return strings.Replace(server.Store("shop"), "postgres://postgres@", "postgres://"+who+":"+who+"@", 1)
	}
	d := &desk{clerk: clerk{T: t, ctx: t.Context(), name: "shop", first: "$1"}, server: server, url: as("app")}
	if _, err := postgres.Open(t.Context(), as("guest"), postgres.Options{Cluster: "test", Name: "shop"}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("without the right to make a schema: %v", err)
	}
	do(t, server.URL("postgres"), "create database bare")
	do(t, server.URL("bare"), "create schema txc", "grant all on schema txc to guest")
	if s, err := postgres.Open(t.Context(), strings.Replace(as("guest"), "/shop", "/bare", 1), postgres.Options{Cluster: "test", Name: "shop"}); err != nil {
		t.Errorf("with a schema that somebody has made for it: %v", err)
	} else if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	do(t, d.url, "create table shop (k text primary key, v int not null)", "insert into shop values ('a', 0), ('b', 0)")
	b, evidence := d.promise(d.open(d.url), "a")
	s := d.open(d.url) // ends the sessions of the first
	if r, err := s.Check(t.Context()); err != nil || len(r.Findings) != 0 || r.InDoubt != 1 {
		t.Errorf("%+v %v", r, err)
	}
	do(t, d.url, "begin; insert into shop values ('z', 0); prepare transaction 'somebody else''s'")
	if r, err := s.Check(t.Context()); err != nil || r.Foreign != 1 || r.InDoubt != 1 {
		t.Errorf("beside a foreign one: %+v %v", r, err)
	}
	f, err := s.Commit(t.Context(), b, evidence)
	d.fate(f, err, txc.CommittedNow)
	f, err = s.Commit(t.Context(), b, evidence)
	d.fate(f, err, txc.CommittedBefore)
	gone, evidence := d.promise(s, "b")
	do(t, d.url, "rollback prepared '"+gone.Name()+"'")
	f, err = s.Commit(t.Context(), gone, evidence)
	d.fate(f, err, txc.AbortedBefore)
}
