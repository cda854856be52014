package blackbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/txc-dev/txc/api/txcpb"
)

// echoMethod answers what it was asked: a bare unary call, for comparison.
const echoMethod = "/txc.test.Echo/Call"

// payload is about the size of a small transaction's work.
const payload = 100

// serveEcho serves until it is killed, and says when it is ready as every server here does.
func serveEcho(address string) int {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "txc.test.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: func(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var v txcpb.Value
			err := dec(&v)
			return &v, err
		}}},
	}, nil)
	line, err := json.Marshal(map[string]any{"listening": address, "pid": os.Getpid()})
	if err != nil {
		return 1
	}
	fmt.Println(string(line))
	if err := s.Serve(l); err != nil {
		return 1
	}
	return 0
}

// echoer makes bare calls.
func echoer(address string) (call func(ctx context.Context) error, closed func() error, err error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	call = func(ctx context.Context) error {
		in, out := &txcpb.Value{V: &txcpb.Value_Binary{Binary: make([]byte, payload)}}, &txcpb.Value{}
		return conn.Invoke(ctx, echoMethod, in, out)
	}
	return call, conn.Close, nil
}
