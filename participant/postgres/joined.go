package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/turns"
)

// open is a branch that the service's own code works on: the session on which its transaction runs.
type open struct {
	store *Store
	gid   string
	held  *pgxpool.Conn
	conn  *pgx.Conn // the same
	*turns.Branch

	mu     sync.Mutex
	status byte // of the transaction, when the session was used last; as the wire has it, 0: the session is lost
}

// Join is participant.Joiner's: the call's context gives the branch's transaction to Tx. Where all sessions that joined
// branches may have are taken, the call is refused at once as busy, rather than wait for clients that may wait for it.
func (s *Store) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	if s.closed.Load() {
		return nil, fmt.Errorf("postgres: %w", txc.ErrClosed)
	}
	o := s.joined.Find(b.Name())
	if o == nil {
		var err error
		if o, err = s.first(ctx, b.Name()); err != nil {
			return nil, err
		}
		s.joined.Add(b.Name(), o)
	}
	return withCall(ctx, o), nil
}

// first opens a branch at its first call. Nothing is noted in the database before it promises.
func (s *Store) first(ctx context.Context, gid string) (*open, error) {
	if err := s.places.Take(); err != nil {
		return nil, err
	}
	c, err := s.work.Acquire(ctx)
	if err == nil {
		var o *open
		if o, err = s.beginOn(ctx, gid, c); err == nil {
			return o, nil
		}
		c.Release()
	}
	s.places.Give()
	return nil, refusal(reasonOf(ctx, err))
}

func refusal(r txc.Reason) error { return &txc.Refusal{Of: txc.ErrAborted, Reason: r} }

// beginOn begins a transaction for code that is not ours.
func (s *Store) beginOn(ctx context.Context, gid string, c *pgxpool.Conn) (*open, error) {
	if _, err := simple(ctx, c.Conn().PgConn(), fresh+s.limits(ctx)); err != nil {
		return nil, err
	}
	return &open{store: s, gid: gid, held: c, conn: c.Conn(), Branch: turns.New(), status: 'T'}, nil
}

// Leave is participant.Joiner's. A call dooms its branch if it failed, left the transaction broken, or left rows or a
// savepoint open, for then nobody knows whether it had come to its end.
func (s *Store) Leave(ctx context.Context, b participant.Branch, failed error) error {
	c := callOf(ctx)
	if c == nil || c.store != s || c.gid != b.Name() { // it could not join
		return nil
	}
	err := errors.Join(c.leave(), sqlRefusal(failed))
	if err != nil || failed != nil {
		c.open.Doom(errors.Join(err, failed))
	}
	return err
}

// sqlRefusal says to the caller of a call what an error of the server means; nil: it is none.
func sqlRefusal(err error) error {
	var p *pgconn.PgError
	var refused *txc.Refusal
	if errors.As(err, &refused) || !errors.As(err, &p) {
		return nil
	}
	return refusal(reason(codeOf(p.Code), "%s (SQLSTATE %s)", p.Message, p.Code))
}

// unfit says why the branch cannot be promised, or continued.
func (o *open) unfit() error {
	if why := o.Doomed(); why != nil {
		return why
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.status == 'E':
		return errors.New("a statement had failed, and that was passed over")
	case o.status == 0:
		return refusal(reason(txc.CodeUnreachable, "its session was lost"))
	case o.status != 'T':
		return errors.New("the service's code has ended the transaction itself: what it wrote may stand")
	default:
		return nil
	}
}

// closing is Prepare of a joined branch: no call runs, and none will.
func (s *Store) closing(ctx context.Context, b participant.Branch) (participant.Promise, error) {
	o := s.joined.Take(b.Name())
	if o == nil {
		return no(reason(txc.CodeAbortOnly, "no call has opened the branch here")), nil
	}
	defer s.places.Give()
	why := o.unfit()
	o.Doom(errors.New("the branch is closed"))
	if why != nil {
		s.discard(o)
		return no(reason(txc.CodeAbortOnly, "%v", why)), nil
	}
	defer o.held.Release()
	first, err := s.note(ctx, b)
	switch {
	case err != nil:
		return s.undo(o.conn.PgConn(), reasonOf(ctx, err)), nil
	case !first:
		s.undo(o.conn.PgConn(), txc.Reason{})
		return s.repeated(ctx, b)
	default:
		return s.vote(ctx, o.held, b, participant.Promise{Vote: txc.Yes})
	}
}

// discard ends a joined branch that will not promise. Where its session cannot be asked to roll back, or somebody still
// uses it, the session is ended, and until it was seen to be gone nothing is said about the branch (P11).
func (s *Store) discard(o *open) {
	o.Doom(errors.New("the branch has ended"))
	pg := o.conn.PgConn()
	if o.Take() { // whoever uses it may do so for ever: it is not waited for
		s.undo(pg, txc.Reason{})
		if !pg.IsClosed() {
			o.held.Release()
			return
		}
	}
	s.lose(o.gid, sessionOf(o.conn))
	s.o.Logger.Debug("a session is given up", "branch", o.gid, "err", pg.Conn().Close())
	o.held.Hijack() // no longer the pool's, and nobody's
}

// abandon ends all joined branches: the store is being closed.
func (s *Store) abandon() error {
	all := s.joined.TakeAll()
	if len(all) == 0 {
		return nil
	}
	for _, o := range all {
		s.discard(o)
		s.places.Give()
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	return s.endAllLost(ctx)
}

// limits are the transaction's own: what the server ends by itself, should we not be there to do it.
func (s *Store) limits(ctx context.Context) string {
	left := finishLimit
	if at, ok := ctx.Deadline(); ok {
		left = max(time.Until(at), time.Millisecond)
	}
	return fmt.Sprintf(`begin; set local lock_timeout = %d; set local statement_timeout = %d; set local idle_in_transaction_session_timeout = %d`,
		min(left, s.o.LockTimeout).Milliseconds(), (left + grace).Milliseconds(), (left + grace).Milliseconds())
}
