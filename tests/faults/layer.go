package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// result is one run of one layer.
type result struct {
	suite.Outcome
	Seed  uint64 `json:"seed"`
	Log   string `json:"log"`
	Again string `json:"again"`           // the command that does the same once more
	Wrong string `json:"wrong,omitempty"` // why it does not count as passed
}

func (r result) line() string {
	text := "ok"
	if r.Wrong != "" {
		text = "FAILED: " + r.Wrong + "\n        log:   " + r.Log + "\n        again: " + r.Again
	}
	return fmt.Sprintf("%s in %s %s", figures(r.Figures), r.Took.Round(time.Second), text)
}

// tester runs a command that tests a package, with the reports going to dir and the output to a file.
type tester func(ctx context.Context, dir, log string, command []string) error

// goTest is the tester outside of tests.
func goTest(ctx context.Context, dir, log string, command []string) error {
	out, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("make the layer's log: %w", err)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), suite.ReportsVariable+"="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // tests clean up what they mounted and made
	cmd.WaitDelay = 30 * time.Second
	return errors.Join(cmd.Run(), out.Close())
}

// layer runs one layer and judges it.
func (c *campaign) layer(ctx context.Context, l layer, dir string, seed uint64) result {
	limit := l.limit
	if c.size == suite.All {
		limit = allLimit
	}
	command := append([]string{"go", "test", "-v", "-count=1", "-timeout", limit.String(), l.pkg}, l.args(c.size, seed)...)
	r := result{Seed: seed, Log: filepath.Join(dir, l.name+".log"), Again: strings.Join(command, " ")}
	if l.calm {
		command = append([]string{"nice", "-n", "19"}, command...)
	}
	r.Layer = l.name
	began := time.Now()
	err := c.test(ctx, dir, r.Log, command)
	report, readErr := l.report(dir, r.Log)
	if readErr == nil {
		r.Outcome = report
	}
	r.Took = time.Since(began)
	switch {
	case err != nil:
		r.Wrong = "its tests failed: " + err.Error()
	case readErr != nil:
		r.Wrong = readErr.Error()
	case r.Failed:
		r.Wrong = "it says so"
	case len(r.Skipped) > 0:
		r.Wrong = fmt.Sprintf("it left out %q", r.Skipped)
	}
	r.Failed = r.Wrong != ""
	return r
}

// report is what the layer handed in, or what its output says.
func (l layer) report(dir, log string) (suite.Outcome, error) {
	if l.read != nil {
		output, err := os.ReadFile(log)
		if err != nil {
			return suite.Outcome{}, fmt.Errorf("read the log: %w", err)
		}
		sums, err := l.figures(output)
		return suite.Outcome{Layer: l.name, Figures: sums}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, l.name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return suite.Outcome{}, errors.New("it handed in no report: it was skipped, or died")
	}
	if err != nil {
		return suite.Outcome{}, fmt.Errorf("read the report: %w", err)
	}
	var o suite.Outcome
	if err := json.Unmarshal(text, &o); err != nil {
		return o, fmt.Errorf("read the report: %w", err)
	}
	return o, nil
}

// roundDir makes an empty directory for a round's logs and reports; its path is absolute, since tests run elsewhere.
func roundDir(out string, round int) (string, error) {
	dir, err := filepath.Abs(filepath.Join(out, strconv.Itoa(round+1)))
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("make a place for the reports: %w", err)
	}
	return dir, nil
}
