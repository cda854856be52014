package coordinator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Coordinator runs a Core: one goroutine owns it, another writes the log, two read it. Its methods are safe for
// concurrent use; a context bounds the caller's waiting, not the transaction.
type Coordinator struct {
	core *Core
	log  wal.Log
	dial Dialer
	o    Options

	inbox       inbox
	writer      writer
	ids, keys   reader // look-ups by id, by key
	watchers    watchers
	submissions submissions

	links  map[string]*link // the owner's
	roomAt time.Time        // the owner's: when the disk was last looked at
	low    bool

	peersMu sync.Mutex
	peers   map[string]Link // for Check and InDoubt, which are not the owner's

	heard  chan struct{} // closed once every participant is heard
	failed chan error    // one error, then closed
	fail   sync.Once
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once
}

// roomEvery is how often the disk is asked for its free space.
const roomEvery = 250 * time.Millisecond

// Open starts a coordinator on a log that was opened just now. It has recovered when it returns: the epoch is raised,
// the log replayed, and participants were asked for their witnesses, for Options.AskFor at most (C6, C7). What still
// needs a witness answers undecided to participants and unknown to clients until it came. ctx bounds Open alone.
//
// Close does not close the log.
func Open(ctx context.Context, log wal.Log, rec wal.Recovery, dial Dialer, o Options) (*Coordinator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	core, err := NewCore(rec, o, o.Now())
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.Background())
	c := &Coordinator{
		core: core, log: log, dial: dial, o: o, cancel: cancel,
		links: map[string]*link{}, peers: map[string]Link{},
		heard: make(chan struct{}), failed: make(chan error, 1),
	}
	c.inbox.init()
	c.writer.init(c)
	c.ids.init(c)
	c.keys.init(c)
	for _, p := range core.Connect() {
		c.connect(p)
	}
	write, written := context.WithCancel(context.Background())
	c.wg.Go(func() {
		c.own(run)
		written() // the owner gives the log nothing more
		c.submissions.abandon(c.inbox.unheard())
	})
	c.wg.Go(func() { c.writer.run(write) })
	c.wg.Go(func() { c.ids.run(run) })
	c.wg.Go(func() { c.keys.run(run) })
	grace := time.NewTimer(o.AskFor)
	defer grace.Stop()
	select {
	case <-c.heard:
	case <-grace.C:
	case <-ctx.Done():
		c.stop(nil)
		c.wg.Wait()
		c.closeLinks()
		return nil, fmt.Errorf("open coordinator: %w", ctx.Err())
	}
	return c, nil
}

// own is the owner's loop: drain the inbox, step the core, carry the effects out.
func (c *Coordinator) own(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var eff Effects
	var events []Event
	told := false
	for {
		events = c.inbox.take(events)
		if c.o.Gate != nil {
			events = c.gateEvents(events)
		}
		next := c.core.Step(c.world(), events, &eff)
		clear(events)
		c.carryOut(&eff)
		if !told && c.core.Heard() {
			told = true
			close(c.heard)
		}
		if !c.inbox.empty() {
			continue
		}
		wait := refreshEvery
		if !next.IsZero() {
			wait = min(wait, next.Sub(c.o.Now()))
		}
		timer.Reset(max(wait, 0))
		select {
		case <-ctx.Done():
			return
		case <-c.inbox.wake:
		case <-timer.C:
		}
	}
}

func (c *Coordinator) world() World {
	now := c.o.Now()
	if now.Sub(c.roomAt) >= roomEvery || now.Before(c.roomAt) {
		c.roomAt = now
		_, c.low = c.log.Room()
	}
	return World{Now: now, Synced: c.log.Synced(), Low: c.low, Floor: c.log.Floor()}
}

// carryOut is the one gate through which everything leaves. Answers go before a stop: what was durable may be told.
func (c *Coordinator) carryOut(eff *Effects) {
	if c.o.Gate != nil {
		c.gateEffects(eff)
	}
	if len(eff.Append) > 0 {
		c.writer.add(eff.Append)
	}
	for _, s := range eff.Send {
		if len(s.Messages) > 0 {
			c.send(s)
		}
	}
	for i := range eff.Answers {
		eff.Answers[i].Token.(token).answer(&eff.Answers[i])
	}
	for _, name := range eff.Hangup {
		c.disconnect(name)
	}
	for _, p := range eff.Dial {
		c.connect(p)
	}
	for _, l := range eff.Lookups {
		if l.Key == "" {
			c.ids.add(l)
		} else {
			c.keys.add(l)
		}
	}
	if len(eff.Changed) > 0 {
		c.watchers.tell(eff.Changed)
	}
	for _, why := range eff.Alarms {
		c.o.Logger.Error("a person is needed", "why", why)
	}
	if eff.Stop != nil {
		c.stop(eff.Stop)
	}
	clear(eff.Append)
	clear(eff.Send)
	clear(eff.Answers)
	clear(eff.Lookups)
	*eff = Effects{
		Append: eff.Append[:0], Send: eff.Send[:0], Answers: eff.Answers[:0], Lookups: eff.Lookups[:0],
		Dial: eff.Dial[:0], Hangup: eff.Hangup[:0], Changed: eff.Changed[:0],
	}
}

// stop ends the owner's work; with an error the program must end too (C2, C3, C5).
func (c *Coordinator) stop(err error) {
	c.fail.Do(func() {
		if err != nil {
			c.o.Logger.Error("coordinator stopped itself", "err", err)
			c.failed <- err
		}
		close(c.failed)
		c.inbox.close(err)
		c.watchers.close()
		c.cancel()
	})
}

// Failed yields the error after which the program must end (exit code 9), and is closed by Close.
func (c *Coordinator) Failed() <-chan error { return c.failed }

// Drain refuses new transactions and waits until nothing is undecided.
func (c *Coordinator) Drain(ctx context.Context) error {
	_, err := c.call(ctx, func(t Token) Event { return AskDrain{t} })
	return err
}

// Close ends the coordinator at once: what is undecided aborts by absence, what is committing stays in the log. Every
// goroutine has ended, and every link is closed, when it returns. A second call does nothing.
func (c *Coordinator) Close(ctx context.Context) error {
	var err error
	c.closed.Do(func() {
		c.stop(nil)
		ended := make(chan struct{})
		go func() {
			c.wg.Wait()
			c.closeLinks()
			close(ended)
		}()
		select {
		case <-ended:
		case <-ctx.Done():
			err = fmt.Errorf("close coordinator: %w", ctx.Err())
		}
	})
	return err
}

// call asks the core and waits for its answer.
func (c *Coordinator) call(ctx context.Context, ask func(Token) Event) (Answered, error) {
	w := &waiting{ch: make(chan Answered, 1)}
	if err := c.inbox.ask(ask(w)); err != nil {
		return Answered{}, err
	}
	select {
	case a := <-w.ch:
		return a, a.Err
	case <-ctx.Done():
		return Answered{}, fmt.Errorf("%w: %w", txc.ErrUnknown, context.Cause(ctx))
	case <-c.inbox.done:
		select { // an answer may have come with the end
		case a := <-w.ch:
			return a, a.Err
		default:
			return Answered{}, c.inbox.unheard()
		}
	}
}

// token is the shell's form of a Token.
type token interface{ answer(a *Answered) }

type waiting struct{ ch chan Answered }

func (w *waiting) answer(a *Answered) { w.ch <- *a }
