package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
)

// Result is the state of a transaction. An abort is a Result too, beside its error.
type Result struct {
	ID        txc.ID
	Mark      uint64 // of the id's opening; id and mark together name it for ever
	Key       string
	Outcome   txc.Outcome
	Applied   bool // every branch has acknowledged
	Replayed  bool // the first outcome of its key; its results are gone once it has ended
	Presumed  bool // aborted because nothing says otherwise
	Older     bool // of Unknown: older than the history, for good
	Heuristic Heuristic
	Reason    txc.Reason
	Branches  []Branch
	Age       uint64
}

// Branch is the part of a transaction at one participant.
type Branch = frame.BranchTx

// Heuristic says whether a branch stands against the decision, or nobody can tell.
type Heuristic = frame.Heuristic

// The heuristics.
const (
	NoHeuristic = frame.NoHeuristic
	Mixed       = frame.Mixed
	Hazardous   = frame.Hazardous
)

func resultOf(t frame.Tx, key string) Result {
	if t.Key == "" {
		t.Key = key
	}
	return Result(t)
}

// Read gives what the operations at a participant have read, in their order; nil where nothing was.
func (r Result) Read(participant string) ([]*txcpb.Result, error) {
	i := slices.IndexFunc(r.Branches, func(b Branch) bool { return b.Participant == participant })
	if i < 0 || len(r.Branches[i].Results) == 0 {
		return nil, nil
	}
	var all txcpb.Results
	if err := proto.Unmarshal(r.Branches[i].Results, &all); err != nil {
		return nil, fmt.Errorf("%w: read the results of %s: %w", txc.ErrInvalid, participant, err)
	}
	return all.GetItems(), nil
}

// verdict is the error of a result that ends a transaction; nil exactly if it has committed, everywhere or soon.
func (r *Result) verdict() error {
	switch {
	case r.Heuristic != NoHeuristic:
		return &txc.Refusal{Of: txc.ErrMixed, Reason: txc.Reason{Code: r.Reason.Code, Text: fmt.Sprintf("%s is %s, but not everywhere: see txc show %s", r.ID, r.Outcome, r.ID)}}
	case r.Outcome == txc.Committed:
		return nil
	case r.Outcome == txc.Aborted:
		return &txc.Refusal{Of: txc.ErrAborted, Reason: r.Reason}
	default:
		return unknown(r, nil)
	}
}

func unknown(r *Result, why error) error {
	name := "the transaction"
	switch {
	case !r.ID.IsZero():
		name = r.ID.String()
	case r.Key != "":
		name = "the transaction of key " + r.Key
	}
	if why == nil {
		return fmt.Errorf("%w: %s is %s", txc.ErrUnknown, name, r.Outcome)
	}
	if errors.Is(why, txc.ErrUnknown) {
		return fmt.Errorf("%s: %w", name, why)
	}
	// What the last try ended with is told, not wrapped: "unavailable" of that one would speak for all.
	return fmt.Errorf("%w: %s: %v", txc.ErrUnknown, name, why)
}

// Outcome asks what became of an id. The error is nil if that could be answered, also by txc.Undecided or txc.Unknown; it
// wraps txc.ErrNotFound for an id that was never issued.
func (c *Client) Outcome(ctx context.Context, id txc.ID) (Result, error) {
	var last error
	for _, s := range c.seats {
		if o := s.caller.Opening(); len(c.seats) > 1 && o.Coordinator != 0 && o.Coordinator != id.Coordinator {
			continue
		}
		t, err := s.caller.Do(ctx, frame.Outcome{ID: id})
		if err == nil {
			return resultOf(t, ""), nil
		}
		last = err
		if !ofCode(err, txc.CodeWrongCoordinator) {
			break
		}
	}
	if last == nil {
		last = txc.Refuse(txc.ErrInvalid, txc.CodeWrongCoordinator, fmt.Sprintf("no address is that of coordinator %d", id.Coordinator))
	}
	return Result{ID: id}, fmt.Errorf("outcome of %s: %w", id, last)
}

// OutcomeOf asks what became of a key. The error is as Outcome's.
func (c *Client) OutcomeOf(ctx context.Context, key string) (Result, error) {
	t, err := c.seatOf(key).Do(ctx, frame.Outcome{Key: key})
	if err != nil {
		return Result{Key: key}, fmt.Errorf("outcome of key %q: %w", key, err)
	}
	return resultOf(t, key), nil
}

func ofCode(err error, code txc.Code) bool {
	var refusal *txc.Refusal
	return errors.As(err, &refusal) && refusal.Reason.Code == code
}
