package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run a transaction from a file: all of it happens, or nothing does",
		Description: "The file is YAML or JSON, for example:\n\n" + indent(exampleFile) +
			"\n\nExit code: 0 committed, 3 aborted, 4 outcome unknown (ask later, or run it again under the same key), 5 not begun, 7 committed, but not everywhere.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "`FILE` with the transaction; - for standard input"},
			flagKey("`KEY` that makes repeating safe: it commits at most once; wins over the file's"),
			flagWait(), flagTimeout(""), flagLabel("`NAME=TEXT` to find it by; repeatable, added to the file's"),
		},
		Action: p.do(0, 0, p.runFile),
	}
}

func (p *program) runFile(c *cli.Context) error {
	tx, err := p.readFile(c.String("file"))
	if err != nil {
		return err
	}
	if err := override(c, &tx); err != nil {
		return err
	}
	began := p.now()
	reply, err := p.runTx(c, &tx)
	if err != nil {
		return err
	}
	o := txOf(reply)
	if o.Labels = tx.Labels; o.Labels == nil {
		o.Labels = map[string]string{}
	}
	if !reply.GetReplayed() {
		o.Began = timeOf(began.UnixMilli())
	}
	o.Took = durationOf(p.now().Sub(began))
	return p.ended(o)
}

// runTx runs it until it has an end: what may succeed later is tried again with the same age, a lost answer is asked for
// again under the same key. An error says that it was not begun, or that its outcome is not known.
func (p *program) runTx(c *cli.Context, tx *txfile.Tx) (reply *txcpb.TxReply, err error) {
	address := c.String(flagCoordinator)
	link, err := client.Dial([]string{address}, client.Options{Software: "txc " + software(), DialWait: c.Duration(flagPatience)})
	if err != nil {
		if errors.Is(err, txc.ErrUnavailable) {
			err = nobody(address, err)
		}
		return nil, about(err, "", tx.Key)
	}
	defer func() { err = firstOf(err, link.Close()) }()
	r, err := link.Run(c.Context, func(_ context.Context, t *client.Tx) error {
		for _, b := range tx.Branches {
			if err := t.Enlist(b.Participant, client.Raw(b.Work)); err != nil {
				return err
			}
		}
		return nil
	}, optionsOf(tx)...)
	switch {
	case err == nil, errors.Is(err, txc.ErrMixed), r.Outcome.Decided(), r.Older:
		return replyOf(&r), nil
	case errors.Is(err, txc.ErrUnknown):
		f := console.Failed(err)
		if c.Context.Err() != nil {
			f.Text = "interrupted before the answer came"
		}
		id := ""
		if !r.ID.IsZero() {
			id = r.ID.String()
		}
		f.Exit, f.Hint = console.Unknown, "it may have been done; ask txc show"+showArgs(id, r.Key)+", or run it again under this key: it is done once"
		return nil, f.About(id, r.Key)
	}
	return nil, about(err, "", cmp.Or(r.Key, tx.Key))
}

func optionsOf(tx *txfile.Tx) []client.TxOption {
	var o []client.TxOption
	if tx.Key != "" {
		o = append(o, client.Key(tx.Key))
	}
	if tx.Timeout > 0 {
		o = append(o, client.Timeout(tx.Timeout))
	}
	if tx.Wait != nil && *tx.Wait == txcpb.Wait_DECIDED {
		o = append(o, client.WaitDecided())
	}
	for name, value := range tx.Labels {
		o = append(o, client.Label(name, value))
	}
	return o
}

