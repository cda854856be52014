package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
)

// Tx is one transaction. It belongs to one goroutine.
//
//	Run's:    nothing is sent before Commit, which begins, enlists and commits in one request
//	Begin's:  the coordinator has begun it; branches are sent with Commit
type Tx struct {
	caller   *rpc.Caller
	set      settings
	result   Result // ID and Mark of a begun one; after the end all of it
	begun    bool
	ended    bool
	err      error // of the end
	branches []frame.Branch
	journey  *rpc.Journey // of calls that join; nil: none was made
	first    time.Time    // when it was sent for the first time
	until    time.Time    // of a begun one: when it aborts, at the latest
	lost     bool         // a reply was lost: what was sent may still arrive, and is told apart by what later ones say
}

// Work is anything that encodes to txc.v1.Work: KV, or what an adapter's package offers.
type Work interface {
	MarshalWork() ([]byte, error)
}

// Begin begins a transaction that other requests may join in on. Nothing is durable by it; when the client dies, the
// transaction aborts at its timeout.
func (c *Client) Begin(ctx context.Context, options ...TxOption) (*Tx, error) {
	set, err := settle(options)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{caller: c.seatOf(set.begin.Key), set: set}
	if err := tx.begin(ctx); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return tx, nil
}

func (t *Tx) begin(ctx context.Context) error {
	now := time.Now()
	if t.first.IsZero() {
		t.first = now
	}
	t.until = now.Add(t.set.timeout())
	ctx, cancel := context.WithTimeout(ctx, t.set.timeout())
	defer cancel()
	for again := newPauses(); ; {
		reply, err := t.caller.Do(ctx, t.keyed(t.lost))
		if err == nil {
			t.begun, t.result = true, resultOf(reply, t.set.begin.Key)
			if t.result.Outcome.Decided() { // its key was used before
				t.ended, t.err = true, t.result.verdict()
			}
			return nil
		}
		if !errors.Is(err, txc.ErrUnknown) {
			return err
		}
		if !again.wait(ctx) { // a lost reply costs an id, no more
			return fmt.Errorf("%w: no reply, and nothing is durable: %v", txc.ErrUnavailable, err)
		}
	}
}

// Context gives a context whose calls to other services take part in the transaction: over connections with the
// interceptor rpc.JoinCalls, to services that answer with rpc.ServeJoined. It begins the transaction if that was not done
// yet. A call that fails dooms the transaction: Commit then aborts it. Calls to one participant must come one after the
// other, and all must have ended before Commit.
func (t *Tx) Context(ctx context.Context) (context.Context, error) {
	if t.ended {
		return nil, fmt.Errorf("%w: the transaction has ended", txc.ErrInvalid)
	}
	if !t.begun {
		if err := t.begin(ctx); err != nil {
			return nil, fmt.Errorf("begin: %w", err)
		}
		if t.ended {
			return nil, fmt.Errorf("%w: the key was used before, and the transaction has ended", txc.ErrInvalid)
		}
	}
	if t.journey == nil {
		t.journey = &rpc.Journey{
			Cluster: t.caller.Opening().Cluster, ID: t.result.ID, Mark: t.result.Mark, Age: t.result.Age, Until: t.until,
		}
	}
	return t.journey.With(ctx), nil
}

// ID names the transaction; zero before a Run's is committed.
func (t *Tx) ID() txc.ID { return t.result.ID }

// Key is the transaction's own, given or drawn: with it its outcome can be asked for by anybody, even if no reply came.
func (t *Tx) Key() string { return t.set.begin.Key }

// Enlist adds a branch: work for a participant, which runs it when the transaction commits. All operations for one
// participant go into one Enlist. The error wraps txc.ErrInvalid.
func (t *Tx) Enlist(participant string, work Work) error {
	if t.ended {
		return fmt.Errorf("enlist %s: %w: the transaction has ended", participant, txc.ErrInvalid)
	}
	b, err := work.MarshalWork()
	if err != nil {
		return fmt.Errorf("enlist %s: %w", participant, err)
	}
	with := append(t.branches, frame.Branch{Participant: participant, Work: b})
	if refusal := frame.Check(frame.Run{Branches: with}); refusal != nil {
		return fmt.Errorf("enlist %s: %w", participant, refusal)
	}
	t.branches = with
	return nil
}

