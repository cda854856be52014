package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
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
	switch first, err := s.note(ctx, b); {
	case err != nil:
		return no(reasonOf(ctx, err)), nil
	case !first:
		return s.repeated(ctx, b)
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
	result, err := s.handle(withCall(ctx, o), w.GetName(), handler, w.GetBody())
	p := participant.Promise{Vote: txc.Yes}
	if err == nil {
		p.Results, err = resultOf(result)
	}
	if err != nil {
		s.discard(o)
		return no(handlerReason(ctx, w.GetName(), err)), s.endLost(ctx, b.Name())
	}
	defer c.Release()
	return s.vote(ctx, c, b, p)
}

// handle runs a handler, and holds what it panics with.
func (s *Store) handle(ctx context.Context, name string, h Handler, body []byte) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Logger.Error("a handler has panicked", "participant", s.o.Name, "handler", name, "err", p, "stack", string(debug.Stack()))
			result, err = nil, fmt.Errorf("it panicked: %v", p)
		}
		err = errors.Join(err, callOf(ctx).leave())
	}()
	tx, err := Tx(ctx)
	if err != nil {
		return nil, err
	}
	return h(ctx, tx, body)
}

func resultOf(value []byte) ([]byte, error) {
	b, err := proto.Marshal(&txcpb.Results{Items: []*txcpb.Result{{Kind: "result", Found: value != nil, Value: value}}})
	if err == nil && len(b) > txc.MaxBranchRes {
		err = txc.Refuse(txc.ErrAborted, txc.CodeBadWork, fmt.Sprintf("its result is more than %d bytes", txc.MaxBranchRes))
	}
	return b, err
}

// handlerReason says to the client why a handler's branch is a No.
func handlerReason(ctx context.Context, name string, err error) txc.Reason {
	var refused *txc.Refusal
	switch {
	case errors.As(err, &refused) && refused.Reason.Code.Abort():
		return refused.Reason
	case sqlRefusal(err) != nil || ctx.Err() != nil:
		return reasonOf(ctx, err)
	default:
		return reason(txc.CodeStore, "operation %s: %v", name, err)
	}
}
