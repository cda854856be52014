package stores_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/rabbitmq"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// What becomes of a promise while the broker is, loses, or refuses what it likes.
func TestRabbitPromises(t *testing.T) {
	t.Parallel()
	server := servers.RabbitMQ(t)
	cases := []struct {
		says  string
		check func(d *counter)
	}{
		{"P7: a message that no queue takes any more is not taken for published", queueDeleted},
		{"P7: a key that has no queue keeps the branch in doubt, until it has one", keyUnbound},
		{"an exchange that is gone harms nobody else", exchangeDeleted},
		{"P7: a queue that is full keeps the branch in doubt, until it is not", queueFull},
		{"P11: a confirmation that was lost is unknown, and repeated under the same id", confirmationLost},
		{"P11: a server killed while it is to confirm: unknown, until it is back", killedBeforeConfirming},
		{"P2: a server that is away keeps nobody from starting, and ends no promise", away},
		{"a server short of memory takes nothing: neither a promise nor a commit waits for it, and it is over when it is over", shortOfMemory},
		{"a user who may not publish finds out at the commit, in words", mayNotPublish},
		{"messages of one branch arrive in their order, more than a window of them, with all that they had", ordered},
	}
	for i, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			d := &counter{rabbit: newRabbit(t, server), T: t, ctx: ctx, name: fmt.Sprintf("counter%d", i), dir: t.TempDir()}
			d.queue(d.name, true, quorum)
			c.check(d)
		})
	}
	waitNoConnections(t, server)
}

// counter is one case: a participant and a queue of its name.
type counter struct {
	*rabbit
	*testing.T
	ctx       context.Context
	name, dir string
	next      uint64
}

// open opens the participant, as a user, at an address; "": the first user's.
func (d *counter) open(address string) *staged.Store {
	d.Helper()
	if address == "" {
		address = d.Store()
	}
	b, err := rabbitmq.Open(address, rabbitmq.Options{Name: d.name, Password: servers.Password})
	if err != nil {
		d.Fatal(err)
	}
	s, err := staged.Open(d.ctx, d.dir, b, staged.Options{Cluster: "test", Name: d.name, Ballast: -1, MinFree: 1})
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

func (d *counter) branch() participant.Branch {
	d.next++
	return participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: d.next}, Mark: 7, Cluster: "test", Participant: d.name, Members: []string{d.name}, Age: 1<<63 + d.next}
}

// promise promises one message to an address.
func (d *counter) promise(s *staged.Store, to string) (b participant.Branch, commit func() (txc.Fate, error)) {
	d.Helper()
	b = d.branch()
	p, err := s.Prepare(d.ctx, b, publish(&txcpb.Publication{To: to, Body: []byte("body of " + b.ID.String())}), false)
	if err != nil || p.Vote != txc.Yes {
		d.Fatalf("%v %v %v", p.Vote, p.Reason, err)
	}
	return b, func() (txc.Fate, error) { return s.Commit(d.ctx, b, p.Evidence) }
}

// stuck: the commit is an error that says so, and the branch stays in doubt.
func (d *counter) stuck(s *staged.Store, b participant.Branch, commit func() (txc.Fate, error), says string) {
	d.Helper()
	f, err := commit()
	if err == nil || f != 0 || !strings.Contains(err.Error(), says) {
		d.Errorf("commit: %v, %v, want an error that says %q", f, err, says)
	}
	listed := false
	for one, err := range s.InDoubt(d.ctx) {
		listed = listed || err == nil && one.ID == b.ID && one.Settled == 0
	}
	if !listed {
		d.Errorf("%s is not in doubt any more", b.ID)
	}
}

// committed repeats a commit until it is done.
func (d *counter) committed(commit func() (txc.Fate, error)) {
	d.Helper()
	f, err := commit()
	for err != nil && d.ctx.Err() == nil {
		f, err = commit()
	}
	if err != nil || f != txc.CommittedNow {
		d.Errorf("commit: %v, %v", f, err)
	}
}

// arrived: these branches' messages are in the queue, in this order, some perhaps again.
func (d *counter) arrived(queue string, want ...participant.Branch) {
	d.Helper()
	var got, ids []string
	seen := map[string]bool{}
	for _, m := range d.all(queue) {
		if m.DeliveryMode != amqp.Persistent || m.MessageId == "" || m.Headers[staged.HeaderID] != m.MessageId {
			d.Errorf("%+v", m)
		}
		if !seen[m.MessageId] {
			got = append(got, string(m.Body))
		}
		seen[m.MessageId] = true
		ids = append(ids, m.MessageId)
	}
	var bodies []string
	for _, b := range want {
		bodies = append(bodies, "body of "+b.ID.String())
		if !seen[b.Name()+"/0"] {
			d.Errorf("no message of %s among %q", b.Name(), ids)
		}
	}
	if strings.Join(got, "\n") != strings.Join(bodies, "\n") {
		d.Errorf("%s has %q, want %q", queue, got, bodies)
	}
}

