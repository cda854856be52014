package participant

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc"
)

// Agent is one participant: it keeps the protocol for a Resource, towards any number of coordinators. Its methods are
// safe for concurrent use.
type Agent struct {
	o           Options
	self        Peer
	store       Resource
	batcher     Batcher // nil: none
	stamper     Stamper // nil: none
	joiner      Joiner  // nil: none
	started     time.Time
	incarnation uint64

	core  *Core  // the owner's
	group []Call // the owner's: for the Batcher, reused
	inbox inbox
	pool  pool
	joins joins // of the service

	cancels cancels       // of everything that waits for others
	quit    chan struct{} // closed when the agent ends

	registrars []*registrar

	failed chan error
	wg     sync.WaitGroup // the owner, registrars, questions
	close  sync.Once
	ended  chan struct{} // the owner has ended
	gone   error         // what Close returned
}

// Stamper is a Resource that keeps a durable stamp (P12) and can tell it at any time. Without it the stamp of Recall is
// shown, which is as safe and tells less.
type Stamper interface {
	// Stamp is the last durable one; it never blocks.
	Stamp() uint64
}

// Open starts an agent on a store: the store is recovered, checked and its promises taken over before anything is
// answered (P10). It registers with each coordinator in the background, again and again until it succeeds. ctx bounds
// Open alone. The agent owns the store from now on, and closes it; if Open fails, the store is closed.
func Open(ctx context.Context, store Resource, coordinators []Coordinator, o Options) (*Agent, error) {
	a, err := open(ctx, store, o)
	if err != nil {
		return nil, errors.Join(err, store.Close(ctx))
	}
	for _, c := range coordinators {
		a.register(c)
	}
	a.wg.Go(a.own)
	return a, nil
}

func open(ctx context.Context, store Resource, o Options) (*Agent, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open participant %s: %w", o.Name, err)
	}
	memory, promised, report, err := recall(ctx, store, o)
	if err != nil {
		return nil, fmt.Errorf("open participant %s: %w", o.Name, err)
	}
	a := &Agent{
		o: o, store: store, started: time.Now(), incarnation: draw(), failed: make(chan error, 1), ended: make(chan struct{}),
		quit: make(chan struct{}),
	}
	a.batcher, _ = store.(Batcher)
	a.stamper, _ = store.(Stamper)
	a.joiner, _ = store.(Joiner)
	a.inbox.init()
	a.pool.workers = o.Workers
	a.core = NewCore(Config{
		Cluster: o.Cluster, Name: o.Name, Software: o.Software, Instance: memory.Instance, Incarnation: a.incarnation,
		InquireEvery: o.InquireEvery, Seed: draw(), Started: a.started,
	}, memory, promised)
	a.self = Peer{
		Name: o.Name, Address: o.Advertise, Kind: report.Kind, Version: report.Version,
		Instance: memory.Instance, Incarnation: a.incarnation, Stamp: memory.Stamp, Seen: memory.Seen,
	}
	return a, nil
}

// recall reads what the store shows, and writes the notebook once more: what was read may never have been synced.
func recall(ctx context.Context, store Resource, o Options) (memory Memory, promised []InDoubt, report Report, err error) {
	if report, err = store.Check(ctx); err != nil {
		return memory, nil, report, fmt.Errorf("check the store: %w", err)
	}
	if f := o.waive(&report); f != nil {
		return memory, nil, report, fmt.Errorf("%w: the store is not fit: %s: %s (--waive %s to start all the same)", txc.ErrInvalid, f.Name, f.Text, f.Name)
	}
	if memory, err = store.Recall(ctx); err != nil {
		return memory, nil, report, fmt.Errorf("recall: %w", err)
	}
	if err = store.Remember(ctx, memory); err != nil {
		return memory, nil, report, fmt.Errorf("remember: %w", err)
	}
	for d, err := range store.InDoubt(ctx) {
		if err != nil {
			return memory, nil, report, fmt.Errorf("list what is in doubt: %w", err)
		}
		promised = append(promised, d)
	}
	return memory, promised, report, nil
}

// draw draws a number that is not zero.
func draw() uint64 {
	for {
		var b [8]byte
		crand.Read(b[:]) // never fails
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// Name is the participant's.
func (a *Agent) Name() string { return a.o.Name }

// Peer is how the agent registers itself: what a coordinator of the same process is told by its program.
func (a *Agent) Peer() Peer { return a.self }

// Incarnation was drawn at this start (P4).
func (a *Agent) Incarnation() uint64 { return a.incarnation }

// Instance is the store's identity (P12).
func (a *Agent) Instance() [16]byte { return a.self.Instance }

// Failed yields one error if the store stops itself: what it last wrote is of unknown fate, and only opening it again
// tells (P11). Nothing is answered any more; the program should end.
func (a *Agent) Failed() <-chan error { return a.failed }

// own is the owner's loop: drain the inbox, step the core, carry the effects out.
func (a *Agent) own() {
	defer close(a.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var out Effects
	var events []Event
	for {
		events = a.inbox.take(events)
		a.core.Step(a.now(), events, &out)
		a.opened(events)
		clear(events)
		a.carryOut(&out)
		if out.Failed != nil {
			a.o.Logger.Error("the participant has stopped itself", "participant", a.o.Name, "err", out.Failed)
			a.failed <- out.Failed
		}
		if out.Failed != nil || out.Closed {
			break
		}
		if !a.wait(timer) {
			break
		}
	}
	a.inbox.end(out.Failed)
}

// wait waits for an event or the time; false: the agent is to end at once.
func (a *Agent) wait(timer *time.Timer) bool {
	var due <-chan time.Time
	if at, ok := a.core.Wake(); ok {
		timer.Reset(max(0, at-a.now()))
		due = timer.C
	}
	select {
	case <-a.quit:
		return false
	default:
	}
	select {
	case <-a.inbox.wake: // full when anything was put since the last turn
	case <-due:
	case <-a.quit:
		return false
	}
	return true
}

// now is the core's clock: monotonic.
func (a *Agent) now() time.Duration { return time.Since(a.started) }

// carryOut hands effects to who does them; it never blocks.
func (a *Agent) carryOut(out *Effects) {
	a.carryOutCalls(out.Calls)
	a.carryOutSends(out.Sends)
	for _, q := range out.Asks {
		a.inquire(q)
	}
	for _, answer := range out.Answers {
		a.inbox.answer(answer)
	}
	for _, k := range out.Doomed {
		a.joins.doom(key(k))
	}
	for _, number := range out.Lost {
		a.registerAgain(number)
	}
	for _, t := range out.Troubles {
		a.o.Logger.Warn(t.Text, "participant", a.o.Name, "tx", t.ID)
	}
}

// Close refuses work from now on, ends what has not promised, keeps promises in the store, and closes the store. When
// ctx ends first, what still runs is cut off: its fate is what the next Open finds. Twice is fine.
func (a *Agent) Close(ctx context.Context) error {
	a.close.Do(func() {
		a.inbox.put(CloseAsked{})
		var err error
		select {
		case <-a.ended:
		case <-ctx.Done():
			err = fmt.Errorf("close participant %s: %w", a.o.Name, ctx.Err())
		}
		close(a.quit)
		a.cancels.all()
		<-a.ended // the owner gives the pool no more work
		a.pool.wait()
		a.wg.Wait()
		a.gone = errors.Join(err, a.store.Close(ctx))
	})
	return a.gone
}
