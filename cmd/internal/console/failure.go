package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/txc-dev/txc"
)

// Failure is an error as people and scripts see it.
type Failure struct {
	Exit    int
	Code    string // of reason.go, or one of those below
	Text    string // what is wrong, in one line
	Hint    string // what to do, in one line; empty where Text says it
	ID, Key string // wherever they are known
	Err     error  // what it wraps, or nil
}

// Codes of failures that never cross the wire.
const (
	CodeUsage       = "usage"
	CodeUnavailable = "unavailable"
	CodeUnknown     = "unknown"
	CodeRefused     = "log_refused"
	CodeStopped     = "stopped"
	CodeFindings    = "findings"
	CodeInternal    = "error"
	CodeInterrupted = "interrupted"
)

// Error is the line that people read.
func (f *Failure) Error() string {
	if f.Hint == "" {
		return f.Text
	}
	return f.Text + ": " + f.Hint
}

// Unwrap gives what it wraps.
func (f *Failure) Unwrap() error { return f.Err }

// Outcome is what the error says about the transaction: unknown, or nothing.
func (f *Failure) Outcome() string {
	if f.Exit == Unknown {
		return "unknown"
	}
	return ""
}

// BadInput is a failure of the caller's own words.
func BadInput(format string, args ...any) *Failure {
	return &Failure{Exit: Usage, Code: CodeUsage, Text: fmt.Sprintf(format, args...)}
}

// Address refuses what can never be reached or listened on: an address without a port.
func Address(flag, address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return BadInput("%s %q is no host:port", flag, address).With("name both, for example 127.0.0.1:7400")
	}
	return nil
}

// With adds what to do.
func (f *Failure) With(hint string) *Failure { f.Hint = hint; return f }

// About adds which transaction it is about.
func (f *Failure) About(id, key string) *Failure { f.ID, f.Key = id, key; return f }

// sentinels in the order of what they say: the first that an error wraps counts.
var sentinels = []struct {
	err  error
	exit int
	code string
}{
	{txc.ErrRefused, Refused, CodeRefused},
	{txc.ErrStopped, Stopped, CodeStopped},
	{txc.ErrUnknown, Unknown, CodeUnknown},
	{txc.ErrMixed, Findings, CodeFindings},
	{txc.ErrAborted, Aborted, string(txc.CodeCancelled)},
	{txc.ErrNotFound, NeverIssued, string(txc.CodeNotFound)},
	{txc.ErrKeyReused, Usage, string(txc.CodeKeyReused)},
	{txc.ErrInvalid, Usage, CodeUsage},
	{txc.ErrBusy, Unavailable, string(txc.CodeBusy)},
	{txc.ErrUnavailable, Unavailable, CodeUnavailable},
	{txc.ErrClosed, Unavailable, CodeUnavailable},
}

// Failed makes a Failure of any error. Of an error without a name nothing is claimed but that it is one.
func Failed(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	var refusal *txc.Refusal
	if errors.As(err, &refusal) && errors.Is(err, refusal.Of) {
		return &Failure{Exit: exitOf(refusal.Reason.Code, sentinelExit(err)), Code: string(refusal.Reason.Code), Text: OneLine(refusal.Error()), Err: err}
	}
	f = &Failure{Exit: Error, Code: CodeInternal, Text: OneLine(err.Error()), Err: err}
	var signalled Signalled
	switch {
	case errors.Is(err, syscall.EADDRINUSE): // tomorrow it may be free: not the caller's words are wrong
		return f
	case errors.As(err, &signalled), errors.Is(err, context.Canceled):
		f.Exit, f.Code = Interrupted, CodeInterrupted
		return f
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			f.Exit, f.Code = s.exit, s.code
			return f
		}
	}
	return f
}

func sentinelExit(err error) int {
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return s.exit
		}
	}
	return Error
}

// exitOf is the exit code of a refused request.
func exitOf(c txc.Code, otherwise int) int {
	switch c {
	case txc.CodeNotFound:
		return NeverIssued
	case txc.CodeUnknownParticipant, txc.CodeWrongState, txc.CodeAlreadyEnlisted, txc.CodeKeyReused, txc.CodeTooManyBranches, txc.CodeTooLarge,
		txc.CodeBadTimeout, txc.CodeBadName, txc.CodeWrongCluster, txc.CodeWrongCoordinator:
		return Usage
	case txc.CodeDiskLow, txc.CodeHistoryFull, txc.CodeDraining, txc.CodeWaiting, txc.CodeQuarantined, txc.CodeBusy:
		return Unavailable
	case txc.CodeOlderThanHistory:
		return Unknown
	}
	return otherwise
}

// OneLine puts text into one line.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Gone reports whether err says that the reader of our output has gone away: a quiet end.
func Gone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) }
