package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/counters"
)

// The echo service is gRPC without a product: what it can do on this machine is the floor that ratios refer to. Call
// answers one message of about 100 bytes; Stream answers frames, each holding many such messages, all that wait.
const (
	echoService = "txc.bench.Echo"
	echoCall    = "/" + echoService + "/Call"
	echoStream  = "/" + echoService + "/Stream"
)

// ServeEcho serves it until ctx ends, and says on stdout when it is ready.
func ServeEcho(ctx context.Context, address string, measured counters.Options, stdout io.Writer) error {
	listener, err := rpc.Listen(address, false)
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(rpc.Codec{}))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: echoService, HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: echoOne}},
		Streams: []grpc.StreamDesc{{StreamName: "Stream", Handler: echoMany, ServerStreams: true, ClientStreams: true}},
	}, nil)
	stop, err := counters.Start(measured, stdout, func(*counters.Counters) {})
	if err != nil {
		return err
	}
	if err := (console.Ready{Listening: listener.Addr().String(), Cluster: "none"}).Write(stdout); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	select {
	case <-ctx.Done():
		s.Stop()
		err = <-served
	case err = <-served:
	}
	return errors.Join(err, stop())
}

func echoOne(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var v txcpb.Value
	err := decode(&v)
	return &v, err
}

// echoMany takes frames apart and puts them together again, as whoever works with the messages must.
func echoMany(_ any, stream grpc.ServerStream) error {
	var out []byte
	for {
		var in rpc.Frame
		if err := stream.RecvMsg(&in); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		out = out[:0]
		if _, err := messages(in.Bytes, func(m []byte) { out = appendMessage(out, m) }); err != nil {
			return err
		}
		if err := stream.SendMsg(&rpc.Frame{Bytes: out}); err != nil {
			return err
		}
	}
}

// A frame of the echo is a protobuf message with one repeated field of bytes.
const echoField = 1

func appendMessage(b, m []byte) []byte {
	b = protowire.AppendTag(b, echoField, protowire.BytesType)
	return protowire.AppendBytes(b, m)
}

// messages visits a frame's messages, and counts them.
func messages(b []byte, visit func([]byte)) (n int, err error) {
	for len(b) > 0 {
		_, _, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return n, fmt.Errorf("read echo: %w", protowire.ParseError(tag))
		}
		m, size := protowire.ConsumeBytes(b[tag:])
		if size < 0 {
			return n, fmt.Errorf("read echo: %w", protowire.ParseError(size))
		}
		visit(m)
		n++
		b = b[tag+size:]
	}
	return n, nil
}
