package staged

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Settle ends a promised branch by hand (H2). What is settled as committed is recorded first: published first, a crash could
// leave published messages of a branch that is still open to an abort. Then it is published; where that fails it is tried
// again until the broker has it.
func (s *Store) Settle(ctx context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	did, err := s.kv.Settle(ctx, b, by)
	if err != nil || !did || by.Outcome != txc.Committed {
		if did {
			s.taken.forget(b)
		}
		return did, err
	}
	if err := s.handOver(ctx, b); err != nil {
		s.o.Logger.Warn("settled as committed, and not published yet: it will be tried again", "tx", b.ID, "err", err)
		s.poke()
	}
	return true, nil
}

// Reconciled drops the settlement of a branch (H4), once its messages are the broker's.
func (s *Store) Reconciled(ctx context.Context, b participant.Branch) error {
	if settled, err := s.isSettled(ctx, b); err != nil {
		return err
	} else if settled {
		if err := s.handOver(ctx, b); err != nil {
			return fmt.Errorf("reconcile %s: %w", b.ID, err)
		}
	}
	return s.kv.Reconciled(ctx, b)
}

// isSettled tells a settled branch from a promised one, whose messages must not be published yet.
func (s *Store) isSettled(ctx context.Context, b participant.Branch) (bool, error) {
	for d, err := range s.kv.InDoubt(ctx) {
		if err != nil {
			return false, err
		}
		if d.ID == b.ID && d.Mark == b.Mark {
			return d.Settled == txc.CommittedBefore, nil
		}
	}
	return false, nil
}

// handOver publishes what a branch settled as committed still has, and records that.
func (s *Store) handOver(ctx context.Context, b participant.Branch) error {
	s.settling.Lock()
	defer s.settling.Unlock()
	if did, err := s.publish(ctx, b); err != nil || !did {
		return err
	}
	if err := s.kv.Shed(ctx, b); err != nil {
		return err
	}
	s.taken.forget(b)
	return nil
}

func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// handOverSettled publishes what earlier settlements have left, at the start and whenever one has failed.
func (s *Store) handOverSettled(ctx context.Context) {
	pause := againMin
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			timer.Reset(0)
		case <-timer.C:
			err := s.handOverAll(ctx)
			if err == nil {
				pause = againMin
				continue
			}
			if ctx.Err() != nil {
				return
			}
			s.o.Logger.Warn("settled as committed, and not published yet: it will be tried again", "err", err, "in", pause)
			timer.Reset(pause)
			pause = min(2*pause, againMax)
		}
	}
}

func (s *Store) handOverAll(ctx context.Context) error {
	var failed error // one that the broker refuses does not hold up the others
	for d, err := range s.kv.InDoubt(ctx) {
		if err != nil {
			return err
		}
		if d.Settled != txc.CommittedBefore {
			continue
		}
		b := participant.Branch{ID: d.ID, Mark: d.Mark, Cluster: s.o.Cluster, Participant: s.o.Name}
		if err := s.handOver(ctx, b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", d.ID, err))
		}
	}
	return failed
}
