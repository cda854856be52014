package staged

import (
	"context"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// HeaderID is the header that carries Message.ID to consumers.
const HeaderID = "Txc-Msg-Id"

// Message is one message to be published.
type Message struct {
	ID          string            // the same each time it is published, and no other message's: BRANCH/N, at most 160 bytes of ASCII
	To          string            // a subject, a queue, or exchange/key: what it means is the broker's
	Headers     map[string]string // names of letters, digits, "-", "_" and "."; values without control characters
	ContentType string            // "": not said
	Body        []byte            // not to be changed
}

// Broker is what an adapter writes. Its methods block, honour ctx, and are called for many branches at once.
type Broker interface {
	// Validate tells why the messages of one branch could not be published, as far as can be known: no such stream or
	// queue, too large, not permitted, kept where a power loss takes them. The zero reason: they could. It publishes
	// nothing. An error says that the broker could not be asked; the vote is No then, too, and retryable.
	Validate(ctx context.Context, all []Message) (txc.Reason, error)

	// Publish publishes messages of one branch in their order, each with its ID, also as the header HeaderID, and returns nil
	// once the broker has acknowledged every one as durably its own. With an error it tells how many of the first it certainly
	// has: it is called again with the others, after a restart with all. The broker should drop a message whose ID it knows.
	// Once a branch is decided this must succeed sooner or later: what the broker refuses is an error like any other, told to
	// an operator, and tried again.
	Publish(ctx context.Context, all []Message) (taken int, err error)

	// Report tells the broker's kind, version, and what is wrong with its settings; the other fields are the store's. It
	// has Kind with an error, too.
	Report(ctx context.Context) (participant.Report, error)

	// Close ends the connection; twice is fine.
	Close(ctx context.Context) error
}
