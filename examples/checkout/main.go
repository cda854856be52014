// Checkout sells goods: an order in PostgreSQL, the stock in MariaDB, points in Redis, and an event on NATS, all or none of
// it. See README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	args := os.Args[1:]
	if len(args) != 4 {
		fail(2, fmt.Errorf("usage: checkout ORDER CUSTOMER SKU PIECES"))
	}
	pieces, err := strconv.Atoi(args[3])
	if err != nil || pieces < 1 {
		fail(2, fmt.Errorf("%q is no number of pieces", args[3]))
	}
	id, err := checkout(ctx, order{ID: args[0], Customer: args[1], SKU: args[2], Pieces: pieces})
	if err != nil {
		fail(1, err)
	}
	fmt.Println(args[0], "is sold:", id)
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "checkout:", err)
	os.Exit(code)
}

// setting is an environment variable, or what is used without it.
func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