func queueDeleted(d *counter) {
	s := d.open("")
	b, commit := d.promise(s, d.name)
	if _, err := d.ch.QueueDelete(d.name, false, false, false); err != nil {
		d.Fatal(err)
	}
	d.stuck(s, b, commit, "no queue takes it")
	d.stuck(s, b, commit, "no queue takes it")
	d.queue(d.name, true, quorum)
	d.committed(commit)
	d.arrived(d.name, b)
}

func keyUnbound(d *counter) {
	s := d.open("")
	if err := d.ch.ExchangeDeclare(d.name, "topic", true, false, false, false, nil); err != nil {
		d.Fatal(err)
	}
	b, commit := d.promise(s, d.name+"/order.created")
	d.stuck(s, b, commit, "no queue takes it")
	if err := d.ch.QueueBind(d.name, "order.*", d.name, false, nil); err != nil {
		d.Fatal(err)
	}
	d.committed(commit)
	d.arrived(d.name, b)
}

func exchangeDeleted(d *counter) {
	s := d.open("")
	if err := d.ch.ExchangeDeclare(d.name, "fanout", true, false, false, false, nil); err != nil {
		d.Fatal(err)
	}
	if err := d.ch.QueueBind(d.name, "", d.name, false, nil); err != nil {
		d.Fatal(err)
	}
	b, commit := d.promise(s, d.name+"/")
	if err := d.ch.ExchangeDelete(d.name, false, false); err != nil {
		d.Fatal(err)
	}
	d.stuck(s, b, commit, "no exchange '"+d.name+"'")
	other, second := d.promise(s, d.name)
	if f, err := second(); err != nil || f != txc.CommittedNow { // at once: the connection was not harmed
		d.Errorf("%v %v", f, err)
	}
	d.stuck(s, b, commit, "no exchange '"+d.name+"'")
	d.arrived(d.name, other)
}

