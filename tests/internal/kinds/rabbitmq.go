package kinds

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/participant/staged/once"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

var rabbitmq = Kind{Name: "rabbitmq", Store: (*staged.Store)(nil), Lockless: true, Serve: serveRabbitMQ}

// rabbitHomes is how many participants a server has a queue for.
const rabbitHomes = 16

// serveRabbitMQ declares all queues at once: only a restart makes what was declared survive a kill soon.
func serveRabbitMQ(t testing.TB) House {
	t.Helper()
	h := &rabbitHouse{server: servers.RabbitMQ(t)}
	err := h.with(t.Context(), func(ch *amqp.Channel) error {
		for n := range rabbitHomes {
			if _, err := ch.QueueDeclare(queueOf(n), true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		h.server.Stop()
		err = h.server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func queueOf(home int) string { return fmt.Sprintf("home-%d", home) }

type rabbitHouse struct {
	server *servers.RabbitServer
	homes  atomic.Int64
}

func (h *rabbitHouse) Server() *servers.Server { return h.server.Server }

// with gives f a channel of somebody who has nothing to do with us. What f got and did not acknowledge goes back.
func (h *rabbitHouse) with(ctx context.Context, f func(ch *amqp.Channel) error) (err error) {
	c, err := h.server.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	return f(ch)
}

func (h *rabbitHouse) Home(t testing.TB, c *procs.Cluster, name string) Home {
	t.Helper()
	n := int(h.homes.Add(1) - 1)
	if n >= rabbitHomes {
		t.Fatalf("there are queues for %d homes", rabbitHomes)
	}
	c.Add(t, name, "--store", h.server.Store(), "--staging", c.Data(name), "--password-file", passwordFile(t))
	return rabbitHome{h, queueOf(n), c, name}
}

type rabbitHome struct {
	house *rabbitHouse
	queue string
	c     *procs.Cluster
	name  string
}

func (h rabbitHome) Write(ops []campaign.Op) (string, any) {
	return "publish", publications(ops, h.queue, "nowhere")
}

func (h rabbitHome) Read(ctx context.Context) (procs.Dump, error) {
	staging, err := h.c.Dump(ctx, h.name)
	if err != nil {
		return staging, err
	}
	all := newConsumed()
	err = h.house.with(ctx, func(ch *amqp.Channel) error {
		for {
			m, ok, err := ch.Get(h.queue, false)
			if err != nil || !ok {
				return err
			}
			id, _ := m.Headers[once.Header].(string) // take refuses one that has none
			if err := all.take(id, string(m.Body)); err != nil {
				return err
			}
		}
	})
	return all.dump(staging), err
}
