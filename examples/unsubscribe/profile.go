package main

import (
	"context"

	"github.com/txc-dev/txc/examples/unsubscribe/pb"
	"github.com/txc-dev/txc/participant/postgres"
)

// profile keeps who the customers are.
type profile struct {
	pb.UnimplementedProfileServer
}

// Delete forgets a customer.
func (profile) Delete(ctx context.Context, c *pb.Customer) (*pb.Done, error) {
	tx, err := postgres.Tx(ctx)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "delete from profile where customer = $1", c.GetId())
	return &pb.Done{}, err
}
