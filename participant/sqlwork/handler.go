package sqlwork

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Handle runs a handler, and holds what it panics with.
func Handle(log *slog.Logger, participant, name string, handler func() ([]byte, error)) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("a handler has panicked", "participant", participant, "handler", name, "err", p, "stack", string(debug.Stack()))
			result, err = nil, fmt.Errorf("it panicked: %v", p)
		}
	}()
	return handler()
}

// Result is a handler's result as a promise has it. The error: it is too long.
func Result(value []byte) ([]byte, error) {
	b, err := proto.Marshal(&txcpb.Results{Items: []*txcpb.Result{{Kind: "result", Found: value != nil, Value: value}}})
	if err == nil && len(b) > txc.MaxBranchRes {
		err = txc.Refuse(txc.ErrAborted, txc.CodeBadWork, fmt.Sprintf("its result is more than %d bytes", txc.MaxBranchRes))
	}
	return b, err
}

// HandlerReason says to the client why a handler's branch is a No: for the business's own reason, for what the database has
// said of it (store; zero: nothing), or for anything else that went wrong.
func HandlerReason(name string, err error, store txc.Reason) txc.Reason {
	var refused *txc.Refusal
	switch {
	case errors.As(err, &refused) && refused.Reason.Code.Abort():
		return refused.Reason
	case !store.IsZero():
		return store
	default:
		return reason(txc.CodeStore, "operation %s: %v", name, err)
	}
}
