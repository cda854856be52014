package stores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/rabbitmq"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// P1: what could not be published later is not promised, and asking makes, changes and leaks nothing.
func TestRabbitValidation(t *testing.T) {
	t.Parallel()
	server := servers.RabbitMQ(t, "channel_max = 64")
	r := newRabbit(t, server)
	r.queue("classic", true, nil)
	r.queue("quorum", true, quorum)
	r.queue("expiring", true, amqp.Table{"x-expires": 3600_000})
	r.queue("eu/orders", true, nil)
	r.queue("transient", false, nil)
	r.queue("stream", true, amqp.Table{"x-queue-type": "stream"})
	for name, x := range map[string]struct{ durable, autoDelete, exclusive bool }{"auto-delete": {true, true, false}, "exclusive": {false, false, true}} {
		if _, err := r.ch.QueueDeclare(name, x.durable, x.autoDelete, x.exclusive, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, x := range map[string]struct {
		kind                          string
		durable, autoDelete, internal bool
	}{
		"direct": {"direct", true, false, false}, "topic": {"topic", true, false, false}, "headers": {"headers", true, false, false}, "fanout": {"fanout", true, false, false},
		"passing": {"topic", false, false, false}, "deleting": {"fanout", true, true, false}, "internal": {"direct", true, false, true},
	} {
		if err := r.ch.ExchangeDeclare(name, x.kind, x.durable, x.autoDelete, x.internal, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	d := &counter{rabbit: r, T: t, ctx: t.Context(), name: "events", dir: t.TempDir()}
	s := d.open("")
	ask := func(s *staged.Store, all ...*txcpb.Publication) txc.Reason {
		t.Helper()
		b := d.branch()
		p, err := s.Prepare(t.Context(), b, publish(all...), false)
		if err != nil || p.Vote != txc.Yes && p.Vote != txc.No || (p.Vote == txc.Yes) != p.Reason.IsZero() {
			t.Fatalf("%+v %v", p, err)
		}
		if f, err := s.Abort(t.Context(), b, p.Evidence); err != nil || f != txc.AbortedNow {
			t.Fatal(f, err)
		}
		return p.Reason
	}
	to := func(address string) *txcpb.Publication { return &txcpb.Publication{To: address} }
	for _, address := range []string{"classic", "quorum", "expiring", "/eu/orders", "/classic", "direct/k", "topic/a.b", "headers/", "fanout/", "amq.topic/k", "amq.fanout/"} {
		if why := ask(s, to(address)); !why.IsZero() {
			t.Errorf("%s: %v", address, why)
		}
	}
	long := map[string]string{}
	for i := range 40 {
		long[fmt.Sprintf("h%d", i)] = strings.Repeat("x", staged.MaxHeader)
	}
	bad := []struct {
		to      string
		headers map[string]string
		says    string
	}{
		{"missing", nil, "does not exist"}, {"missing/k", nil, "does not exist"}, {"eu/orders", nil, "exchange eu does not exist"},
		{"transient", nil, "not durable"}, {"passing/k", nil, "not durable"}, {"exclusive", nil, "exclusive"}, {"stream", nil, "stream"},
		{"auto-delete", nil, "deletes itself"}, {"deleting/", nil, "deletes itself"}, {"internal/k", nil, "internal"}, {"amq.rabbitmq.reply-to", nil, "the server's own"},
		{"classic", map[string]string{"CC": "quorum"}, "CC"}, {"classic", map[string]string{"BCC": "quorum"}, "BCC"}, {"classic", long, "headers"},
	}
	for _, row := range bad {
		why := ask(s, &txcpb.Publication{To: row.to, Headers: row.headers})
		if why.IsZero() || why.Retryable || !strings.Contains(why.Text, row.says) {
			t.Errorf("%s: %+v, want %q", row.to, why, row.says)
		}
	}
	if why := ask(s, to("classic"), to("missing")); why.IsZero() {
		t.Error("one of two does not exist, and both are promised")
	}
	for range 100 { // more than there may be channels
		if why := ask(s, to("passing/k"), to("quorum")); why.IsZero() {
			t.Fatal("an exchange that is not durable")
		}
	}
	said := func(err error) bool {
		var e *amqp.Error
		return errors.As(err, &e) && e.Code == amqp.NotFound
	}
	for _, name := range []string{"missing", "eu"} {
		if _, err := newRabbit(t, server).ch.QueueDeclarePassive(name, true, false, false, false, nil); !said(err) {
			t.Errorf("looking has made queue %s: %v", name, err)
		}
		if err := newRabbit(t, server).ch.ExchangeDeclarePassive(name, "direct", true, false, false, false, nil); !said(err) {
			t.Errorf("looking has made exchange %s: %v", name, err)
		}
	}
	// Gone and made again, it is looked at as if it were new, while the server was not asked for what it was.
	if _, err := r.ch.QueueDelete("classic", false, false, false); err != nil {
		t.Fatal(err)
	}
	if why := ask(s, to("classic")); !strings.Contains(why.Text, "does not exist") {
		t.Errorf("a queue that was there a moment ago: %v", why)
	}
	r.queue("classic", false, nil)
	if why := ask(s, to("classic")); !strings.Contains(why.Text, "not durable") {
		t.Errorf("a queue that was durable once: %v", why)
	}
	if n := connections(t, server.Port()); n < 2 {
		t.Errorf("%d connections are seen of at least two", n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	s = d.open(strings.Replace(server.Store(), servers.RabbitUser+"@", servers.RabbitClerk+"@", 1))
	for _, address := range []string{"quorum", "topic/k"} {
		if why := ask(s, to(address)); !strings.Contains(why.Text, "permission to configure") {
			t.Errorf("who may configure nothing: %v", why)
		}
	}
}

// A user whom the server does not let in is a finding that keeps the participant from starting.
func TestRabbitLogins(t *testing.T) {
	t.Parallel()
	server := servers.RabbitMQ(t)
	for says, row := range map[string][3]string{ // address, password, words
		"a wrong password":           {server.Store(), "hunter2", "username or password"},
		"another's virtual host":     {server.Store() + "other", servers.Password, "other"},
		"a virtual host that is not": {server.Store() + "nowhere", servers.Password, "nowhere"},
	} {
		s, err := rabbitmq.Open(t.Context(), row[0], t.TempDir(), rabbitmq.Options{Cluster: "test", Name: "events", Password: row[1], Ballast: -1, MinFree: 1})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Check(t.Context())
		if err != nil || len(r.Findings) != 1 || r.Findings[0].Name != "rabbitmq-login" || r.Findings[0].Severity != "refuse" ||
			!strings.Contains(r.Findings[0].Text, row[2]) || strings.Contains(r.Findings[0].Text, "hunter2") {
			t.Errorf("%s: %+v %v", says, r, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
