package mysql

import (
	"context"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Commit is participant.Resource's.
func (s *Store) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	f, err := s.commit(ctx, b, evidence)
	if err != nil {
		return 0, fmt.Errorf("commit %s: %w", b.Name(), err)
	}
	return f, nil
}

func (s *Store) commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.settleFirst(ctx, b.Name())
	}
	if err != nil {
		return 0, err
	}
	end, err := s.decide(ctx, b.Name(), `xa commit`)
	if err != nil {
		return 0, err
	}
	if end == done {
		return txc.CommittedNow, nil
	}
	t, err := s.traces(ctx, b)
	switch {
	case err != nil:
		return 0, err
	case t.marker:
		return txc.CommittedBefore, nil
	case t.settled || end == rolledBack: // by hand, and without the marker; or the server says so
		return txc.AbortedBefore, nil
	case len(evidence) > 0: // it had promised; whether it was rolled back, or lost with its commit, nobody can tell
		return txc.Hazard, nil
	default:
		return txc.NeverPrepared, nil
	}
}

// Abort is participant.Resource's.
func (s *Store) Abort(ctx context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	f, err := s.abort(ctx, b)
	if err != nil {
		return 0, fmt.Errorf("abort %s: %w", b.Name(), err)
	}
	return f, nil
}

func (s *Store) abort(ctx context.Context, b participant.Branch) (txc.Fate, error) {
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
		return 0, err
	}
	end, err := s.decide(ctx, b.Name(), `xa rollback`)
	if err != nil {
		return 0, err
	}
	if end == done {
		return txc.AbortedNow, nil
	}
	t, err := s.traces(ctx, b)
	switch {
	case err != nil:
		return 0, err
	case t.marker:
		return txc.CommittedBefore, nil
	default:
		return txc.AbortedNow, nil
	}
}

// settleFirst does what an operator had begun with a branch: it goes before a decision.
func (s *Store) settleFirst(ctx context.Context, gid string) error {
	s.mu.Lock()
	begun := s.unsettled[gid]
	s.mu.Unlock()
	if !begun {
		return nil
	}
	if err := s.endLost(ctx, gid); err != nil {
		return err
	}
	return s.finishSettlements(ctx)
}

// ending says what came of XA COMMIT or XA ROLLBACK. An error means that nobody knows.
type ending uint8

const (
	gone       ending = iota + 1 // the server does not have it: the traces tell what became of it
	done                         // now
	rolledBack                   // the server says that it had rolled it back by itself
)

// decide commits or rolls back what is prepared of a branch, on its own session if this process has it. Nothing of the branch
// comes afterwards.
func (s *Store) decide(ctx context.Context, gid, verb string) (ending, error) {
	x := s.xid(gid)
	kept := s.take(gid)
	if kept != nil && kept.conn != nil {
		_, err := kept.conn.ExecContext(ctx, verb+` `+x.literal())
		if err == nil {
			s.giveBack(kept.conn)
			return done, nil
		}
		s.o.Logger.Debug("a branch is finished by another session than its own", "branch", gid, "error", err)
		s.lose(gid, kept.session)
		s.drop(kept.conn)
	}
	if err := s.endLost(ctx, gid); err != nil {
		return 0, err
	}
	if kept == nil || kept.conn != nil { // it may be another database's, or be finished
		all, err := s.recovered(ctx)
		if err != nil || !all[gid] {
			return gone, err
		}
	}
	_, err := s.finish.ExecContext(ctx, verb+` `+x.literal())
	switch numberOf(err) {
	case errNoXID: // somebody else has finished it, or holds it
		all, looked := s.recovered(ctx)
		if looked == nil && all[gid] {
			looked = fmt.Errorf("a session that this participant does not know has it: %w", err)
		}
		return gone, looked
	case errRolledBack:
		return rolledBack, nil
	}
	return done, err
}

// traces are what a branch that is not promised may have left.
type traces struct{ marker, settled bool }

// traces looks after the branch is known not to be prepared: a statement sees all that was done before it began.
func (s *Store) traces(ctx context.Context, b participant.Branch) (t traces, err error) {
	err = s.finish.QueryRowContext(ctx, `select exists (select 1 from txc_branch where cluster = ? and participant = ? and coordinator = ?
			and epoch = ? and sequence = ? and mark = ?), exists (select 1 from txc_settled where gid = ?)`,
		b.Cluster, b.Participant, b.ID.Coordinator, b.ID.Epoch, b.ID.Sequence, txc.FormatMark(b.Mark), b.Name()).Scan(&t.marker, &t.settled)
	return t, err
}
