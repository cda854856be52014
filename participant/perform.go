package participant

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc"
)

// cancels knows how to cut off whatever waits for others: Prepares by the number of their call, so that they can be
// ended alone, and everything when the agent ends.
type cancels struct {
	mu    sync.Mutex
	ended bool
	of    map[any]context.CancelFunc
}

// bound makes a context that ends with the agent; end must be called.
func (c *cancels) bound(k any, ctx context.Context, cancel context.CancelFunc) (_ context.Context, end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[any]context.CancelFunc{}
	}
	if c.ended {
		cancel()
	}
	c.of[k] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.of, k)
	}
}

// within is bound for at most d; the context has the values of another, and does not end with it.
func (c *cancels) within(values context.Context, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(values), d)
	return c.bound(ctx, ctx, cancel)
}

// one ends one of them soon.
func (c *cancels) one(k any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.of[k]; cancel != nil {
		cancel()
	}
}

func (c *cancels) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, cancel := range c.of {
		cancel()
	}
}

// carryOutCalls gives the store its deeds: in groups to a Batcher, else one by one to the pool.
func (a *Agent) carryOutCalls(calls []Call) {
	group := a.group[:0]
	for i := range calls {
		c := &calls[i]
		switch {
		case a.batcher != nil && verbs[c.Deed] != 0:
			group = append(group, *c)
		case c.Deed == DeedCancel:
			a.cancels.one(c.Of)
			a.done(performed{c.N, c.Deed, key{c.Branch.ID, c.Branch.Mark}}, Done{}, a.pass(deedPoint(c.Deed), c.Branch.ID, c.Branch.Mark))
		default:
			a.lend(*c)
		}
	}
	if len(group) > 0 {
		a.submit(group)
		clear(group)
	}
	a.group = group
}

// lend gives a deed to a worker. It is bound before one is found: a Prepare can be cut off while it waits.
func (a *Agent) lend(c Call) {
	ctx, end := a.boundCall(c)
	// A closing Prepare waits for no lock: it lets go of what shipped ones may be waiting for.
	a.pool.do(c.Deed != DeedPrepare || c.Joined, func() { a.perform(ctx, end, c) })
}

var verbs = [...]Verb{DeedPrepare: VerbPrepare, DeedCommit: VerbCommit, DeedAbort: VerbAbort, DeedCancel: VerbAbort, DeedList: 0}

// submit gives a Batcher one group. The calls stay the caller's.
func (a *Agent) submit(calls []Call) {
	sent := make([]performed, 0, len(calls))
	reqs := make([]Request, 0, len(calls))
	for i := range calls {
		c := &calls[i]
		p := performed{c.N, c.Deed, key{c.Branch.ID, c.Branch.Mark}}
		if err := a.pass(deedPoint(c.Deed), c.Branch.ID, c.Branch.Mark); err != nil {
			a.done(p, Done{}, err)
			continue
		}
		r := Request{Verb: verbs[c.Deed], Branch: c.Branch, Joined: c.Joined, Work: c.Work, Evidence: c.Evidence, Relaxed: c.Relaxed}
		if c.Deed == DeedPrepare {
			r.Deadline = a.started.Add(c.Deadline)
		}
		sent, reqs = append(sent, p), append(reqs, r)
	}
	if len(reqs) == 0 {
		return
	}
	a.batcher.Submit(reqs, func(i int, r Reply) {
		a.done(sent[i], Done{Promise: r.Promise, Fate: r.Fate}, r.Err)
	})
}

// performed is what is kept of a Call until it completes.
type performed struct {
	n      uint64
	deed   Deed
	branch key
}

func (a *Agent) boundCall(c Call) (context.Context, func()) {
	if c.Deed == DeedPrepare {
		ctx, cancel := context.WithDeadline(context.Background(), a.started.Add(c.Deadline))
		return a.cancels.bound(c.N, ctx, cancel)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return a.cancels.bound(c.N, ctx, cancel)
}

// perform does one deed of a blocking store.
func (a *Agent) perform(ctx context.Context, end func(), c Call) {
	defer end()
	p := performed{c.N, c.Deed, key{c.Branch.ID, c.Branch.Mark}}
	if err := a.pass(deedPoint(c.Deed), c.Branch.ID, c.Branch.Mark); err != nil {
		a.done(p, Done{}, err)
		return
	}
	var d Done
	var err error
	switch c.Deed {
	case DeedPrepare:
		if ctx.Err() != nil { // it waited too long for a worker: the store has not heard of it
			d.Promise = Promise{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeDeadline, Text: "its time ran out before a worker was free", Retryable: true}}
			break
		}
		d.Promise, err = a.store.Prepare(ctx, c.Branch, c.Work, c.Joined)
	case DeedCommit:
		d.Fate, err = a.store.Commit(ctx, c.Branch, c.Evidence)
	case DeedAbort:
		d.Fate, err = a.store.Abort(ctx, c.Branch, c.Evidence)
	case DeedSettle:
		d.OK, err = a.store.Settle(ctx, c.Branch, c.Settlement)
	case DeedDrop:
		err = a.store.Reconciled(ctx, c.Branch)
	case DeedForget:
		err = a.store.Forget(ctx, c.Below, c.But)
	case DeedRemember:
		err = a.store.Remember(ctx, Memory{Instance: a.self.Instance, Seen: c.Seen})
	case DeedList:
		err = a.look(ctx, c, &d)
	case DeedCancel:
	}
	a.done(p, d, err)
}

// look reads what is in doubt, then the markers.
func (a *Agent) look(ctx context.Context, c Call, d *Done) error {
	for b, err := range a.store.InDoubt(ctx) {
		if err != nil {
			return fmt.Errorf("in doubt: %w", err)
		}
		d.InDoubt = append(d.InDoubt, b)
	}
	for m, err := range a.store.Committed(ctx, c.Below) {
		if err != nil {
			return fmt.Errorf("committed: %w", err)
		}
		d.Committed = append(d.Committed, m)
	}
	return nil
}

// done gives the core a completion, past the gate.
func (a *Agent) done(p performed, d Done, err error) {
	if gated := a.pass(donePoint(p.deed), p.branch.ID, p.branch.Mark); gated != nil {
		err = gated
	}
	d.N, d.Err = p.n, err
	if a.stamper != nil {
		d.Stamp = a.stamper.Stamp()
	}
	a.inbox.put(d)
}
