package main

import (
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

func (p *program) enlistCommand() *cli.Command {
	return &cli.Command{
		Name:      "enlist",
		Usage:     "add a participant's operations to a transaction that txc begin has begun",
		ArgsUsage: "ID PARTICIPANT OPS",
		Description: "OPS as in the file of txc run, for example '[{add: {key: alice, by: -30, min: 0}}, {get: {key: alice}}]';\n" +
			"@FILE reads them from a file, - from standard input. The same again is fine; other operations are refused.",
		Action: p.do(3, 3, p.enlist),
	}
}

func (p *program) enlist(c *cli.Context) error {
	id, participant := c.Args().Get(0), c.Args().Get(1)
	if err := checkID(id); err != nil {
		return err
	}
	if err := txc.CheckParticipant(participant); err != nil {
		return &console.Failure{Exit: console.Usage, Code: string(txc.CodeBadName), Text: err.Error(), ID: id, Err: err}
	}
	work, err := p.ops(c.Args().Get(2))
	if err != nil {
		return about(err, id, "")
	}
	s, err := p.connect(c)
	if err != nil {
		return about(err, id, "")
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Coordinator.Enlist(ctx, &txcpb.EnlistRequest{Id: id, Branch: &txcpb.Enlistment{Participant: participant, Work: work}})
	if err != nil {
		f := called(err).About(id, "")
		if f.Exit == console.Unknown && f.Hint == "" {
			f.Hint = "repeat it: the same operations twice are fine"
		}
		return f
	}
	o := txOf(reply)
	if p.asJSON {
		return p.writeJSON(o)
	}
	out := p.sheet()
	out.line("%s: %s takes part", o.ID, participant)
	return out.done()
}

// ops reads OPS: text, @FILE, or - for standard input.
func (p *program) ops(text string) ([]byte, error) {
	name := "OPS"
	if text == "-" || strings.HasPrefix(text, "@") {
		data, err := p.opsFile(strings.TrimPrefix(text, "@"))
		if err != nil {
			return nil, console.BadInput("%v", err).With("write the operations, @FILE, or - for standard input")
		}
		name, text = strings.TrimPrefix(text, "@"), string(data)
	}
	work, err := txfile.Ops(name, text)
	return work, fileFailure(err, name)
}

func (p *program) opsFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(p.stdin, txfile.MaxFile))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, txfile.MaxFile))
}

// checkID refuses what cannot be an id before anybody is asked.
func checkID(id string) error {
	if _, err := txc.ParseID(id); err != nil {
		return console.BadInput("%q is not a transaction id", id).With("ids look like c1.7.1042; txc list shows them")
	}
	return nil
}
