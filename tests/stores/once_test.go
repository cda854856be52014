package stores_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/nats"
	"github.com/txc-dev/txc/participant/staged/once"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// book is a consumer's effect.
func book(ctx context.Context, tx pgx.Tx, msg jetstream.Msg) error {
	_, err := tx.Exec(ctx, "insert into booked (body) values ($1)", string(msg.Data()))
	return err
}

// consume is how a consumer that keeps its effects in a database has each message once.
func consume(ctx context.Context, db *pgx.Conn, msg jetstream.Msg, effect func(pgx.Tx) error) (ran bool, err error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(ctx) // after Commit it does nothing
	memory := once.PGX(tx, "insert into txc_seen (id) values ($1) on conflict do nothing")
	if ran, err = once.Do(ctx, memory, msg.Headers().Get(once.Header), func() error { return effect(tx) }); err != nil {
		return ran, errors.Join(err, msg.Nak())
	}
	if err := tx.Commit(ctx); err != nil {
		return ran, errors.Join(err, msg.Nak())
	}
	return ran, nil
}

// A consumer that fails before its commit, or ends between its commit and its acknowledgement, gets the message again: it has
// one effect.
func TestAConsumerNotesTheIDWithItsEffect(t *testing.T) {
	t.Parallel()
	url := servers.Postgres(t).URL("postgres")
	do(t, url, "create table booked (body text not null)", "create table txc_seen (id varchar(255) primary key, at timestamp not null default current_timestamp)")
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	server := servers.NATS(t)
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events"})
	s := openNATS(t, server, t.TempDir(), "events")
	b := eventBranch("events", 1)
	evidence := yes(t, s, b, to("events.a", "1"), to("events.b", "2"))
	if f, err := s.Commit(t.Context(), b, evidence); err != nil || f != txc.CommittedNow {
		t.Fatal(f, err)
	}
	c, err := js.CreateConsumer(t.Context(), "events", jetstream.ConsumerConfig{Durable: "books", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	tries, acked, dropped := map[string]int{}, 0, 0
	for acked < 2 {
		msg, err := c.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		body := string(msg.Data())
		tries[body]++
		ran, err := consume(t.Context(), db, msg, func(tx pgx.Tx) error {
			if err := book(t.Context(), tx, msg); err != nil || tries[body] > 1 {
				return err
			}
			return errors.New("the first one fails after its effect")
		})
		switch {
		case err == nil && !ran:
			dropped++
			fallthrough
		case err == nil && tries[body] > 2:
			if err := msg.DoubleAck(t.Context()); err != nil {
				t.Fatal(err)
			}
			acked++
		case err == nil: // committed, and ended before it acknowledged
		case tries[body] > 1:
			t.Fatal(err)
		}
	}
	all := one[[]string](t, url, "select array_agg(body order by body) from booked")
	if !slices.Equal(all, []string{"1", "2"}) || dropped != 2 {
		t.Fatalf("booked %q, %d dropped", all, dropped)
	}
}

// The permissions that the documentation names are enough.
func TestNATSLeastPermissions(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t, "authorization: {}", `accounts: {main: {jetstream: enabled, users: [{user: `+servers.NATSUser+`, password: "`+servers.Password+`"},
		{user: least, password: "`+servers.Password+`", permissions: {subscribe: ["_INBOX.>"],
			publish: ["events.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$SYS.REQ.USER.INFO"]}}]}}`)
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events", Duplicates: time.Hour})
	addStream(t, js, jetstream.StreamConfig{Name: "others", Duplicates: time.Hour})
	s, err := nats.Open(t.Context(), "nats://least@"+server.Address, t.TempDir(), nats.Options{Cluster: "test", Name: "events", Password: servers.Password, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	r, err := s.Check(t.Context())
	if err != nil || slices.ContainsFunc(r.Findings, func(f participant.Finding) bool { return f.Severity != "info" || f.Name == "nats-permissions-unseen" }) {
		t.Fatalf("%+v, %v", r, err)
	}
	b := eventBranch("events", 1)
	evidence := yes(t, s, b, to("events.a", "m"))
	if f, err := s.Commit(t.Context(), b, evidence); err != nil || f != txc.CommittedNow {
		t.Fatal(f, err)
	}
	if p, err := s.Prepare(t.Context(), eventBranch("events", 2), messages(to("others.a", "m")), false); err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeRefused {
		t.Fatalf("vote %v %v, %v", p.Vote, p.Reason, err)
	}
}
