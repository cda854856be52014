package main

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc/examples/unsubscribe/pb"
	"github.com/txc-dev/txc/participant/postgres"
)

// billing keeps accounts.
type billing struct {
	pb.UnimplementedBillingServer
}

// Close closes a customer's account, if nothing is owed. Its error aborts the transaction everywhere.
func (billing) Close(ctx context.Context, c *pb.Customer) (*pb.Done, error) {
	tx, err := postgres.Tx(ctx)
	if err != nil {
		return nil, err
	}
	var owes int64
	if err := tx.QueryRow(ctx, "select owes from account where customer = $1 for update", c.GetId()).Scan(&owes); err != nil {
		return nil, err
	}
	if owes > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "customer %d owes %d", c.GetId(), owes)
	}
	_, err = tx.Exec(ctx, "update account set closed = true where customer = $1", c.GetId())
	return &pb.Done{}, err
}
