package main

import (
	"context"

	"github.com/txc-dev/txc/examples/unsubscribe/pb"
	"github.com/txc-dev/txc/participant/postgres"
)

// contract keeps what customers have subscribed to.
type contract struct {
	pb.UnimplementedContractServer
	billing pb.BillingClient
}

// End ends a customer's contracts, and has the account closed: a further hop in the same transaction, by the same ctx.
func (s contract) End(ctx context.Context, c *pb.Customer) (*pb.Done, error) {
	tx, err := postgres.Tx(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "update contract set ended = now() where customer = $1 and ended is null", c.GetId()); err != nil {
		return nil, err
	}
	return s.billing.Close(ctx, c)
}
