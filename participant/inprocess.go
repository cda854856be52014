package participant

import (
	"context"
	"sync/atomic"
)

// Link is a coordinator's link to an agent of the same process: no network, no copies.
type Link struct {
	session     *Session
	coordinator atomic.Uint32 // the number that speaks over it
}

// InProcess makes a link; it is what a coordinator's dialer returns for an agent of its own process. receive is as
// Connect says.
func InProcess(a *Agent, receive func(up bool, batch []Message)) *Link {
	return &Link{session: a.Connect(receive)}
}

// Send is Session.Submit.
func (l *Link) Send(batch []Message) bool {
	for _, m := range batch {
		if m.From != nil {
			l.coordinator.Store(m.From.Coordinator)
		}
	}
	return l.session.Submit(batch)
}

// Check is Agent.Check.
func (l *Link) Check(ctx context.Context) (Report, error) { return l.session.agent.Check(ctx) }

// InDoubt lists what is in doubt for the coordinator that speaks over the link.
func (l *Link) InDoubt(ctx context.Context) ([]InDoubt, error) {
	return l.session.agent.InDoubt(ctx, l.coordinator.Load())
}

// Close ends the link; promises stay. Twice is fine.
func (l *Link) Close() error {
	l.session.Close()
	return nil
}
