package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc/participant"
)

// maxStreams bounds the streams that Check looks at.
const maxStreams = 1024

// rule is one thing to know about a stream.
type rule struct {
	name, severity, text string
	holds                func(c *jetstream.StreamConfig, b *broker) bool
}

// rules are all of them. What would lose a message is refused at Prepare, stream by stream: streams that nobody publishes
// to here do not keep the participant from starting.
var rules = []rule{
	{"nats-not-durable", "warn", "work for it is refused: what it has acknowledged could be lost (storage memory, persist mode async, no_ack, or sealed)",
		func(c *jetstream.StreamConfig, _ *broker) bool { return loses(c) != "" }},
	{"nats-short-window", "warn", "a message that is published again after an outage longer than its duplicate window is there twice; raise duplicate_window, or let consumers drop what they know",
		func(c *jetstream.StreamConfig, b *broker) bool { return c.Duplicates < b.window }},
	{"nats-drops-old", "warn", "at its limits it drops old messages, consumed or not (discard old)",
		func(c *jetstream.StreamConfig, _ *broker) bool {
			return c.Discard == jetstream.DiscardOld && limited(c)
		}},
	{"nats-may-be-full", "warn", "at its limits it takes no message, and commits wait until there is room (discard new)",
		func(c *jetstream.StreamConfig, _ *broker) bool {
			return c.Discard == jetstream.DiscardNew && limited(c)
		}},
	{"nats-interest", "warn", "it drops a message at once that no consumer is there for (retention interest)",
		func(c *jetstream.StreamConfig, _ *broker) bool { return c.Retention == jetstream.InterestPolicy }},
	{"nats-max-age", "info", "it drops messages by their age, consumed or not",
		func(c *jetstream.StreamConfig, _ *broker) bool { return c.MaxAge > 0 }},
	{"nats-one-replica", "info", "it has one replica: with the disk of its server its messages are lost",
		func(c *jetstream.StreamConfig, _ *broker) bool { return c.Replicas < 2 }},
}

func limited(c *jetstream.StreamConfig) bool {
	return c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxMsgsPerSubject > 0
}

// unseen is what no client can see, and must be known.
var unseen = participant.Finding{
	Name: "nats-sync-unseen", Severity: "info",
	Text: "whether the server syncs before it acknowledges cannot be seen from here; it does with sync_interval: always in its jetstream section, and every two minutes without",
}

// Report tells the server's version and what is to be known of its streams.
func (b *broker) Report(ctx context.Context) (participant.Report, error) {
	r := participant.Report{Kind: "nats", Version: "unknown"}
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	if _, err := b.js.AccountInfo(ctx); err != nil {
		why, silence := reasonOf(err)
		if silence == nil {
			r.Findings = append(r.Findings, participant.Finding{Name: "nats-no-jetstream", Severity: "refuse", Text: why.Text})
			return r, nil
		}
		return r, silence
	}
	r.Version = b.conn.ConnectedServerVersion()
	r.Findings = append(r.Findings, unseen)
	switch p, err := b.permissions(ctx); {
	case err != nil:
		return r, err
	case !p.known:
		r.Findings = append(r.Findings, participant.Finding{
			Name: "nats-permissions-unseen", Severity: "info",
			Text: "the user may not ask for its own permissions (" + userInfo + "): a subject that it may not publish to is found at commit, which then waits for the permission",
		})
	}
	found := map[string][]string{}
	if err := b.each(ctx, func(c *jetstream.StreamConfig) {
		for _, rule := range rules {
			if rule.holds(c, b) {
				found[rule.name] = append(found[rule.name], c.Name)
			}
		}
	}); err != nil {
		return r, err
	}
	for _, rule := range rules {
		if streams := found[rule.name]; len(streams) > 0 {
			r.Findings = append(r.Findings, participant.Finding{Name: rule.name, Severity: rule.severity, Text: fmt.Sprintf("stream %s: %s", some(streams), rule.text)})
		}
	}
	return r, nil
}

// each calls f for every stream that takes messages from publishers.
func (b *broker) each(ctx context.Context, f func(c *jetstream.StreamConfig)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	list := b.js.ListStreams(ctx)
	n := 0
	for info := range list.Info() {
		if n++; n > maxStreams {
			return nil
		}
		if info.Config.Mirror == nil && len(info.Config.Subjects) > 0 {
			f(&info.Config)
		}
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return fmt.Errorf("list streams: %w", err)
	}
	return nil
}

// some names the first of many.
func some(names []string) string {
	const shown = 8
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
