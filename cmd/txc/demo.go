package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/txc-dev/txc/cmd/internal/children"
)

// demo tells the story: each step is a file of this package that begins with demo_.
type demo struct {
	p               *program
	ctx             context.Context // of the whole story
	out             io.Writer
	*children.Group // in dir
	dir             string
	kept            bool
	began           time.Time
	step            int
}

// tell tells it all. The money that is counted at the end is what the accounts were opened with.
func (d *demo) tell() error {
	d.say("One coordinator and three participants, each a process of its own with its own disk directory.")
	d.say("A transfer is three writes in three processes: all of them happen, or none does. Let us try to break that.")
	for _, step := range []func() error{
		d.startAll, d.openAccounts, d.transfer, d.overdraft, d.killCoordinator, d.killParticipant, d.audit,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	d.farewell()
	return nil
}

func (d *demo) title(format string, args ...any) {
	d.step++
	d.write(fmt.Sprintf("\n%d. %s\n", d.step, fmt.Sprintf(format, args...)))
}

func (d *demo) say(format string, args ...any) { d.write(fmt.Sprintf(format, args...) + "\n") }

// write shows a part of the story; a reader that has gone away misses it.
func (d *demo) write(text string) { _, _ = io.WriteString(d.out, text) }

// show shows a command and what it said.
func (d *demo) show(command string, output ...string) {
	d.write("   $ txc " + command + "\n")
	for _, text := range output {
		for line := range strings.Lines(text) {
			d.write("   | " + strings.TrimRight(line, "\n") + "\n")
		}
	}
}

// expect runs a command, shows it, and fails unless it ends as the story says.
func (d *demo) expect(exit int, stdin, args string) error {
	stdout, stderr, got := d.call(stdin, strings.Fields(args)...)
	if stdin != "" {
		d.show(args+" <<END", indentBy(stdin, "  "), "  END", stdout, stderr)
	} else {
		d.show(args, stdout, stderr)
	}
	if got != exit {
		return fmt.Errorf("txc %s ended with exit code %d, not %d", args, got, exit)
	}
	return nil
}

func indentBy(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n"
}

func (d *demo) startAll() error {
	d.title("Start them")
	if err := d.startCoordinator(); err != nil {
		return err
	}
	for _, name := range devParticipants {
		if err := d.startParticipant(name); err != nil {
			return err
		}
	}
	if err := d.until("all participants are known to the coordinator", d.allHeard); err != nil {
		return err
	}
	return d.expect(0, "", "participants")
}

func (d *demo) startCoordinator(more ...string) error {
	return d.Start(d.ctx, "coordinator", append([]string{"serve", "--data", filepath.Join(d.dir, "coordinator"), "--min-free", "64MiB", "--ballast", "0B"}, more...)...)
}

func (d *demo) startParticipant(name string, more ...string) error {
	return d.Start(d.ctx, name, append([]string{
		"participant", "--name", name, "--store", "kv:" + filepath.Join(d.dir, name), "--coordinator", d.Address("coordinator"), "--min-free", "64MiB", "--ballast", "0B",
	}, more...)...)
}

// until waits for a condition that other processes bring about.
func (d *demo) until(what string, holds func() bool) error {
	const every = 20 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, context.Cause(d.ctx))
		}
	}
	return nil
}

func (d *demo) allHeard() bool {
	stdout, _, exit := d.call("", "participants", "-o", "json")
	var o participantsObject
	if exit != 0 || json.Unmarshal([]byte(stdout), &o) != nil || len(o.Participants) != len(devParticipants) {
		return false
	}
	for _, x := range o.Participants {
		if x.State != "heard" {
			return false
		}
	}
	return true
}

func (d *demo) farewell() {
	d.write("\nNext, try it yourself:\n")
	d.say("   %-44s a playground: a coordinator and three participants", self()+" dev")
	d.say("   %-44s (in another terminal) how to write a transaction", self()+" run --help")
	d.say("   %-44s every transaction, and what became of it", self()+" list")
	if d.kept {
		d.say("   %-44s the coordinator's decisions, record by record", self()+" log dump --data "+filepath.Join(d.dir, "coordinator"))
	}
	d.say("   docs/tour.md is the way into the source; docs/recovery.md goes through every crash.")
}
