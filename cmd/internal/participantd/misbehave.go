package participantd

import (
	"context"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// Misbehave says how a participant is to misbehave. The zero value behaves.
type Misbehave struct {
	Deny   bool          // votes No to every Prepare
	Delay  time.Duration // begins everything so much later
	Stall  bool          // never votes; a Prepare is let go of when its Abort comes
	Forget bool          // rolls back what it has promised, and has no proof of that: a hazard (P7)
}

// wrap gives the store its manners.
func (m Misbehave) wrap(store *kv.Store) participant.Resource {
	if m == (Misbehave{}) {
		return store
	}
	return &unruly{Store: store, how: m, quit: make(chan struct{}), held: map[string]func(){}}
}

// unruly is a store that misbehaves. All that an agent asks of a Batcher passes Submit.
type unruly struct {
	*kv.Store
	how  Misbehave
	quit chan struct{}
	once sync.Once
	wg   sync.WaitGroup // of delays

	mu   sync.Mutex
	held map[string]func() // stalled Prepares by branch: answers No
}

// Submit is participant.Batcher's.
func (u *unruly) Submit(reqs []participant.Request, done func(i int, r participant.Reply)) {
	if u.how.Delay == 0 {
		u.each(reqs, done)
		return
	}
	u.wg.Go(func() {
		t := time.NewTimer(u.how.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-u.quit:
		}
		u.each(reqs, done)
	})
}

func (u *unruly) each(reqs []participant.Request, done func(i int, r participant.Reply)) {
	for i := range reqs {
		u.one(reqs[i], func(r participant.Reply) { done(i, r) })
	}
}

func (u *unruly) one(r participant.Request, done func(participant.Reply)) {
	pass := func(r participant.Request, done func(participant.Reply)) {
		u.Store.Submit([]participant.Request{r}, func(_ int, reply participant.Reply) { done(reply) })
	}
	switch {
	case r.Verb == participant.VerbPrepare && u.how.Deny:
		done(no("it was told to deny everything"))
	case r.Verb == participant.VerbPrepare && u.how.Stall:
		u.hold(r.Branch.Name(), func() { done(no("it was told to stall")) })
	case r.Verb == participant.VerbAbort:
		u.release(r.Branch.Name())
		pass(r, done)
	case r.Verb == participant.VerbCommit && u.how.Forget:
		r.Verb = participant.VerbAbort
		pass(r, func(reply participant.Reply) {
			if reply.Err == nil && reply.Fate == txc.AbortedNow {
				reply.Fate = txc.Hazard
			}
			done(reply)
		})
	default:
		pass(r, done)
	}
}

func no(text string) participant.Reply {
	return participant.Reply{Promise: participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeRefused, Text: text}}}
}

func (u *unruly) hold(name string, answer func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.held[name] = answer
}

func (u *unruly) release(name string) {
	u.mu.Lock()
	answer := u.held[name]
	delete(u.held, name)
	u.mu.Unlock()
	if answer != nil {
		answer()
	}
}

// Close lets go of what is held, and closes the store.
func (u *unruly) Close(ctx context.Context) error {
	u.once.Do(func() { close(u.quit) })
	u.wg.Wait()
	u.mu.Lock()
	held := u.held
	u.held = map[string]func(){}
	u.mu.Unlock()
	for _, answer := range held {
		answer()
	}
	return u.Store.Close(ctx)
}
