package rpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
)

// domain marks an ErrorInfo as ours.
const domain = "txc"

// kinds maps the sentinels to gRPC's codes, and back: the first of a code is what the code means by itself.
var kinds = []struct {
	of   error
	code codes.Code
}{
	{txc.ErrKeyReused, codes.AlreadyExists},
	{txc.ErrNotFound, codes.NotFound},
	{txc.ErrBusy, codes.ResourceExhausted},
	{txc.ErrUnavailable, codes.Unavailable},
	{txc.ErrUnknown, codes.Unknown},
	{txc.ErrAborted, codes.Aborted},
	{txc.ErrMixed, codes.DataLoss},
	{txc.ErrClosed, codes.Unavailable},
	{txc.ErrStopped, codes.Unavailable},
	{txc.ErrRefused, codes.Internal},
	{frame.ErrDisagree, codes.FailedPrecondition},
	{txc.ErrInvalid, codes.InvalidArgument},
}

// RefusalOf gives the status and the reason that an error goes over the wire with (P8: of a request, never of a vote or
// a fate). An error that wraps no sentinel is unknown.
func RefusalOf(err error) (codes.Code, txc.Reason) {
	code := codes.Unknown
	for _, k := range kinds {
		if errors.Is(err, k.of) {
			code = k.code
			break
		}
	}
	var refusal *txc.Refusal
	if errors.As(err, &refusal) {
		return code, refusal.Reason
	}
	return code, txc.Reason{Text: err.Error()}
}

// ErrorOf makes the error again: it wraps the sentinel that it had, and is a *txc.Refusal.
func ErrorOf(code codes.Code, r txc.Reason) error {
	of := txc.ErrUnknown
	for _, k := range kinds {
		if k.code == code {
			of = k.of
			break
		}
	}
	return &txc.Refusal{Reason: r, Of: of}
}

// toStatus makes the error that a unary method ends with: reason.code as ErrorInfo.reason, the text as its message.
func toStatus(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	code, r := RefusalOf(err)
	st := status.New(code, r.Text)
	if r.Code != "" {
		meta := map[string]string{}
		if r.Participant != "" {
			meta["participant"] = r.Participant
		}
		if r.Retryable {
			meta["retryable"] = "true"
		}
		with, err := st.WithDetails(&errdetails.ErrorInfo{Reason: string(r.Code), Domain: domain, Metadata: meta})
		if err == nil {
			st = with
		}
	}
	return st.Err()
}

// FromStatus makes of a call's error what the server meant: a *txc.Refusal, if the server said so. Everything else is
// trouble on the way: it wraps txc.ErrUnknown, for whether the request arrived nobody knows (P8), and the error itself.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	st := status.Convert(err)
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			code := txc.Code(info.GetReason())
			return ErrorOf(st.Code(), txc.Reason{Code: code, Text: st.Message(), Participant: info.GetMetadata()["participant"],
				Retryable: info.GetMetadata()["retryable"] == "true" && code.Known()})
		}
	}
	switch st.Code() {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented: // said before anything was done
		return fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	default:
		return fmt.Errorf("%w: %w", txc.ErrUnknown, err)
	}
}
