package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fatal(errors.New("usage: embed DIR"))
	}
	r, err := run(context.Background(), os.Args[1])
	fatal(err)
	fmt.Println(r.ID, r.Outcome, r.Reason)
}

// fatal ends the program where err is not nil. That is safe at any moment: what was promised or decided is on the disk,
// and the next run recovers it.
func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// closed closes what run opened; its error becomes run's.
func closed(ctx context.Context, c interface{ Close(context.Context) error }, err *error) {
	*err = errors.Join(*err, c.Close(ctx))
}
