package console

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes: a contract with scripts.
const (
	OK          = 0   // committed and clean, or done
	Error       = 1   // anything that has no code of its own
	Usage       = 2   // bad input
	Aborted     = 3   // certain: no effect anywhere
	Unknown     = 4   // outcome unknown or undecided
	Unavailable = 5   // certain that nothing was begun
	NeverIssued = 6   // no such transaction, no such name
	Findings    = 7   // verify, committed but mixed, a participant could not be asked
	Refused     = 8   // the log or the store: damaged, foreign, shortened, newer
	Stopped     = 9   // stopped itself: a write failed, another owner was seen
	Interrupted = 130 // a second signal
)

// Program is a whole program, for main and for tests.
type Program func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Main runs a program until it ends: the first SIGINT or SIGTERM ends its context, a second one ends the process at once.
// A reader that goes away (SIGPIPE) is no event: writing to it fails, which Failed takes for a quiet end.
func Main(p Program) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { // ends with the process
		cancel(Signalled{<-signals})
		<-signals
		os.Exit(Interrupted)
	}()
	os.Exit(p(ctx, os.Args, os.Stdout, os.Stderr))
}

// Signalled is the cause of a context that a signal ended.
type Signalled struct{ Signal os.Signal }

func (s Signalled) Error() string { return "interrupted (" + s.Signal.String() + ")" }

// Unstarted is what a server's start that failed means: nothing, if it was told to end before it served.
func Unstarted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
