package rpc

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/txc-dev/txc"
)

// Dial makes a connection to a coordinator or a participant at host:port, with this package's limits. It returns at once
// and connects when something is asked; a lost connection is made again within a second of the peer's being back.
func Dial(addr string) (*grpc.ClientConn, error) { return dial(addr, KeepAlive) }

func dial(addr string, keepAlive time.Duration) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: RetryMin, Multiplier: 1.6, Jitter: retryJitter, MaxDelay: retryMost},
			MinConnectTimeout: connectWait,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepAlive, Timeout: KeepAliveWait, PermitWithoutStream: true}),
		grpc.WithIdleTimeout(0),         // a link that is quiet is not idle
		grpc.WithDisableServiceConfig(), // no one but us decides what is sent twice
		grpc.WithDisableRetry(),
		grpc.WithMaxHeaderListSize(MaxHeader),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(bufferSize),
		grpc.WithWriteBufferSize(bufferSize),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxReply), grpc.MaxCallSendMsgSize(MaxRequest)),
	)
}

// again does something again and again until ctx ends, with pauses that grow while it lasts no longer than they.
func again(ctx context.Context, do func()) {
	pause := RetryMin
	for ctx.Err() == nil {
		began := time.Now()
		do()
		if time.Since(began) > RetryMax {
			pause = RetryMin
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, RetryMax)
	}
}

// ready waits until the connection is up.
func ready(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Shutdown:
			return txc.ErrClosed
		case connectivity.Idle:
			conn.Connect()
		case connectivity.Connecting, connectivity.TransientFailure:
		}
		if !conn.WaitForStateChange(ctx, state) {
			return ctx.Err()
		}
	}
}
