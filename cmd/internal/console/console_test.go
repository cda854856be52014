package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func TestEveryErrorHasItsExitCode(t *testing.T) {
	rows := []struct {
		name string
		err  error
		exit int
		code string
	}{
		{"a log that is refused", fmt.Errorf("open: %w", txc.ErrRefused), 8, "log_refused"},
		{"a write that failed", fmt.Errorf("%w: disk", txc.ErrStopped), 9, "stopped"},
		{"refused counts before invalid", errors.Join(txc.ErrInvalid, txc.ErrRefused), 8, "log_refused"},
		{"unknown counts before unavailable", errors.Join(txc.ErrUnavailable, txc.ErrUnknown), 4, "unknown"},
		{"an id never issued", txc.ErrNotFound, 6, "not_found"},
		{"a directory in use", txc.ErrBusy, 5, "busy"},
		{"bad input", txc.ErrInvalid, 2, "usage"},
		{"a port in use is not the caller's mistake", fmt.Errorf("%w: %w", txc.ErrInvalid, syscall.EADDRINUSE), 1, "error"},
		{"an interruption", context.Canceled, 130, "interrupted"},
		{"a signal", console.Signalled{Signal: os.Interrupt}, 130, "interrupted"},
		{"an error without a name claims nothing", errors.New("what"), 1, "error"},
		{"a refusal has its own code", fmt.Errorf("run: %w", txc.Refuse(txc.ErrUnavailable, txc.CodeWaiting, "a loss was shown")), 5, "waiting"},
		{"an abort's code keeps its sentinel's exit", txc.Refuse(txc.ErrAborted, txc.CodeConflict, "older"), 3, "conflict"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if f := console.Failed(row.err); f.Exit != row.exit || f.Code != row.code || !errors.Is(f, row.err) {
				t.Errorf("%d %s", f.Exit, f.Code)
			}
		})
	}
}

// Every code of a refused request has an exit code that is not "an error": a code that is added must be thought of.
func TestEveryRequestCodeHasItsExitCode(t *testing.T) {
	for _, c := range txc.Codes() {
		f := console.Failed(txc.Refuse(errors.New("no sentinel"), c, "why"))
		if !c.Abort() && f.Exit == console.Error {
			t.Errorf("%s: exit code %d", c, f.Exit)
		}
	}
}

func TestReportIsOneLineOrOneObject(t *testing.T) {
	err := (&console.Failure{Exit: 4, Code: "unknown", Text: "no\nanswer", Hint: "ask"}).About("c1.1.1", "k")
	var stdout, stderr bytes.Buffer
	if code := console.Report(err, "txc", false, &stdout, &stderr); code != 4 || stdout.Len() > 0 || stderr.String() != "txc: no answer: ask (id c1.1.1) (key k)\n" {
		t.Errorf("%d %q %q", code, stdout.String(), stderr.String())
	}
	stderr.Reset()
	if console.Report(console.BadInput("a name \x1b[31mred"), "txc", false, &stdout, &stderr); stderr.String() != "txc: a name ·[31mred\n" {
		t.Errorf("a terminal would obey %q", stderr.String())
	}
	stderr.Reset()
	want := `{"error":{"code":"unknown","text":"no\nanswer","hint":"ask"},"id":"c1.1.1","key":"k","outcome":"unknown"}` + "\n"
	if code := console.Report(err, "txc", true, &stdout, &stderr); code != 4 || stderr.Len() > 0 || stdout.String() != want {
		t.Errorf("%d %q %q", code, stdout.String(), stderr.String())
	}
	if code := console.Report(fmt.Errorf("write: %w", syscall.EPIPE), "txc", false, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("a reader that has gone: %d %q", code, stderr.String())
	}
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]uint64{"0B": 0, "17": 17, "512MiB": 512 << 20, "4GiB": 4 << 30, "1KiB": 1024, "8388607TiB": 8388607 << 40} {
		if n, err := console.ParseSize("size", s); err != nil || n != want {
			t.Errorf("%s: %d, %v", s, n, err)
		}
	}
	for _, s := range []string{"", "much", "-1MiB", "1MB", "1.5GiB", "8388608TiB", "99999999999999999999"} {
		if n, err := console.ParseSize("size", s); err == nil || !strings.Contains(err.Error(), "--size") {
			t.Errorf("%q: %d, %v", s, n, err)
		}
	}
}

func TestStartThatWasInterruptedIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	bad := errors.New("bad")
	if console.Unstarted(ctx, bad) == nil {
		t.Error("an error was swallowed")
	}
	cancel()
	if console.Unstarted(ctx, fmt.Errorf("open: %w", ctx.Err())) != nil || console.Unstarted(ctx, bad) == nil {
		t.Error("only the interruption itself is no error")
	}
}
