package stores_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/rabbitmq"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// publish makes the work that publishes messages.
func publish(all ...*txcpb.Publication) []byte {
	data, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: &txcpb.PublishWork{Messages: all}}})
	if err != nil {
		panic(err)
	}
	return data
}

// quorum are the arguments of a queue that keeps what it has confirmed.
var quorum = amqp.Table{"x-queue-type": "quorum"}

// rabbit is somebody else's connection to a server: who declares queues and consumes.
type rabbit struct {
	*servers.RabbitServer
	t  testing.TB
	ch *amqp.Channel
}

// newRabbit connects; the connection ends with the test.
func newRabbit(t testing.TB, server *servers.RabbitServer) *rabbit {
	t.Helper()
	r := &rabbit{RabbitServer: server, t: t}
	r.connect()
	return r
}

// connect connects, again after the server was killed.
func (r *rabbit) connect() {
	r.t.Helper()
	c, err := r.Dial(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() }) // its only error is that it is closed, or the server was killed
	if r.ch, err = c.Channel(); err != nil {
		r.t.Fatal(err)
	}
}

// queue declares a queue.
func (r *rabbit) queue(name string, durable bool, arguments amqp.Table) {
	r.t.Helper()
	if _, err := r.ch.QueueDeclare(name, durable, false, false, false, arguments); err != nil {
		r.t.Fatal(err)
	}
}

// keep makes what was declared survive a kill: the server writes where a new quorum queue is to its disk minutes later, or
// when it ends as it should. One that is killed before has the queue's name, and nothing behind it.
func (r *rabbit) keep() {
	r.t.Helper()
	r.Stop()
	if err := r.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.connect()
}

// all takes everything out of a queue, in order.
func (r *rabbit) all(name string) []amqp.Delivery {
	r.t.Helper()
	var all []amqp.Delivery
	for {
		d, ok, err := r.ch.Get(name, true)
		if err != nil {
			r.t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, d)
	}
}

// open opens a participant at the server, at another address of it, or as another user.
func (r *rabbit) open(address, dir, name string) (*staged.Store, error) {
	return rabbitmq.Open(r.t.Context(), address, dir, rabbitmq.Options{Cluster: "test", Name: name, Password: servers.Password, Ballast: -1, MinFree: 1})
}

// rabbitBroker has its server's quorum queue. What was taken out of it stays known.
func rabbitBroker(t *testing.T) broker {
	r := newRabbit(t, servers.RabbitMQ(t))
	r.keep()
	var got []delivery
	return broker{to: servers.RabbitQueue, server: r.RabbitServer, read: func(context.Context) ([]delivery, error) {
		r.connect()
		for _, m := range r.all(servers.RabbitQueue) {
			got = append(got, delivery{m.MessageId, string(m.Body)})
		}
		return got, nil
	}}
}

// All cases share one server, each with a queue of its own, of either kind in turn. A value is the last message about its key.
func TestRabbitResource(t *testing.T) {
	t.Parallel()
	server := servers.RabbitMQ(t)
	var n atomic.Int64
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		r, i := newRabbit(t, server), n.Add(1)
		name := fmt.Sprintf("events%d", i)
		r.queue(name, true, []amqp.Table{nil, quorum}[i%2])
		dir := t.TempDir()
		var mu sync.Mutex
		seen := map[string]string{}
		about := func(to, key, value string) *txcpb.Publication {
			return &txcpb.Publication{To: to, Headers: map[string]string{"key": key}, Body: []byte(value)}
		}
		return &resourcetest.Store{
			Cluster: "test", Participant: name, Broken: []byte("no work"),
			Open:   func() (participant.Resource, error) { return r.open(r.Store(), dir, name) },
			Write:  func(key, value string) []byte { return publish(about(name, key, value)) },
			Refuse: func(key string) []byte { return publish(about(name, key, "x"), about("missing", key, "x")) },
			Value: func(_ participant.Resource, key string) (string, bool, error) {
				mu.Lock()
				defer mu.Unlock()
				for _, d := range r.all(name) {
					seen[d.Headers["key"].(string)] = string(d.Body)
				}
				v, ok := seen[key]
				return v, ok, nil
			},
		}
	})
	waitNoConnections(t, server)
}

// waitNoConnections waits until nobody is connected to a server any more.
func waitNoConnections(t testing.TB, server *servers.RabbitServer) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		left := connections(t, server.Port())
		if left == 0 {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Errorf("%d connections are left", left)
			return
		}
	}
}

// connections counts those to a port of the loopback interface, as the kernel sees them.
func connections(t testing.TB, port string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), fmt.Sprintf(":%04X 01 ", n)) // remote port, established
}
