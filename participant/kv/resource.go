package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// Submit is participant.Batcher's: requests that come together, or while a batch is being written, share one sync.
func (s *Store) Submit(reqs []participant.Request, done func(i int, r participant.Reply)) {
	full := s.inbox.length() >= MaxQueue
	asks := make([]engine.Ask, len(reqs))
	entries := make([]entry, 0, len(reqs))
	for i := range reqs {
		if full && reqs[i].Verb == participant.VerbPrepare && !reqs[i].Joined { // that of a joined one lets go of locks
			done(i, participant.Reply{Promise: busy})
			continue
		}
		if reqs[i].Joined || reqs[i].Verb == participant.VerbAbort {
			if why := s.closing(name(reqs[i].Branch)); why != nil && reqs[i].Joined {
				asks[i].Request = participant.Request{Verb: participant.VerbAbort, Branch: reqs[i].Branch} // its locks go, then it votes
				entries = append(entries, entry{event: &asks[i], call: waiter{alone: func(engine.Answer) { done(i, abortOnly(why)) }}})
				continue
			}
		}
		asks[i].Request = reqs[i]
		entries = append(entries, entry{event: &asks[i], call: waiter{batch: done, i: i}})
	}
	if err := s.inbox.put(entries...); err != nil {
		for _, e := range entries {
			e.refuse(fmt.Errorf("key-value store: %w", err))
		}
	}
}

// abortOnly is the vote of a doomed branch. It is certain, whatever the engine answers: nothing of the branch was written.
func abortOnly(why error) participant.Reply {
	return participant.Reply{Promise: participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeAbortOnly, Text: why.Error()}}}
}

var busy = participant.Promise{Vote: txc.No, Reason: txc.Reason{
	Code: txc.CodeBusy, Text: "too many requests wait for the key-value store", Retryable: true,
}}

// Prepare executes the work and promises. When ctx ends before the promise's write was issued, the vote is No; after
// that only the write counts (P3).
func (s *Store) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	if err := ctx.Err(); err != nil {
		code := txc.CodeCancelled
		if errors.Is(err, context.DeadlineExceeded) {
			code = txc.CodeDeadline
		}
		return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: code, Text: "the caller's time was over", Retryable: code.Retryable()}}, nil
	}
	r := participant.Request{Verb: participant.VerbPrepare, Branch: b, Work: work, Joined: joined}
	if at, ok := ctx.Deadline(); ok {
		r.Deadline = at
	}
	reply := make(chan participant.Reply, 1)
	s.Submit([]participant.Request{r}, func(_ int, r participant.Reply) { reply <- r })
	select {
	case r := <-reply:
		return r.Promise, r.Err
	case <-ctx.Done():
	}
	if err := s.inbox.put(entry{event: &engine.Cancel{Name: name(b)}}); err != nil {
		return participant.Promise{}, fmt.Errorf("cancel %s: %w", b.ID, err)
	}
	got := <-reply
	return got.Promise, got.Err
}

// Commit applies a promised branch; the answer comes when that is durable.
func (s *Store) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	return s.end(ctx, participant.Request{Verb: participant.VerbCommit, Branch: b, Evidence: evidence})
}

// Abort rolls a branch back; the answer comes when that is durable.
func (s *Store) Abort(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	return s.end(ctx, participant.Request{Verb: participant.VerbAbort, Branch: b, Evidence: evidence})
}

func (s *Store) end(ctx context.Context, r participant.Request) (txc.Fate, error) {
	if r.Verb == participant.VerbAbort {
		_ = s.closing(name(r.Branch)) // why it was doomed does not matter any more
	}
	a, err := s.ask(ctx, &engine.Ask{Request: r})
	return a.Reply.Fate, err
}

// ask puts an event to the owner and waits for its answer, or for the end of ctx: then its fate is unknown.
func (s *Store) ask(ctx context.Context, e engine.Event) (engine.Answer, error) {
	reply := make(chan engine.Answer, 1)
	if err := s.inbox.put(entry{event: e, call: waiter{alone: func(a engine.Answer) { reply <- a }}}); err != nil {
		return engine.Answer{}, fmt.Errorf("key-value store: %w", err)
	}
	select {
	case a := <-reply:
		return a, a.Reply.Err
	case <-ctx.Done():
		return engine.Answer{}, fmt.Errorf("key-value store: %w", context.Cause(ctx))
	}
}

// look runs f on the core between two steps.
func (s *Store) look(ctx context.Context, f func(c *engine.Core)) error {
	done := make(chan engine.Answer, 1)
	if err := s.inbox.put(entry{look: f, call: waiter{alone: func(a engine.Answer) { done <- a }}}); err != nil {
		return fmt.Errorf("key-value store: %w", err)
	}
	select {
	case a := <-done:
		return a.Reply.Err
	case <-ctx.Done():
		return fmt.Errorf("key-value store: %w", context.Cause(ctx))
	}
}

