package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/staged"
)

// oldest is the first version with quorum queues.
const oldestMajor, oldestMinor = 3, 8

// Report tells version, and what keeps messages from being published: found out with a message that no queue takes.
func (b *broker) Report(ctx context.Context) (participant.Report, error) {
	r := participant.Report{Kind: "rabbitmq"}
	find := func(name, severity, format string, args ...any) {
		r.Findings = append(r.Findings, participant.Finding{Name: "rabbitmq-" + name, Severity: severity, Text: fmt.Sprintf(format, args...)})
	}
	k, err := b.asks.get(ctx)
	var said *amqp.Error
	switch {
	case errors.As(err, &said) && (said.Code == amqp.AccessRefused || said.Code == amqp.NotAllowed):
		find("login", "refuse", "the server does not let the user in: %s", said.Reason)
		return r, nil
	case err != nil:
		return r, err
	}
	r.Version = k.version()
	if old(r.Version) {
		find("version", "refuse", "version %s: %d.%d or later is needed", r.Version, oldestMajor, oldestMinor)
	}
	if p := k.product(); p != "RabbitMQ" {
		find("other-product", "warn", "it calls itself %q: nothing is known of how it keeps messages", p)
	}
	nobody := staged.Message{ID: "txc/check", To: "txc.nobody." + rand.Text()}
	switch _, err := b.Publish(ctx, []staged.Message{nobody}); {
	case errors.Is(err, errReturned):
	case errors.Is(err, errBlocked):
		find("blocked", "warn", "%v: commits wait", err)
	case errors.As(err, &said) && said.Code == amqp.AccessRefused:
		find("may-not-publish", "warn", "the user may not publish to queues by their names: %s", said.Reason)
	case err == nil:
		find("unroutable", "refuse", "it confirmed a message that no queue took: what is published could be lost unseen")
	default:
		return r, err
	}
	return r, nil
}

func old(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major < oldestMajor || major == oldestMajor && minor < oldestMinor
}
