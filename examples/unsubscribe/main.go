// Unsubscribe is three services, each with a PostgreSQL database of its own, that let a customer go in one transaction.
//
//	unsubscribe ──▶ profile                 deletes the customer
//	           └──▶ contract ──▶ billing    ends the contracts; closes the account, unless something is owed
//
// Usage: unsubscribe COORDINATOR PROFILE-URL CONTRACT-URL BILLING-URL CUSTOMER
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/examples/unsubscribe/pb"
)

func main() {
	if len(os.Args) != 6 {
		fatal(errors.New("usage: unsubscribe COORDINATOR PROFILE-URL CONTRACT-URL BILLING-URL CUSTOMER"))
	}
	customer, err := strconv.ParseInt(os.Args[5], 10, 64)
	fatal(err)
	result, err := run(context.Background(), os.Args[1], [3]string(os.Args[2:5]), customer)
	fatal(err)
	fmt.Println(result.ID, result.Outcome)
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "unsubscribe:", err)
		os.Exit(1)
	}
}

// run starts the three services in one process, for brevity's sake, and lets a customer go.
func run(ctx context.Context, coordinator string, databases [3]string, customer int64) (result client.Result, failed error) {
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			failed = errors.Join(failed, undo[i]())
		}
	}()
	start := func(name, database string, register func(*grpc.Server)) (*grpc.ClientConn, error) {
		s, err := serve(ctx, coordinator, name, database, register)
		if err != nil {
			return nil, err
		}
		undo = append(undo, func() error { return s.close(ctx) })
		// It registers by itself, sooner or later; this program is in a hurry.
		if _, err := s.directory.Register(ctx, s.agent.Peer()); err != nil {
			return nil, err
		}
		conn, err := dial(s.at)
		if err == nil {
			undo = append(undo, conn.Close)
		}
		return conn, err
	}
	bills, err := start("billing", databases[2], func(s *grpc.Server) { pb.RegisterBillingServer(s, billing{}) })
	if err != nil {
		return result, err
	}
	contracts, err := start("contract", databases[1], func(s *grpc.Server) {
		pb.RegisterContractServer(s, contract{billing: pb.NewBillingClient(bills)})
	})
	if err != nil {
		return result, err
	}
	profiles, err := start("profile", databases[0], func(s *grpc.Server) { pb.RegisterProfileServer(s, profile{}) })
	if err != nil {
		return result, err
	}
	c, err := client.Dial([]string{coordinator}, client.Options{})
	if err != nil {
		return result, err
	}
	undo = append(undo, c.Close)
	return unsubscribe(ctx, c, pb.NewProfileClient(profiles), pb.NewContractClient(contracts), customer)
}
