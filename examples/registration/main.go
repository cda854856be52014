// Registration makes users in PostgreSQL, and welcomes each of them by way of RabbitMQ: see README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "register":
		err = register(ctx, args[1], args[2])
	case len(args) == 1 && args[0] == "welcome":
		err = welcome(ctx)
	default:
		err = fmt.Errorf("usage: registration register EMAIL NAME, or registration welcome")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "registration:", err)
		os.Exit(1)
	}
}

// setting is an environment variable, or what is used without it.
func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
