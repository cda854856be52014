package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// Library runs transactions with package client: all its users share one connection.
type Library struct {
	Client   *client.Client
	Patience time.Duration // gives up waiting after so long, and does not know; 0: waits as long as the client does
}

// NewLibrary connects to a cluster's coordinator; the connection ends with the test.
func NewLibrary(t testing.TB, cluster *procs.Cluster) Library {
	t.Helper()
	c, err := client.Dial([]string{cluster.Coordinator.Address}, client.Options{Software: "campaign"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return Library{Client: c}
}

// Run runs one transaction.
func (l Library) Run(ctx context.Context, key string, work map[string][]Op) Told {
	if l.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Patience)
		defer cancel()
	}
	options := []client.TxOption{client.Timeout(timeout)}
	if key != "" {
		options = append(options, client.Key(key))
	}
	result, err := l.Client.Run(ctx, func(_ context.Context, tx *client.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(work)) {
			if err := tx.Enlist(name, client.KV(operations(work[name])...)); err != nil {
				return err
			}
		}
		return nil
	}, options...)
	told := Told{}
	if !result.ID.IsZero() {
		told.ID = result.ID.String()
	}
	if err != nil {
		told.Why = "package client: " + err.Error()
	}
	switch {
	case err == nil:
		told.Heard, told.Replayed = Committed, result.Replayed
		told.Reads, err = reads(result, work)
		if err != nil {
			told.Odd = err.Error()
		}
	case errors.Is(err, txc.ErrAborted), errors.Is(err, txc.ErrUnavailable), errors.Is(err, txc.ErrBusy):
		told.Heard = Aborted
	case errors.Is(err, txc.ErrUnknown):
	default:
		told.Odd = told.Why
	}
	return told
}

func operations(ops []Op) []client.Operation {
	all := make([]client.Operation, 0, len(ops))
	for _, op := range ops {
		switch {
		case op.Put != nil:
			all = append(all, client.Put(op.Put.Key, []byte(op.Put.Value)))
		case op.Get != nil:
			all = append(all, client.Get(op.Get.Key))
		case op.Check != nil && op.Check.Value != nil:
			all = append(all, client.CheckValue(op.Check.Key, []byte(*op.Check.Value)))
		case op.Check != nil:
			all = append(all, client.CheckExists(op.Check.Key, op.Check.Exists))
		case op.Add.Min != nil:
			all = append(all, client.Add(op.Add.Key, op.Add.By).AtLeast(*op.Add.Min))
		default:
			all = append(all, client.Add(op.Add.Key, op.Add.By))
		}
	}
	return all
}

// reads are what a committed transaction found; a replayed one has lost it.
func reads(r client.Result, work map[string][]Op) (map[string][]procs.Read, error) {
	all := map[string][]procs.Read{}
	for name := range work {
		found, err := r.Read(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.ID, err)
		}
		for _, f := range found {
			all[name] = append(all[name], procs.Read{Op: int(f.GetOp()), Kind: f.GetKind(), Key: string(f.GetKey()), Found: f.GetFound(), Value: string(f.GetValue())})
		}
	}
	return all, nil
}

// Ask asks what became of a transfer, by its id where that is known, and by its key.
func (l Library) Ask(ctx context.Context, e *Entry) (Heard, error) {
	return askBoth(ctx, l.answer(ctx), e)
}

// answer asks over the client's connection.
func (l Library) answer(ctx context.Context) answer {
	return func(id, key string) (Heard, bool, string) {
		var r client.Result
		var err error
		if key != "" {
			r, err = l.Client.OutcomeOf(ctx, key)
		} else {
			var parsed txc.ID
			if parsed, err = txc.ParseID(id); err == nil {
				r, err = l.Client.Outcome(ctx, parsed)
			}
		}
		if err != nil {
			return Unknown, false, err.Error()
		}
		if !r.ID.IsZero() {
			id = r.ID.String()
		}
		h, ok := meaning(r.Outcome.String(), id, string(r.Reason.Code))
		return h, ok, fmt.Sprintf("%+v", r)
	}
}