func queueFull(d *counter) {
	s := d.open("")
	name := d.name + "-small"
	d.queue(name, true, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	a, first := d.promise(s, name)
	b, second := d.promise(s, name)
	d.committed(first)
	d.stuck(s, b, second, "refused it")
	d.arrived(name, a)
	d.committed(second)
	d.arrived(name, b)
}

func confirmationLost(d *counter) {
	w := newWire(d.T, d.Address, "body of", true, nil)
	s := d.open(strings.Replace(d.Store(), d.Address, w.address, 1))
	b, commit := d.promise(s, d.name)
	w.arm()
	d.stuck(s, b, commit, "")
	d.committed(commit)
	all := d.all(d.name)
	for _, m := range all {
		if m.MessageId != b.Name()+"/0" {
			d.Errorf("%+v", m)
		}
	}
	if len(all) != 2 {
		d.Errorf("%d messages: the first one arrived, and its confirmation was lost", len(all))
	}
}

func killedBeforeConfirming(d *counter) {
	d.keep()
	w := newWire(d.T, d.Address, "body of", true, d.Kill)
	s := d.open(strings.Replace(d.Store(), d.Address, w.address, 1))
	b, commit := d.promise(s, d.name)
	w.arm()
	d.stuck(s, b, commit, "")
	d.stuck(s, b, commit, "") // nobody listens
	if err := d.Start(); err != nil {
		d.Fatal(err)
	}
	d.committed(commit)
	d.connect()
	d.arrived(d.name, b)
}

func away(d *counter) {
	d.keep()
	s := d.open("")
	b, _ := d.promise(s, d.name)
	d.Kill()
	if err := s.Close(d.ctx); err != nil {
		d.Error(err)
	}
	s = d.open("")
	commit := func() (txc.Fate, error) { return s.Commit(d.ctx, b, nil) }
	d.stuck(s, b, commit, "refused")
	p, err := s.Prepare(d.ctx, d.branch(), publish(&txcpb.Publication{To: d.name}), false)
	if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeUnreachable || !p.Reason.Retryable {
		d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
	}
	r, err := s.Check(d.ctx)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Name != "rabbitmq-unreachable" || r.Findings[0].Severity != "warn" {
		d.Errorf("%+v %v", r, err)
	}
	if err := d.Start(); err != nil {
		d.Fatal(err)
	}
	d.committed(commit)
	d.connect()
	d.arrived(d.name, b)
}

func shortOfMemory(d *counter) {
	s := d.open("")
	b, commit := d.promise(s, d.name)
	if err := d.SetMemory(d.ctx, 1); err != nil {
		d.Fatal(err)
	}
	began := time.Now()
	d.stuck(s, b, commit, "low on memory")
	d.stuck(s, b, commit, "low on memory")
	if took := time.Since(began); took > staged.DefaultTimeout {
		d.Errorf("two commits waited %v for a server that had said that it takes nothing", took)
	}
	p, err := s.Prepare(d.ctx, d.branch(), publish(&txcpb.Publication{To: d.name}), false)
	if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeBusy || !strings.Contains(p.Reason.Text, "low on memory") {
		d.Errorf("%v %+v %v", p.Vote, p.Reason, err)
	}
	r, err := s.Check(d.ctx)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Name != "rabbitmq-blocked" || r.Version == "" {
		d.Errorf("%+v %v", r, err)
	}
	if err := d.SetMemory(d.ctx, 1<<30); err != nil {
		d.Fatal(err)
	}
	d.committed(commit)
	d.connect() // it was not answered meanwhile
	d.arrived(d.name, b)
	if r, err := s.Check(d.ctx); err != nil || len(r.Findings) != 0 {
		d.Errorf("%+v %v", r, err)
	}
}

func mayNotPublish(d *counter) {
	s := d.open(strings.Replace(d.Store(), servers.RabbitUser+"@", servers.RabbitGuest+"@", 1))
	b, commit := d.promise(s, d.name)
	d.stuck(s, b, commit, "ACCESS_REFUSED")
	r, err := s.Check(d.ctx)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Name != "rabbitmq-may-not-publish" {
		d.Errorf("%+v %v", r, err)
	}
	if err := s.Close(d.ctx); err != nil {
		d.Error(err)
	}
	s = d.open("") // with a user who may
	d.committed(func() (txc.Fate, error) { return s.Commit(d.ctx, b, nil) })
	d.arrived(d.name, b)
}

func ordered(d *counter) {
	s := d.open("")
	b := d.branch()
	var all []*txcpb.Publication
	for i := range 250 {
		all = append(all, &txcpb.Publication{To: d.name, Body: []byte(fmt.Sprint(i)), ContentType: "text/plain", Headers: map[string]string{"type": "number", "X-N": fmt.Sprint(i)}})
	}
	p, err := s.Prepare(d.ctx, b, publish(all...), false)
	if err != nil || p.Vote != txc.Yes {
		d.Fatal(p, err)
	}
	if f, err := s.Commit(d.ctx, b, p.Evidence); err != nil || f != txc.CommittedNow {
		d.Fatal(f, err)
	}
	got := d.all(d.name)
	if len(got) != len(all) {
		d.Fatalf("%d messages of %d", len(got), len(all))
	}
	for i, m := range got {
		if string(m.Body) != fmt.Sprint(i) || m.ContentType != "text/plain" || m.Headers["type"] != "number" || m.Headers["X-N"] != fmt.Sprint(i) || m.MessageId != fmt.Sprintf("%s/%d", b.Name(), i) {
			d.Errorf("%d: %+v", i, m)
		}
	}
}

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
	b := r.broker()
	one := func(to string, headers map[string]string) []staged.Message {
		return []staged.Message{{ID: "txc/test/c1.1.1.0000000000000007/events/0", To: to, Headers: headers}}
	}
	for _, to := range []string{"classic", "quorum", "expiring", "/eu/orders", "/classic", "direct/k", "topic/a.b", "headers/", "fanout/", "amq.topic/k", "amq.fanout/"} {
		if why, err := b.Validate(t.Context(), one(to, nil)); err != nil || !why.IsZero() {
			t.Errorf("%s: %v %v", to, why, err)
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
		why, err := b.Validate(t.Context(), one(row.to, row.headers))
		if err != nil || why.IsZero() || why.Retryable || !strings.Contains(why.Text, row.says) {
			t.Errorf("%s: %+v %v, want %q", row.to, why, err, row.says)
		}
	}
	if why, err := b.Validate(t.Context(), append(one("classic", nil), one("missing", nil)...)); err != nil || why.IsZero() {
		t.Errorf("one of two: %v %v", why, err)
	}
	for range 100 { // more than there may be channels
		if why, err := b.Validate(t.Context(), append(one("topic/k", nil), one("quorum", nil)...)); err != nil || !why.IsZero() {
			t.Fatal(why, err)
		}
	}
	for _, name := range []string{"missing", "eu"} {
		other := newRabbit(t, server)
		var said *amqp.Error
		if _, err := other.ch.QueueDeclarePassive(name, true, false, false, false, nil); !errors.As(err, &said) || said.Code != amqp.NotFound {
			t.Errorf("looking has made queue %s: %v", name, err)
		}
		other = newRabbit(t, server)
		if err := other.ch.ExchangeDeclarePassive(name, "direct", true, false, false, false, nil); !errors.As(err, &said) || said.Code != amqp.NotFound {
			t.Errorf("looking has made exchange %s: %v", name, err)
		}
	}
	clerk, err := rabbitmq.Open(strings.Replace(server.Store(), servers.RabbitUser+"@", servers.RabbitClerk+"@", 1), rabbitmq.Options{Password: servers.Password})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"quorum", "topic/k"} {
		if why, err := clerk.Validate(t.Context(), one(to, nil)); err != nil || why.IsZero() || !strings.Contains(why.Text, "permission to configure") {
			t.Errorf("who may configure nothing: %v %v", why, err)
		}
	}
	if n := connections(t, server.Port()); n < 3 {
		t.Errorf("%d connections are seen of at least three", n)
	}
	if err := clerk.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := clerk.Validate(t.Context(), one("quorum", nil)); !errors.Is(err, txc.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	wrong, err := rabbitmq.Open(server.Store(), rabbitmq.Options{Password: "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Report(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "username or password") {
		t.Errorf("with a wrong password: %v", err)
	}
	if err := wrong.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
