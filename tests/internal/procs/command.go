package procs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandTime bounds one command.
const commandTime = 60 * time.Second

// Result is what a command left behind.
type Result struct {
	Args           []string
	Code           int // exit code; -1: ended by a signal, or out of time
	Stdout, Stderr string
	Took           time.Duration
}

// Run runs a program to its end.
func Run(t testing.TB, binary, stdin string, args ...string) Result {
	t.Helper()
	return RunContext(t.Context(), Binary(t, binary), stdin, args...)
}

// RunContext runs a program to its end, or to that of ctx; the path is one that Binary gave. It is for goroutines,
// which may not fail a test.
func RunContext(ctx context.Context, path, stdin string, args ...string) Result {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	began := time.Now()
	err := StartBound(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	r := Result{Args: args, Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(began)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	case err != nil:
		r.Code, r.Stderr = -1, r.Stderr+err.Error()
	}
	return r
}

// JSON reads stdout, which is one object.
func (r Result) JSON(into any) error {
	return json.Unmarshal([]byte(r.Stdout), into)
}

// Tx is a transaction as -o json shows it; also an error, and what `show` adds.
type Tx struct {
	ID        string            `json:"id"`
	Key       string            `json:"key"`
	Outcome   string            `json:"outcome"`
	Applied   bool              `json:"applied"`
	Heuristic string            `json:"heuristic"`
	State     string            `json:"state"`
	Replayed  bool              `json:"replayed"`
	Presumed  bool              `json:"presumed"`
	Reason    *Reason           `json:"reason"`
	Branches  []Branch          `json:"branches"`
	Results   map[string][]Read `json:"results"`
	Error     *Failure          `json:"error"`
	WaitsFor  []string          `json:"waits_for"`
	Timeline  []map[string]any  `json:"timeline"`
	Labels    map[string]string `json:"labels"`
}

// Reason is why something was refused or aborted.
type Reason struct {
	Code        string `json:"code"`
	Text        string `json:"text"`
	Participant string `json:"participant"`
	Retryable   bool   `json:"retryable"`
}

// Branch is one participant's part.
type Branch struct {
	Participant string  `json:"participant"`
	Vote        string  `json:"vote"`
	State       string  `json:"state"`
	Reason      *Reason `json:"reason"`
}

// Read is what one operation found.
type Read struct {
	Op    int    `json:"op"`
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Found bool   `json:"found"`
	Value string `json:"value"`
}

// Failure is the error of a command.
type Failure struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Hint string `json:"hint"`
}
