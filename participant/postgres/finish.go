package postgres

import (
	"context"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Commit is participant.Resource's.
func (s *Store) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.settleFirst(ctx, b.Name())
	}
	if err != nil {
		return 0, fmt.Errorf("commit %s: %w", b.Name(), err)
	}
	_, err = s.finisher(ctx, `commit prepared `+quote(b.Name()))
	switch {
	case err == nil:
		return txc.CommittedNow, nil
	case stateOf(err) == undefinedObject:
		f, err := s.proof(ctx, b, evidence)
		if err != nil {
			return 0, fmt.Errorf("commit %s: %w", b.Name(), err)
		}
		return f, nil
	default:
		return 0, fmt.Errorf("commit %s: %w", b.Name(), err)
	}
}

// Abort is participant.Resource's.
func (s *Store) Abort(ctx context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		if o := s.joined.Take(b.Name()); o != nil {
			s.discard(o)
			s.places.Give()
		}
		err = s.settleFirst(ctx, b.Name())
	}
	if err != nil {
		return 0, fmt.Errorf("abort %s: %w", b.Name(), err)
	}
	_, err = s.finisher(ctx, `rollback prepared `+quote(b.Name()))
	if err == nil {
		return txc.AbortedNow, nil
	}
	if stateOf(err) != undefinedObject {
		return 0, fmt.Errorf("abort %s: %w", b.Name(), err)
	}
	t, err := s.traces(ctx, b)
	switch {
	case err != nil:
		return 0, fmt.Errorf("abort %s: %w", b.Name(), err)
	case t.marker:
		return txc.CommittedBefore, nil
	default:
		return txc.AbortedNow, nil
	}
}

// settleFirst sees to what goes before a decision: a session that may still promise, an operator's deed that was begun.
func (s *Store) settleFirst(ctx context.Context, gid string) error {
	if err := s.endLost(ctx, gid); err != nil {
		return err
	}
	s.mu.Lock()
	begun := s.unsettled[gid]
	s.mu.Unlock()
	if !begun {
		return nil
	}
	return s.finishSettlements(ctx)
}

// traces are what a branch that is not promised may have left.
type traces struct {
	marker, promise, settled bool
}

// traces looks after the branch is known not to be promised: a statement sees all that was done before it began.
func (s *Store) traces(ctx context.Context, b participant.Branch) (t traces, err error) {
	const of = ` where (cluster, participant, coordinator, epoch, sequence, mark) = ($1, $2, $3, $4, $5, $6)`
	err = s.finish.QueryRow(ctx, `select exists (select from txc.branch`+of+`), exists (select from txc.promise`+of+`),
		exists (select from txc.settled where gid = $7)`, b.Cluster, b.Participant,
		int64(b.ID.Coordinator), int64(b.ID.Epoch), int64(b.ID.Sequence), txc.FormatMark(b.Mark), b.Name()).Scan(&t.marker, &t.promise, &t.settled)
	return t, err
}

// proof says what the store can prove of a branch that it no longer holds as promised (P7). Only the marker proves a commit;
// the number of the server's transaction may be another one's in a store that was restored.
func (s *Store) proof(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	t, err := s.traces(ctx, b)
	switch {
	case err != nil:
		return 0, err
	case t.marker:
		return txc.CommittedBefore, nil
	case t.settled: // by hand, and without the marker
		return txc.AbortedBefore, nil
	case len(evidence) > 0:
		return s.status(ctx, evidence)
	case t.promise:
		return txc.Hazard, nil
	default:
		return txc.NeverPrepared, nil
	}
}

// status asks the server for the transaction that had promised.
func (s *Store) status(ctx context.Context, evidence []byte) (txc.Fate, error) {
	var status *string
	err := s.finish.QueryRow(ctx, `select pg_xact_status($1::text::xid8)`, string(evidence)).Scan(&status)
	switch {
	case stateOf(err) == badValue || stateOf(err) == "22P02": // a transaction of the future, or not a number: not of this store
		return txc.Hazard, nil
	case err != nil:
		return 0, err
	case status == nil || *status == "committed": // too old to know; or another transaction's number
		return txc.Hazard, nil
	case *status == "aborted":
		return txc.AbortedBefore, nil
	default: // it is coming to its end
		return 0, fmt.Errorf("its transaction %s is %s", evidence, *status)
	}
}
