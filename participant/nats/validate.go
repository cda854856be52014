package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/staged"
)

// What the server was asked of a subject holds for so long. A change inside it is one after the vote: the commit is
// repeated until the stream takes it.
const fresh = time.Second

// maxKnown bounds the subjects whose streams are remembered.
const maxKnown = 4096

// stream is what is known of the stream that takes a subject.
type stream struct {
	at     time.Time
	config *jetstream.StreamConfig // nil: there is none
}

// Validate looks for the stream of each subject, and at what would keep it from taking the message, or lose it.
func (b *broker) Validate(ctx context.Context, all []staged.Message) (txc.Reason, error) {
	for i, m := range all {
		why, err := b.validate(ctx, m)
		if err != nil || !why.IsZero() {
			why.Text = fmt.Sprintf("message %d to %q: %s", i, m.To, why.Text)
			return why, err
		}
	}
	return txc.Reason{}, nil
}

func (b *broker) validate(ctx context.Context, m staged.Message) (txc.Reason, error) {
	if wrong := subject(m.To); wrong != "" {
		return txc.Reason{Code: txc.CodeBadWork, Text: wrong}, nil
	}
	for name := range m.Headers {
		if strings.HasPrefix(strings.ToLower(name), "nats-") {
			return txc.Reason{Code: txc.CodeBadWork, Text: fmt.Sprintf("header %q: what begins with Nats- is the server's", name)}, nil
		}
	}
	s, err := b.streamOf(ctx, m.To)
	if err != nil {
		return reasonOf(err)
	}
	n := int64(size(message(m)))
	switch {
	case s.config == nil:
		return refuse("no stream takes this subject"), nil
	case n > b.conn.MaxPayload():
		return refuse("it has %d bytes, headers included, and the server takes %d", n, b.conn.MaxPayload()), nil
	case s.config.MaxMsgSize > 0 && n > int64(s.config.MaxMsgSize):
		return refuse("it has %d bytes, headers included, and stream %s takes %d", n, s.config.Name, s.config.MaxMsgSize), nil
	}
	if lost := loses(s.config); lost != "" {
		return txc.Reason{Code: txc.CodeStore, Text: "stream " + s.config.Name + " " + lost}, nil
	}
	switch may, err := b.permitted(ctx, m.To); {
	case err != nil:
		return reasonOf(err)
	case !may:
		return refuse("the participant's user may not publish to it"), nil
	}
	return txc.Reason{}, nil
}

func refuse(format string, args ...any) txc.Reason {
	return txc.Reason{Code: txc.CodeRefused, Text: fmt.Sprintf(format, args...)}
}

// reasonOf tells what the server has said from its silence.
func reasonOf(err error) (txc.Reason, error) {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return txc.Reason{Code: txc.CodeStore, Text: err.Error()}, nil
	}
	return txc.Reason{}, away(err)
}

// subject tells what is wrong with one to publish to.
func subject(s string) string {
	for _, token := range strings.Split(s, ".") {
		if token == "" || strings.ContainsAny(token, "*>") || strings.ContainsFunc(token, unicode.IsSpace) {
			return "a subject has words between dots, and neither wildcards nor spaces"
		}
	}
	if strings.HasPrefix(s, "$") || strings.HasPrefix(s, "_INBOX.") {
		return "subjects that begin with $ or _INBOX are the server's own"
	}
	return ""
}

// loses tells why a stream cannot be trusted with a message that it has acknowledged, or takes none; "": it can.
func loses(c *jetstream.StreamConfig) string {
	switch {
	case c.Storage == jetstream.MemoryStorage:
		return "keeps its messages in memory: a restart loses them"
	case c.PersistMode == jetstream.AsyncPersistMode:
		return "acknowledges what it has not written (persist mode async)"
	case c.NoAck:
		return "does not acknowledge what it takes"
	case c.Sealed:
		return "is sealed"
	case c.AllowMsgCounter:
		return "counts, and takes nothing but increments"
	}
	return ""
}

// streamOf asks the server which stream takes a subject, and for its settings.
func (b *broker) streamOf(ctx context.Context, subject string) (stream, error) {
	b.mu.Lock()
	s, ok := b.streams[subject]
	b.mu.Unlock()
	if ok && time.Since(s.at) < fresh {
		return s, nil
	}
	s = stream{at: time.Now()}
	name, err := b.js.StreamNameBySubject(ctx, subject)
	if err == nil {
		var of jetstream.Stream
		if of, err = b.js.Stream(ctx, name); err == nil {
			s.config = &of.CachedInfo().Config
		}
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return s, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.streams) >= maxKnown {
		clear(b.streams)
	}
	b.streams[subject] = s
	return s, nil
}
