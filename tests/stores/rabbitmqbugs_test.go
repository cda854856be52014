package stores_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
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
		{"P3: a branch that has no time takes none of the others'", shortOfTime},
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
	s, err := d.rabbit.open(address, d.dir, d.name)
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
	return d.branchOf(d.next)
}

func (d *counter) branchOf(n uint64) participant.Branch {
	return participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: n}, Mark: 7, Cluster: "test", Participant: d.name, Members: []string{d.name}, Age: 1<<63 + n}
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
	if len(all) < 1 || len(all) > 2 { // two, mostly: a server that is slow sees the connection end before it has read the first
		d.Errorf("%d messages: one, or the first one arrived, too, and its confirmation was lost", len(all))
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

func shortOfTime(d *counter) {
	s := d.open("")
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	var hurried sync.WaitGroup
	late := 0
	hurried.Go(func() {
		for n := uint64(1); ctx.Err() == nil; n++ {
			b := d.branchOf(1_000_000 + n)
			short, end := context.WithTimeout(ctx, time.Duration(n%20)*100*time.Microsecond)
			if p, err := s.Prepare(short, b, publish(&txcpb.Publication{To: d.name}), false); err == nil && p.Vote == txc.No {
				late++
			}
			end()
		}
	})
	for range 300 {
		d.promise(s, d.name)
	}
	cancel()
	hurried.Wait()
	if late == 0 {
		d.Error("nobody was short of time")
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
