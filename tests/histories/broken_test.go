package histories_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// flaw is a way in which a participant is broken.
type flaw string

// The flaws.
const (
	sound         flaw = "sound"
	unlockedReads flaw = "it drops read locks"
	earlyRelease  flaw = "it applies, and lets go of its locks, before phase two"
	ignoredChecks flaw = "it ignores checks"
)

// broken is a key-value store with a flaw. All that an agent asks of a Batcher passes Submit.
type broken struct {
	*kv.Store
	flaw flaw
	wg   sync.WaitGroup // of requests that may be held

	mu      sync.Mutex
	hold    func(participant.Request) // waits before a request is carried out; nil: nothing does
	applied map[string]bool           // branches that were applied before their decision came
}

func newBroken(store *kv.Store, f flaw) *broken {
	return &broken{Store: store, flaw: f, applied: map[string]bool{}}
}

// Submit is participant.Batcher's.
func (b *broken) Submit(reqs []participant.Request, done func(i int, r participant.Reply)) {
	b.mu.Lock()
	hold := b.hold
	b.mu.Unlock()
	for i, r := range reqs {
		answer := func(reply participant.Reply) { done(i, reply) }
		if hold == nil {
			b.one(r, answer)
			continue
		}
		b.wg.Go(func() {
			hold(r)
			b.one(r, answer)
		})
	}
}

// holding has every request pass through f first.
func (b *broken) holding(f func(participant.Request)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = f
}

func (b *broken) pass(r participant.Request, done func(participant.Reply)) {
	b.Store.Submit([]participant.Request{r}, func(_ int, reply participant.Reply) { done(reply) })
}

func (b *broken) one(r participant.Request, done func(participant.Reply)) {
	switch {
	case b.flaw == earlyRelease:
		b.early(r, done)
	case b.flaw != sound && r.Verb == participant.VerbPrepare:
		b.careless(r, done)
	default:
		b.pass(r, done)
	}
}

// early commits what it promises, and says what is expected of it when the decision comes.
func (b *broken) early(r participant.Request, done func(participant.Reply)) {
	name := r.Branch.Name()
	b.mu.Lock()
	applied := b.applied[name]
	b.mu.Unlock()
	switch {
	case r.Verb == participant.VerbPrepare:
		b.pass(r, func(vote participant.Reply) {
			if vote.Err != nil || !vote.Promise.Vote.Promises() {
				done(vote)
				return
			}
			b.mu.Lock()
			b.applied[name] = true
			b.mu.Unlock()
			b.pass(participant.Request{Verb: participant.VerbCommit, Branch: r.Branch}, func(participant.Reply) { done(vote) })
		})
	case applied && r.Verb == participant.VerbCommit:
		done(participant.Reply{Fate: txc.CommittedNow})
	case applied:
		done(participant.Reply{Fate: txc.AbortedNow})
	default:
		b.pass(r, done)
	}
}

// careless runs reads, or checks, beside the store: it sees what is committed at the moment, and locks nothing. In their
// place the branch looks at keys that nobody else uses.
func (b *broken) careless(r participant.Request, done func(participant.Reply)) {
	ops, err := engine.DecodeWork(r.Work, nil)
	if err != nil {
		done(participant.Reply{Err: err})
		return
	}
	read := map[uint32]engine.Result{}
	for i, op := range ops {
		if !b.skips(ops, i) {
			continue
		}
		value, found, err := b.Get(string(op.Key))
		if err != nil {
			done(participant.Reply{Err: err})
			return
		}
		if b.flaw == unlockedReads && op.Kind == engine.Check && !holds(op, value, found) {
			done(participant.Reply{Promise: participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeRefused, Text: "a check did not hold"}}})
			return
		}
		read[uint32(i)] = engine.Result{Op: uint32(i), Kind: "get", Key: op.Key, Found: found, Value: []byte(value)}
		ops[i] = engine.Op{Kind: op.Kind, Key: fmt.Appendf(nil, "private/%s/%d", r.Branch.Name(), i)}
	}
	if r.Work, err = engine.EncodeWork(ops); err != nil {
		done(participant.Reply{Err: err})
		return
	}
	b.pass(r, func(vote participant.Reply) {
		results, err := engine.DecodeResults(vote.Promise.Results)
		if err != nil {
			vote.Err = err
		}
		for i, was := range results {
			if instead, ok := read[was.Op]; ok {
				results[i] = instead
			}
		}
		vote.Promise.Results = engine.EncodeResults(results)
		done(vote)
	})
}

// skips reports whether the flaw is about this operation. What the branch writes itself it also reads as it should.
func (b *broken) skips(ops []engine.Op, i int) bool {
	op := ops[i]
	if b.flaw == ignoredChecks {
		return op.Kind == engine.Check
	}
	for _, o := range ops {
		if bytes.Equal(o.Key, op.Key) && o.Kind != engine.Get && o.Kind != engine.Check {
			return false
		}
	}
	return op.Kind == engine.Get || op.Kind == engine.Check
}

func holds(op engine.Op, value string, found bool) bool {
	return op.Exists == found && (!op.HasValue || string(op.Value) == value)
}

// Close waits for what is held, and closes the store.
func (b *broken) Close(ctx context.Context) error {
	b.wg.Wait()
	return b.Store.Close(ctx)
}
