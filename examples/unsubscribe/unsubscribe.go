package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/examples/unsubscribe/pb"
)

// unsubscribe lets a customer go: in all three services, or in none.
func unsubscribe(ctx context.Context, c *client.Client, profiles pb.ProfileClient, contracts pb.ContractClient, customer int64) (client.Result, error) {
	return c.Run(ctx, func(ctx context.Context, tx *client.Tx) error {
		ctx, err := tx.Context(ctx) // calls that are made with it take part
		if err != nil {
			return err
		}
		if _, err := profiles.Delete(ctx, &pb.Customer{Id: customer}); err != nil {
			return err
		}
		_, err = contracts.End(ctx, &pb.Customer{Id: customer})
		return err
	})
}

// dial makes a connection whose calls can take part in transactions.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(rpc.JoinCalls()), grpc.WithStreamInterceptor(rpc.JoinStreams()))
}
