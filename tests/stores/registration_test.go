package stores_test

import (
	"context"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// The example of a registration, with its own files, against both servers.
func TestRegistrationExample(t *testing.T) {
	t.Parallel()
	root, err := procs.Root()
	if err != nil {
		t.Fatal(err)
	}
	example := filepath.Join(root, "examples", "registration")
	program := built(t, example)
	database, broker := servers.Postgres(t), newRabbit(t, servers.RabbitMQ(t))
	broker.keep()
	tables, err := os.ReadFile(filepath.Join(example, "tables.sql"))
	if err != nil {
		t.Fatal(err)
	}
	url := database.URL("postgres")
	do(t, url, string(tables))
	w := procs.DescribeCluster(t, nil)
	configured(t, w, example, map[string][]string{
		"users": {"--store", database.Store("postgres")}, "events": {"--store", broker.Store(), "--staging", filepath.Join(t.TempDir(), "staging")},
	})
	run := func(ctx context.Context, args ...string) *osexec.Cmd {
		cmd := osexec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), "COORDINATOR="+w.Coordinator.Address, "DATABASE="+url, "BROKER="+broker.URL())
		return cmd
	}
	register := func(email, name, says string) {
		t.Helper()
		out, err := run(t.Context(), "register", email, name).CombinedOutput()
		if (err != nil) != (says != "") || !strings.Contains(string(out), says) {
			t.Errorf("register %s: %v: %s; want %q", email, err, out, says)
		}
	}
	register("ada@example.org", "Ada", "")
	register("ada@example.org", "Ada", "23505") // she is there already
	broker.Kill()
	register("eve@example.org", "Eve", "could not be asked")
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	broker.connect()
	register("bob@example.org", "Bob", "")
	if got := one[string](t, url, "select string_agg(name, ' ' order by name) from users"); got != "Ada Bob" {
		t.Errorf("users: %s", got)
	}

	again, ok, err := broker.ch.Get(servers.RabbitQueue, false)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := broker.ch.PublishWithContext(t.Context(), "", servers.RabbitQueue, true, false, amqp.Publishing{MessageId: again.MessageId, Body: again.Body}); err != nil {
		t.Fatal(err)
	}
	if err := again.Nack(false, true); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
	defer end()
	consumer := run(ctx, "welcome")
	if err := procs.StartBound(consumer); err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for left := -1; left != 0; <-look.C { // until none of the three waits any more
		q, err := broker.ch.QueueDeclarePassive(servers.RabbitQueue, true, false, false, false, quorum)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%d events are left: %v", left, err)
		}
		if left = q.Messages; one[int](t, url, "select count(*) from letter") < 2 {
			left = -1
		}
	}
	if err := consumer.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := consumer.Wait(); err != nil {
		t.Errorf("welcome ended with %v", err)
	}
	if got := one[string](t, url, "select string_agg(email || ': ' || body, ', ' order by email) from letter"); got != "ada@example.org: Welcome, Ada, bob@example.org: Welcome, Bob" {
		t.Errorf("letters: %s", got)
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
}
