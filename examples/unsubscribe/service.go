package main

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
)

// service is one of the three: its own gRPC API, and the participant beside it that answers coordinators.
type service struct {
	api       *grpc.Server
	at        string // host:port of its API
	agent     *participant.Agent
	directory *rpc.Directory
	beside    *rpc.Server
	served    chan error // two: how serving ended
}

// serve makes a service of a name, a database and an API, which register adds to the server.
func serve(ctx context.Context, coordinator, name, database string, register func(*grpc.Server)) (s *service, err error) {
	s = &service{served: make(chan error, 2)}
	store, err := postgres.Open(ctx, database, postgres.Options{Cluster: "txc", Name: name})
	if err != nil {
		return nil, err
	}
	if s.directory, err = rpc.DialDirectory(coordinator, "txc"); err != nil {
		return nil, errors.Join(err, store.Close(ctx))
	}
	api, beside, err := listen()
	if err != nil {
		return nil, errors.Join(err, store.Close(ctx), s.directory.Close())
	}
	s.agent, err = participant.Open(ctx, store, []participant.Coordinator{s.directory},
		participant.Options{Name: name, Advertise: beside.Addr().String()})
	if err != nil {
		return nil, errors.Join(err, api.Close(), beside.Close(), s.directory.Close())
	}
	s.beside = rpc.NewParticipantServer(s.agent, "txc", rpc.Options{})
	s.api = grpc.NewServer(grpc.ChainUnaryInterceptor(rpc.ServeJoined(s.agent, "txc"))) // this is all that joins it
	s.at = api.Addr().String()
	register(s.api)
	go func() { s.served <- s.beside.Serve(beside) }() // close joins both
	go func() { s.served <- s.api.Serve(api) }()
	return s, nil
}

func listen() (api, beside net.Listener, err error) {
	if api, err = rpc.Listen("127.0.0.1:0", false); err != nil {
		return nil, nil, err
	}
	if beside, err = rpc.Listen("127.0.0.1:0", false); err != nil {
		return nil, nil, errors.Join(err, api.Close())
	}
	return api, beside, nil
}

// close ends the service. What it has promised stays in the database.
func (s *service) close(ctx context.Context) error {
	s.api.GracefulStop()
	s.beside.Close(ctx)
	return errors.Join(<-s.served, <-s.served, s.agent.Close(ctx), s.directory.Close())
}