// InDoubt yields promised and settled branches, by id.
func (s *Store) InDoubt(ctx context.Context) iter.Seq2[participant.InDoubt, error] {
	return listed(func() (all []participant.InDoubt, err error) {
		found := make(chan []participant.InDoubt, 1)
		if err = s.look(ctx, func(c *engine.Core) { found <- c.InDoubt() }); err == nil {
			all = <-found
		}
		return all, err
	})
}

// Committed yields the branches at or above from that provably committed, by id.
func (s *Store) Committed(ctx context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	return listed(func() (all []participant.Proof, err error) {
		found := make(chan []participant.Proof, 1)
		if err = s.look(ctx, func(c *engine.Core) { found <- c.Committed(from) }); err == nil {
			all = <-found
		}
		return all, err
	})
}

// listed yields what get finds when the iteration begins.
func listed[T any](get func() ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		all, err := get()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, x := range all {
			if !yield(x, nil) {
				return
			}
		}
	}
}

// Forget drops proofs below the watermark. Their rows go with later batches.
func (s *Store) Forget(_ context.Context, below txc.ID, but []txc.ID) error {
	if err := s.inbox.put(entry{event: &engine.Forget{Below: below, But: but}}); err != nil {
		return fmt.Errorf("key-value store: forget: %w", err)
	}
	return nil
}

// Recall reads the notebook.
func (s *Store) Recall(ctx context.Context) (participant.Memory, error) {
	found := make(chan participant.Memory, 1)
	if err := s.look(ctx, func(c *engine.Core) { found <- c.Memory() }); err != nil {
		return participant.Memory{}, err
	}
	return <-found, nil
}

// Remember writes the witnesses; all that was begun before is durable, too, when it returns.
func (s *Store) Remember(ctx context.Context, m participant.Memory) error {
	_, err := s.ask(ctx, &engine.Remember{Seen: m.Seen})
	return err
}

// Settle ends a promised branch by hand (H2).
func (s *Store) Settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	if err := s.mine(b); err != nil {
		return false, err
	}
	a, err := s.ask(ctx, &engine.Settle{Name: name(b), Settlement: by})
	return a.Done, err
}

// Reconciled drops a settlement (H4).
func (s *Store) Reconciled(ctx context.Context, b participant.Branch) error {
	if err := s.mine(b); err != nil {
		return err
	}
	_, err := s.ask(ctx, &engine.Reconcile{Name: name(b)})
	return err
}

func (s *Store) mine(b participant.Branch) error {
	if b.Cluster != s.o.Cluster || b.Participant != s.o.Name {
		return fmt.Errorf("%w: branch %s is not of participant %s in cluster %s", txc.ErrInvalid, b.Name(), s.o.Name, s.o.Cluster)
	}
	return nil
}

func name(b participant.Branch) engine.Name { return engine.Name{ID: b.ID, Mark: b.Mark} }

// Check tells how the store is.
func (s *Store) Check(ctx context.Context) (participant.Report, error) {
	type state struct {
		engine.Stats
		participant.Memory
	}
	found := make(chan state, 1)
	if err := s.look(ctx, func(c *engine.Core) { found <- state{c.Stats(), c.Memory()} }); err != nil {
		return participant.Report{}, err
	}
	is := <-found
	r := participant.Report{
		Kind: "kv", Version: badgerdb.Version, Instance: is.Instance, Capabilities: []string{"shipped", "joined", "held", "stamp", "witness", "settle"},
		InDoubt: uint64(is.InDoubt), Locks: uint64(is.Stats.Locks), Slots: engine.MaxPromised, Free: uint64(engine.MaxPromised - is.Branches),
	}
	if is.InDoubt > 0 {
		r.Oldest = time.Since(is.Oldest.Since)
	}
	disk := s.db.Disk()
	r.FileSystem, r.Sync, r.Findings = disk.FileSystem, disk.Sync, disk.Findings()
	if free, low := s.db.Room(); low {
		r.Findings = append(r.Findings, participant.Finding{
			Name: "disk_low", Severity: "warn",
			Text: fmt.Sprintf("%d MiB of disk are free: nothing is promised until there is more", free>>20),
		})
	}
	return r, nil
}

// Get reads a committed value without a lock: for people and audits. What it sees is outside every guarantee of
// isolation (S1).
func (s *Store) Get(key string) (value string, found bool, err error) {
	v, found, err := s.db.Get(engine.DataKey([]byte(key)))
	return string(v), found, err
}
