package rpc

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// JoinCalls is for connections to services that take part in transactions: a unary call that is made with a
// transaction's context bears it along, and what its trailer says is kept. Other calls pass untouched.
//
// Automatic retries must not cover such calls, for a call that ran twice would count once: the service refuses one.
func JoinCalls() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		j := journeyOf(ctx)
		if j == nil {
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		pairs, err := j.begin()
		if err != nil {
			return toStatus(err)
		}
		var trailer metadata.MD
		err = invoke(metadata.AppendToOutgoingContext(ctx, pairs...), method, req, reply, cc, append(opts, grpc.Trailer(&trailer))...)
		j.end(trailer, err)
		return err
	}
}

// JoinStreams refuses streaming calls that are made with a transaction's context: their end is not the end of their work.
func JoinStreams() grpc.StreamClientInterceptor {
	return func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		if journeyOf(ctx) != nil {
			return nil, toStatus(txc.Refuse(txc.ErrInvalid, txc.CodeAbortOnly, "a streaming call cannot take part in a transaction"))
		}
		return next(ctx, d, cc, method, opts...)
	}
}

// ServeJoined is for a service whose own code works on branches of an agent's store: a unary call that bears a
// transaction opens its branch or joins it, and the handler's context carries the store's own handle. The same context
// takes calls further, over connections with JoinCalls. Calls that bear none pass untouched.
func ServeJoined(a *participant.Agent, cluster string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		j, err := journeyFrom(md)
		if err != nil {
			return nil, errors.Join(doomCall(ctx, txc.CodeAbortOnly), toStatus(err))
		}
		if j == nil {
			return next(ctx, req)
		}
		reply, err := joined(ctx, a, cluster, j, md, func(ctx context.Context) (any, error) { return next(ctx, req) })
		return reply, toStatus(err)
	}
}

func joined(ctx context.Context, a *participant.Agent, cluster string, j *Journey, md metadata.MD, next func(context.Context) (any, error)) (any, error) {
	switch {
	case len(md.Get(headerAttempts)) > 0:
		return nil, errors.Join(doomCall(ctx, txc.CodeAbortOnly), txc.Refuse(txc.ErrInvalid, txc.CodeAbortOnly, "a call of a transaction was retried automatically: take its method out of the retry policy"))
	case j.Cluster != "" && j.Cluster != cluster:
		return nil, errors.Join(doomCall(ctx, txc.CodeWrongCluster), txc.Refuse(txc.ErrInvalid, txc.CodeWrongCluster, "this service is of cluster "+cluster))
	}
	mine := j.branches[a.Name()]
	work, leave, err := a.Join(ctx, participant.Work{ID: j.ID, Mark: j.Mark, Age: j.Age, TimeLeft: timeLeft(j), Enlistment: mine})
	if err != nil {
		return nil, errors.Join(doomCall(ctx, codeOf(err)), err)
	}
	reply, failed := next(j.With(work))
	branches, callees := j.Close()
	after, err := leave(errors.Join(failed, callees))
	if failed != nil { // the store may know what the error means
		return nil, errors.Join(doomCall(ctx, codeOf(errors.Join(failed, err))), failed)
	}
	if err = errors.Join(callees, err); err != nil {
		return nil, errors.Join(doomCall(ctx, codeOf(err)), err)
	}
	trailer := metadata.Pairs(headerBranch, formatBranch(a.Name(), after))
	for _, b := range branches {
		if b.Participant != a.Name() {
			trailer.Append(headerBranch, formatBranch(b.Participant, protocol.Enlistment{Incarnation: b.Incarnation, Calls: b.Calls}))
		}
	}
	return reply, grpc.SetTrailer(ctx, trailer)
}

func doomCall(ctx context.Context, code txc.Code) error {
	return grpc.SetTrailer(ctx, metadata.Pairs(headerDoomed, string(code)))
}

func codeOf(err error) txc.Code {
	var refusal *txc.Refusal
	if errors.As(err, &refusal) && refusal.Reason.Code != "" {
		return refusal.Reason.Code
	}
	return txc.CodeAbortOnly
}