// Commit asks for the end, and waits for the outcome: until it is known, ctx ends, or about twice the transaction's
// timeout has passed. err == nil exactly if it has committed. Where replies are lost it asks again; that is safe. A
// second call returns what the first did.
func (t *Tx) Commit(ctx context.Context) (Result, error) {
	if t.ended {
		return t.result, t.err
	}
	ctx, cancel := context.WithTimeout(ctx, t.set.patience())
	defer cancel()
	if t.first.IsZero() {
		t.first = time.Now()
	}
	if err := t.join(); err != nil {
		err = errors.Join(err, t.Rollback(ctx))
		t.err = fmt.Errorf("commit: %w", err)
		return t.result, t.err
	}
	r, err := t.end(ctx)
	if err != nil {
		err = fmt.Errorf("commit: %w", err)
	}
	t.ended, t.result, t.err = true, r, err
	return r, err
}

// join adds the branches that calls have opened.
func (t *Tx) join() error {
	if t.journey == nil {
		return nil
	}
	joined, err := t.journey.Close()
	if err != nil {
		return err
	}
	t.branches = append(t.branches, joined...)
	if refusal := frame.Check(frame.Run{Branches: t.branches}); refusal != nil {
		return refusal
	}
	return nil
}

// end asks until the outcome is known. maybe: a request was sent whose reply was lost, so that "nothing was begun" is no
// answer any more.
func (t *Tx) end(ctx context.Context) (Result, error) {
	last := Result{ID: t.result.ID, Mark: t.result.Mark, Key: t.set.begin.Key}
	maybe := false
	for again, n := newPauses(), 0; ; n++ {
		reply, err := t.caller.Do(ctx, t.request(n > 0))
		switch {
		case err == nil:
			last = resultOf(reply, last.Key)
			if last.Outcome.Decided() || last.Older {
				return last, last.verdict()
			}
			maybe, err = true, last.verdict()
		case errors.Is(err, txc.ErrUnknown):
			maybe, t.lost = true, true
		case !maybe || certain(err):
			return last, err
		}
		if !again.wait(ctx) {
			return last, unknown(&last, err)
		}
	}
}

// certain reports whether a refusal speaks for earlier requests of the same transaction as well: a coordinator looks a key
// up before it refuses what is under it.
func certain(err error) bool {
	return errors.Is(err, txc.ErrInvalid) || errors.Is(err, txc.ErrKeyReused) || errors.Is(err, txc.ErrNotFound)
}

func (t *Tx) request(again bool) frame.RequestBody {
	if t.begun {
		return frame.End{ID: t.result.ID, Mark: t.result.Mark, Decided: t.set.decided, Joined: t.branches}
	}
	return frame.Run{Begin: t.keyed(again || t.lost), Branches: t.branches, Decided: t.set.decided}
}

// keyed is how the transaction begins; what is sent again says so (C11).
func (t *Tx) keyed(again bool) frame.Begin {
	begin := t.set.begin
	if again {
		begin.FirstSentAgo = max(time.Since(t.first), time.Millisecond)
	}
	return begin
}

// Rollback gives the transaction up. After Commit it does nothing and returns nil, so that it can be deferred. An error
// says that the coordinator was not reached: then the transaction aborts at its timeout.
func (t *Tx) Rollback(ctx context.Context) error {
	if t.ended {
		return nil
	}
	t.ended, t.err = true, &txc.Refusal{Of: txc.ErrAborted, Reason: txc.Reason{Code: txc.CodeCancelled, Text: "rolled back by the client"}}
	t.result.Outcome, t.result.Key = txc.Aborted, t.set.begin.Key
	if !t.begun {
		return nil
	}
	// Branches that calls have opened are enlisted first, so that the abort reaches them now and not at their deadline.
	var errs []error
	if t.journey != nil {
		touched, _ := t.journey.Close() // doomed or not, it is aborted
		for _, b := range touched {
			_, err := t.caller.Do(ctx, frame.Enlist{ID: t.result.ID, Mark: t.result.Mark, Branch: b})
			errs = append(errs, err)
		}
	}
	_, err := t.caller.Do(ctx, frame.End{ID: t.result.ID, Mark: t.result.Mark, Abort: true})
	if err = errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("rollback %s: %w", t.result.ID, err)
	}
	return nil
}
