package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// Handler is a business operation that clients ship by its name (a transaction file's `call`). It runs within its branch,
// once, and must do all its writing in tx, which is as Tx says; ctx ends at the branch's deadline, and the handler must
// return soon after. The result, of at most txc.MaxBranchRes bytes, goes back to the client with the outcome.
//
// With an error nothing is done, and the transaction aborts. One that wraps a *txc.Refusal is the business's own No:
// its reason goes to the client as it is.
//
//	return nil, txc.Refuse(txc.ErrAborted, txc.CodeRefused, "the contract has been paid for until May")
//
// An error of the server means what it means for shipped SQL: lock_timeout, conflict, refused by a constraint. Any other
// error, and a panic, is `store`.
type Handler func(ctx context.Context, tx pgx.Tx, body []byte) (result []byte, err error)

// handled is Prepare of a branch that is a call of a handler.
func (s *Store) handled(ctx context.Context, b participant.Branch, w *txcpb.CallWork) (participant.Promise, error) {
	handler, is := s.o.Handlers[w.GetName()]
	if !is || len(w.ProtoReflect().GetUnknown()) > 0 {
		return no(reason(txc.CodeBadWork, "no operation is called %q here", w.GetName())), nil
	}
	c, err := s.work.Acquire(ctx)
	if err != nil { // nothing was begun
		return no(reasonOf(ctx, err)), nil
	}
	o, err := s.beginOn(ctx, b.Name(), c)
	if err != nil {
		defer c.Release()
		return s.undo(c.Conn().PgConn(), reasonOf(ctx, err)), nil
	}
	// Noted once there is a session: who opens next finds and ends it, or has opened before, and then it is not noted.
	switch first, err := s.note(ctx, b); {
	case err != nil:
		defer c.Release()
		return s.undo(o.conn.PgConn(), reasonOf(ctx, err)), nil
	case !first:
		defer c.Release()
		s.undo(o.conn.PgConn(), txc.Reason{})
		return s.repeated(ctx, b)
	}
	result, err := s.handle(withCall(ctx, o), w.GetName(), handler, w.GetBody())
	p := participant.Promise{Vote: txc.Yes}
	if err == nil {
		p.Results, err = sqlwork.Result(result)
	}
	if err != nil {
		s.discard(o)
		return no(sqlwork.HandlerReason(w.GetName(), err, storeReason(ctx, err))), s.endLost(ctx, b.Name())
	}
	defer c.Release()
	return s.vote(ctx, c, b, p)
}

// handle runs a handler on the branch that ctx has.
func (s *Store) handle(ctx context.Context, name string, h Handler, body []byte) ([]byte, error) {
	tx, err := Tx(ctx)
	if err != nil {
		return nil, err
	}
	result, err := sqlwork.Handle(s.o.Logger, s.o.Name, name, func() ([]byte, error) { return h(ctx, tx, body) })
	return result, errors.Join(err, callOf(ctx).leave())
}

// storeReason is what the server, or the branch's time, has to say of a handler's error.
func storeReason(ctx context.Context, err error) txc.Reason {
	if sqlRefusal(err) == nil && ctx.Err() == nil {
		return txc.Reason{}
	}
	return reasonOf(ctx, err)
}
