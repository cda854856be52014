package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
)

// Options of a server. Zero values mean the default.
type Options struct {
	Reflection bool   // tell anybody who asks about services and messages
	Software   string // name and version, shown to peers
	Logger     *slog.Logger
	NoStreams  bool     // serve a participant's unary methods alone
	Traffic    *Traffic // counts what streams send; nil: nothing is counted
}

// Traffic counts what streams have sent: frames, and the messages in them. The zero value is ready.
type Traffic struct{ Frames, Messages atomic.Uint64 }

func (t *Traffic) sent(messages int) {
	if t != nil {
		t.Frames.Add(1)
		t.Messages.Add(uint64(messages))
	}
}

// Server serves a coordinator or a participant on one address.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
	o      Options
	quit   chan struct{}
	stop   sync.Once
	wg     sync.WaitGroup // of what streams started
}

// Listen opens addr, which must be of this machine alone unless insecure is set: nothing here is authenticated yet. The
// error wraps txc.ErrInvalid where the address is at fault, and says what to do.
func Listen(addr string, insecure bool) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: listen on %q: %w", txc.ErrInvalid, addr, err)
	}
	if !insecure && !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("%w: listen on %q: other machines could reach it, and nothing is authenticated or encrypted: use 127.0.0.1, or allow it with --insecure", txc.ErrInvalid, addr)
	}
	l, err := net.ListenTCP("tcp", tcp)
	if err != nil {
		return nil, fmt.Errorf("%w: listen on %q: %w: choose another port, or 0 for any free one", txc.ErrInvalid, addr, err)
	}
	return l, nil
}

func newServer(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, quit: make(chan struct{}), health: health.NewServer()}
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(Codec{}),
		grpc.MaxRecvMsgSize(MaxRequest),
		grpc.MaxConcurrentStreams(MaxStreams),
		grpc.MaxHeaderListSize(MaxHeader),
		grpc.ConnectionTimeout(handshake),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: KeepAlive, Timeout: KeepAliveWait}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.ReadBufferSize(bufferSize),
		grpc.WriteBufferSize(bufferSize),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			reply, err := next(ctx, req)
			return reply, toStatus(err)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return toStatus(next(srv, ss))
		}),
	)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	return s
}

// Serve takes connections until Close; nil then. It may be called once.
func (s *Server) Serve(l net.Listener) error {
	if s.o.Reflection {
		reflection.Register(s.grpc)
	}
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// Close ends all streams, takes no more calls, and waits for those that run, until ctx ends: then it cuts them off. Every
// goroutine has ended when it returns. A second call does nothing.
func (s *Server) Close(ctx context.Context) {
	s.stop.Do(func() {
		s.health.Shutdown()
		close(s.quit)
		graceful := make(chan struct{})
		go func() { s.grpc.GracefulStop(); close(graceful) }()
		select {
		case <-graceful:
		case <-ctx.Done():
			s.grpc.Stop()
			<-graceful
		}
		s.wg.Wait()
	})
}

var errClosing = status.Error(codes.Unavailable, "the server is closing")

// session runs a stream's reader and sender beside each other until one ends, what is served is gone, or the server
// closes. Both end with the stream, and the server joins them: a sender may be stuck in a stream that nobody reads until
// its handler has returned.
func (s *Server) session(st grpc.ServerStream, gone <-chan struct{}, read, send func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(st.Context())
	defer cancel()
	ended := make(chan error, 2)
	s.wg.Go(func() { ended <- read(ctx) })
	s.wg.Go(func() { ended <- send(ctx) })
	select {
	case err := <-ended:
		return err
	case <-s.quit:
		return errClosing
	case <-gone:
		return errClosing
	}
}