// readFile reads the transaction; "-" is standard input.
func (p *program) readFile(name string) (txfile.Tx, error) {
	switch name {
	case "":
		return txfile.Tx{}, console.BadInput("no --file").With("name a transaction file, or - for standard input; see txc run --help")
	case "-":
		return parseFile("standard input", p.stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return txfile.Tx{}, console.BadInput("%v", err).With("name a transaction file, or - for standard input")
	}
	defer f.Close()
	return parseFile(name, f)
}

func parseFile(name string, r io.Reader) (txfile.Tx, error) {
	tx, err := txfile.Read(name, r)
	return tx, fileFailure(err, name)
}

// override lets flags win over the file.
func override(c *cli.Context, tx *txfile.Tx) error {
	if c.IsSet("key") {
		if err := txfile.CheckKey(c.String("key")); err != nil {
			return console.BadInput("--key: %v", err)
		}
		tx.Key = c.String("key")
	}
	if c.IsSet("timeout") {
		d, err := timeoutOf(c)
		if err != nil {
			return err
		}
		tx.Timeout = d
	}
	if c.IsSet("wait") {
		w, err := txfile.CheckWait(c.String("wait"))
		if err != nil {
			return console.BadInput("--wait: %v", err)
		}
		tx.Wait = &w
	}
	labels, err := labelsOf(c, tx.Labels)
	tx.Labels = labels
	return err
}

// ended tells an outcome, and gives it to scripts as the exit code.
func (p *program) ended(o txObject) error {
	p.exit = exitOf(o) // first: it holds also if nobody reads the output
	if err := p.writeTx(o); err != nil {
		return err
	}
	switch {
	case o.Outcome == "committed" && o.Heuristic != "none":
		p.words("txc: committed, but not at every participant: see txc show %s, then txc acknowledge %s", o.ID, o.ID)
	case o.Outcome == "committed" && !o.Applied:
		p.words("txc: committed; some participants have not applied it yet: see txc show %s", o.ID)
	case p.exit == console.Unknown:
		p.words("txc: the outcome is %s: ask later with txc show%s", o.Outcome, showArgs(o.ID, o.Key))
	}
	return nil
}

// exitOf is the exit code of an outcome.
func exitOf(o txObject) int {
	switch {
	case o.Outcome == "aborted" && o.Heuristic == "none":
		return console.Aborted
	case o.Outcome != "committed" && o.Outcome != "aborted":
		return console.Unknown
	case o.Heuristic != "none":
		return console.Findings
	}
	return console.OK
}

func flagWait() cli.Flag {
	return &cli.StringFlag{Name: "wait", Usage: "answer when it is `applied` everywhere (the default), or decided"}
}

func flagTimeout(usual string) cli.Flag {
	return &cli.StringFlag{Name: "timeout", Value: usual, Usage: "abort unless it is decided within this `TIME`, such as 3s (default: the coordinator's)"}
}

func timeoutOf(c *cli.Context) (time.Duration, error) {
	d, err := txfile.CheckTimeout(c.String("timeout"))
	if err != nil {
		return 0, &console.Failure{Exit: console.Usage, Code: string(txc.CodeBadTimeout), Text: "--timeout: " + err.Error(), Err: txc.ErrInvalid}
	}
	return d, nil
}

// labelsOf adds the labels of the flags to others.
func labelsOf(c *cli.Context, labels map[string]string) (map[string]string, error) {
	for _, l := range c.StringSlice("label") {
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return nil, console.BadInput("--label %q", l).With("write name=text")
		}
		if err := txfile.CheckLabel(name, value); err != nil {
			return nil, console.BadInput("--label: %v", err)
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	if len(labels) > txc.MaxLabels {
		return nil, console.BadInput("%d labels", len(labels)).With(fmt.Sprintf("at most %d", txc.MaxLabels))
	}
	return labels, nil
}

const exampleFile = `timeout: 3s
key: order-4711
branches:
  - participant: bank-a
    kv: [{add: {key: alice, by: -30, min: 0}}]
  - participant: bank-b
    kv: [{add: {key: bob, by: 30}}, {get: {key: bob}}]`

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// millis is a duration for the wire: never rounded to zero, which would mean the default.
func millis(d time.Duration) uint32 {
	return uint32((d + time.Millisecond - 1) / time.Millisecond)
}
