package coordinator

import (
	"context"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Run begins a transaction with all of its work, and commits it. An error means that the request was wrong or could not
// be served, and that nothing was begun, unless it wraps txc.ErrUnknown; an abort is a Result.
func (c *Coordinator) Run(ctx context.Context, r Request) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskRun{t, r} })
	return a.Result, err
}

// Submit is Run for many: no goroutine per request. done is called exactly once per request, from one goroutine at a
// time, and must not block: after the end of the coordinator with txc.ErrUnknown for those that were not answered. The
// batch is the coordinator's from here on.
func (c *Coordinator) Submit(batch []Request, done func(i int, r Result, err error)) {
	s := &submission{c: c, done: done, requests: make([]submitted, len(batch))}
	events := make([]Event, 0, len(batch))
	places := c.inbox.enter(firsts(batch))
	for i := range batch {
		if batch[i].first() {
			if places == 0 {
				s.requests[i].told = true
				done(i, Result{}, errCrowded)
				continue
			}
			places--
		}
		s.requests[i] = submitted{of: s, i: i}
		events = append(events, AskRun{&s.requests[i], batch[i]})
	}
	if s.left = len(events); s.left == 0 {
		return
	}
	if !c.submissions.add(s) {
		s.refuse(c.inbox.refusal())
		return
	}
	if err := c.inbox.put(events...); err != nil && c.submissions.remove(s) {
		s.refuse(err) // what was abandoned already was answered by whoever did that
	}
}

func firsts(batch []Request) (n int) {
	for i := range batch {
		if batch[i].first() {
			n++
		}
	}
	return n
}

// Ask hands any ask in, without waiting: done is called at most once, from the owner's goroutine, and must not block. It
// is the way in of a stream, which carries all kinds of asks in order; make builds the event around the token. An error
// says that nothing was begun and done is not called: the coordinator has ended, or is given more than it can do. What was
// asked before the end and not answered is unknown.
func (c *Coordinator) Ask(done func(a Answered), make func(Token) Event) error {
	return c.inbox.ask(make(asked{done}))
}

type asked struct{ done func(Answered) }

func (d asked) answer(a *Answered) { d.done(*a) }

// Done is closed when nothing is answered any more.
func (c *Coordinator) Done() <-chan struct{} { return c.inbox.done }

// Begin makes an interactive transaction: nothing is durable.
func (c *Coordinator) Begin(ctx context.Context, r Request) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskBegin{t, r} })
	return a.Result, err
}

// Enlist adds a branch; the same again is fine, the same participant with other work is refused.
func (c *Coordinator) Enlist(ctx context.Context, id txc.ID, w Work) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskEnlist{Token: t, ID: id, Work: w} })
	return a.Result, err
}

// Commit ends an interactive transaction. Repeatable: the decision never changes.
func (c *Coordinator) Commit(ctx context.Context, id txc.ID, w Wait, joined []Work) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskCommit{Token: t, ID: id, Wait: w, Joined: joined} })
	return a.Result, err
}

// Abort ends a transaction that is not decided; of a decided one the Result tells the outcome.
func (c *Coordinator) Abort(ctx context.Context, id txc.ID, why string) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskAbort{Token: t, ID: id, Why: why} })
	return a.Result, err
}

// Outcome tells what is known of an id, or of a key where the id is zero (C4, C11).
func (c *Coordinator) Outcome(ctx context.Context, id txc.ID, key string) (Result, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskOutcome{Token: t, ID: id, Key: key} })
	return a.Result, err
}

// Inquire is a participant's question; H4's record is durable before the answer says so.
func (c *Coordinator) Inquire(ctx context.Context, q Question) (Answer, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskInquire{t, q} })
	return a.Answer, err
}

// Register takes a participant in, durably before it returns, and tells which opening it speaks to.
func (c *Coordinator) Register(ctx context.Context, p Peer) (protocol.Sender, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskRegister{t, p} })
	return a.Opening, err
}

// Resolve settles a branch of a committed transaction by an operator's word (H3), durably before it returns.
func (c *Coordinator) Resolve(ctx context.Context, id txc.ID, participant string, o txc.Outcome, who, why string) (Detail, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskResolve{t, id, participant, o, who, why} })
	return a.Detail, err
}

// Acknowledge ends the listing of a transaction with a heuristic branch (H1), durably before it returns.
func (c *Coordinator) Acknowledge(ctx context.Context, id txc.ID, who, why string) (Detail, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskAcknowledge{t, id, who, why} })
	return a.Detail, err
}

// Accept is C12: what is loss, participant or gone. After an accepted loss the coordinator stops itself, to be started
// again under a higher epoch.
func (c *Coordinator) Accept(ctx context.Context, what, participant, who, why string) (Status, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskAccept{t, what, participant, who, why} })
	if err == nil {
		a.Status.DiskFree, a.Status.DiskLow = c.log.Room()
		a.Status.Now = c.o.Now()
		if l, ok := c.log.(interface{ Report() Report }); ok { // a log that lives in files
			a.Status.Log = l.Report()
		}
	}
	return a.Status, err
}

// Remove drains a participant and removes it once nothing needs it (C13).
func (c *Coordinator) Remove(ctx context.Context, participant, who, why string) error {
	_, err := c.call(ctx, func(t Token) Event { return AskRemove{t, participant, who, why} })
	return err
}

// Status tells of the coordinator itself.
func (c *Coordinator) Status(ctx context.Context) (Status, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskStatus{t} })
	if err == nil {
		a.Status.DiskFree, a.Status.DiskLow = c.log.Room()
		a.Status.Now = c.o.Now()
		if l, ok := c.log.(interface{ Report() Report }); ok { // a log that lives in files
			a.Status.Log = l.Report()
		}
	}
	return a.Status, err
}
