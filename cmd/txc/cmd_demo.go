package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/children"
	"github.com/txc-dev/txc/cmd/internal/console"
)

// demoLimit ends a demonstration that hangs.
const demoLimit = 90 * time.Second

func (p *program) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "watch transactions survive the death of the processes that run them",
		Description: "Starts a coordinator and three participants as processes on free local ports, moves money between them, kills them\n" +
			"at the worst moments, and counts the money at the end. Takes a few seconds; exit code 0 only if nothing is missing.",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "data", EnvVars: []string{"TXC_DEMO_DATA"}, Usage: "keep everything in this new `DIR`, to look at afterwards"}},
		Action: p.do(0, 0, p.demo),
	}
}

func (p *program) demo(c *cli.Context) error {
	dir, kept, err := demoDir(c.String("data"))
	if err != nil {
		return err
	}
	if !kept {
		defer os.RemoveAll(dir)
	}
	ctx, cancel := context.WithTimeout(c.Context, demoLimit)
	defer cancel()
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program to start it again: %w", err)
	}
	d := &demo{p: p, ctx: ctx, Group: children.New(executable, dir), dir: dir, kept: kept, began: p.now()}
	d.out = p.stdout
	if p.asJSON {
		d.out = p.stderr // the story is words here, the audit is the data
	}
	err = d.tell()
	if err != nil {
		d.autopsy()
	}
	d.KillAll()
	if err != nil {
		if cause := context.Cause(c.Context); cause != nil {
			return cause
		}
		return &console.Failure{Exit: console.Error, Code: console.CodeInternal, Text: "the demonstration failed: " + err.Error(), Hint: "run it again with --data DIR to keep its data and logs", Err: err}
	}
	return nil
}

// demoDir makes the directory; without a name a temporary one.
func demoDir(name string) (dir string, kept bool, err error) {
	if name == "" {
		if dir, err = os.MkdirTemp("", "txc-demo-"); err != nil {
			return "", false, fmt.Errorf("make a directory: %w", err)
		}
		return dir, false, nil
	}
	entries, err := os.ReadDir(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(name, 0o700); err != nil {
			return "", false, fmt.Errorf("make a directory: %w", err)
		}
	case err != nil:
		return "", false, console.BadInput("--data: %v", err)
	case len(entries) > 0:
		return "", false, console.BadInput("--data %s is not empty", name).With("name a new directory: the story starts from nothing")
	}
	dir, err = filepath.Abs(name)
	return dir, true, err
}
