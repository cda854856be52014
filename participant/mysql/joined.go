package mysql

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/turns"
)

// open is a branch that the service's own code works on.
type open struct {
	store *Store
	b     *branch
	*turns.Branch
	session *session // b's, which b forgets once it is lost: what is left of a call may still have it check a value

	io     chan struct{} // one place: who has it has the driver work on the session
	rows   bool          // some are open: the session can do nothing else; io's
	points atomic.Uint64 // savepoints made, by whichever connection of whichever call: a name that comes again moves the first one
}

// Join is participant.Joiner's: the call's context gives the branch's session to Conn. Where all sessions that joined
// branches may have are taken, the call is refused at once as busy, rather than wait for clients that may wait for it.
func (s *Store) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	if s.closed.Load() {
		return nil, fmt.Errorf("mysql: %w", txc.ErrClosed)
	}
	o := s.joined.Find(b.Name())
	if o == nil {
		var err error
		if o, err = s.first(ctx, b); err != nil {
			return nil, err
		}
		s.joined.Add(b.Name(), o)
	}
	return withCall(ctx, o), nil
}

// first opens a branch at its first call. Nothing of it outlives its session before it promises.
func (s *Store) first(ctx context.Context, of participant.Branch) (*open, error) {
	if err := s.places.Take(); err != nil {
		return nil, err
	}
	o, err := s.beginOpen(ctx, of)
	if err != nil {
		s.places.Give()
	}
	return o, err
}

// beginOpen begins a branch for code that is not ours.
func (s *Store) beginOpen(ctx context.Context, of participant.Branch) (*open, error) {
	b, why, err := s.session(ctx, of)
	if b == nil {
		return nil, errors.Join(refusal(why), err)
	}
	b.reads = true // until its session has written
	last, err := s.begin(ctx, b)
	switch {
	case err != nil:
		s.undo(b, txc.Reason{})
		return nil, refusal(reasonOf(ctx, err))
	case !last:
		s.undo(b, txc.Reason{})
		return nil, s.superseded()
	default:
		return newOpen(s, b), nil
	}
}

func newOpen(s *Store, b *branch) *open {
	return &open{store: s, b: b, session: b.session, Branch: turns.New(), io: make(chan struct{}, 1)}
}

// refusal is what a call hears for a reason; nil: for none.
func refusal(r txc.Reason) error {
	if r.IsZero() {
		return nil
	}
	return &txc.Refusal{Of: txc.ErrAborted, Reason: r}
}

// Leave is participant.Joiner's. A call dooms its branch if it failed, or left rows or a savepoint open, for then nobody
// knows whether it had come to its end.
func (s *Store) Leave(ctx context.Context, b participant.Branch, failed error) error {
	c := callOf(ctx)
	if c == nil || c.store != s || c.b.name() != b.Name() { // it could not join
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
	var e *driver.MySQLError
	var refused *txc.Refusal
	if errors.As(err, &refused) || !errors.As(err, &e) {
		return nil
	}
	return refusal(reasonOf(context.Background(), err))
}

// noticed dooms the branch after an error that may have cost more than its statement: the server may have rolled all of it
// back, or its session may be lost. Any other error undoes its own statement, and the service's code may pass it over.
func (o *open) noticed(err error) {
	switch code := codeOf(err); {
	case err == nil, errors.Is(err, txc.ErrInvalid):
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // the driver gives the session up
		o.Doom(refusal(reason(txc.CodeDeadline, "a statement was cut off: %v", err)))
	case code == txc.CodeConflict, code == txc.CodeDeadline, code == txc.CodeLockTimeout, code == txc.CodeUnreachable:
		o.Doom(refusal(reasonOf(context.Background(), err)))
	}
}

// closing is Prepare of a joined branch: no call runs, and none will.
func (s *Store) closing(ctx context.Context, of participant.Branch) (participant.Promise, error) {
	o := s.joined.Take(of.Name())
	if o == nil {
		return no(reason(txc.CodeAbortOnly, "no call has opened the branch here")), nil
	}
	defer s.places.Give()
	why := o.Doomed()
	o.Doom(errors.New("the branch is closed"))
	if why != nil {
		s.discard(o)
		return no(reason(txc.CodeAbortOnly, "%v", why)), nil
	}
	o.io <- struct{}{} // for good; no call runs
	o.b.Branch = of
	return s.vote(ctx, o.b, nil)
}

// discard ends a joined branch that will not promise. Until its session was seen to be rid of it, or gone, nothing is said
// about the branch (P11).
func (s *Store) discard(o *open) {
	o.Doom(errors.New("the branch has ended")) // it ends what the driver waits for
	late := time.NewTimer(connectLimit)
	defer late.Stop()
	select {
	case o.io <- struct{}{}: // for good
		s.undo(o.b, txc.Reason{})
		if o.b.session == nil {
			s.lose(o.b.name(), o.session)
		}
	case <-late.C: // the server has to end it
		s.lose(o.b.name(), o.session)
		go func() {
			o.io <- struct{}{}
			s.drop(o.b.conn)
		}()
	}
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
