package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

func (p *program) logCommand() *cli.Command {
	data := func() []cli.Flag {
		return []cli.Flag{&cli.StringFlag{Name: "data", EnvVars: []string{"TXC_DATA"}, Usage: "`DIR` of the log"}}
	}
	return &cli.Command{
		Name:  "log",
		Usage: "look at a coordinator's log, with the coordinator stopped",
		Subcommands: []*cli.Command{
			{
				Name: "verify", Flags: data(),
				Usage:       "read all of it, and tell whether it is whole; changes nothing",
				Description: "Exit code 0: it is; 8: it is damaged, shortened or foreign, and the words say where and what to do.",
				Action:      p.do(0, 0, p.logVerify),
			},
			{
				Name: "dump", Flags: data(),
				Usage:       "write every record, oldest first; -o json: an object a line",
				Description: "Of a damaged log: every record before the damage, then exit code 8.",
				Action:      p.do(0, 0, p.logDump),
			},
		},
		Action: p.do(0, -1, func(*cli.Context) error {
			return console.BadInput("what of the log?").With("use txc log verify or txc log dump")
		}),
	}
}

// logDir is the directory of a log that is looked at.
func logDir(c *cli.Context) (string, error) {
	dir := c.String("data")
	if dir == "" {
		return "", console.BadInput("no --data").With("name the directory of the log")
	}
	return dir, nil
}

// offline makes an error of a log that was looked at: a directory that holds none is bad input.
func offline(err error) error {
	f := console.Failed(err)
	if f.Exit == console.NeverIssued {
		f.Exit, f.Code = console.Usage, console.CodeUsage
	}
	return f
}

type verifiedObject struct {
	Cluster      string `json:"cluster"`
	Number       uint32 `json:"number"`
	Epoch        uint32 `json:"epoch"`
	Openings     int    `json:"openings"`
	First        uint64 `json:"first"`
	Last         uint64 `json:"last"`
	Records      int    `json:"records"`
	Transactions int    `json:"transactions"`
	Keys         int    `json:"keys"`
	Unfinished   int    `json:"unfinished"`
	Floor        string `json:"floor"` // "" if nothing was ever dropped
	Clean        bool   `json:"clean"`
	Whole        bool   `json:"whole"`
}

func (p *program) logVerify(c *cli.Context) error {
	dir, err := logDir(c)
	if err != nil {
		return err
	}
	r, err := badgerwal.Verify(dir)
	if err != nil {
		return offline(err)
	}
	o := verifiedObject{
		Cluster: r.Cluster, Number: r.Number, Epoch: r.Epoch, Openings: r.Openings, First: r.First, Last: r.Last, Records: r.Records,
		Transactions: r.Transactions, Keys: r.Keys, Unfinished: r.Unfinished, Floor: idText(r.Floor), Clean: r.Clean, Whole: r.Whole,
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	s.line("the log is in order: coordinator %d of cluster %s, %d records (%d to %d), %d transactions committed, %d of them unfinished, epoch %d",
		o.Number, o.Cluster, o.Records, o.First, o.Last, o.Transactions, o.Unfinished, o.Epoch)
	if !o.Whole {
		s.line("  its history begins after %s: what was before has been forgotten on purpose", o.Floor)
	}
	if !o.Clean {
		s.line("  it was not closed: its coordinator was killed, or lost power")
	}
	return s.done()
}

func idText(id txc.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func (p *program) logDump(c *cli.Context) error {
	dir, err := logDir(c)
	if err != nil {
		return err
	}
	s := p.sheet()
	err = badgerwal.Dump(dir, func(r wal.Record) error {
		if p.asJSON {
			return p.writeJSON(recordOf(r))
		}
		s.line("%8d  %s  %-12s  %s", r.LSN, r.When.UTC().Format(timeForm), r.Kind, harmless(recordWords(r)))
		return s.done()
	})
	if err != nil {
		return offline(err)
	}
	return nil
}

type acceptedObject struct {
	First uint64        `json:"first"`
	Last  uint64        `json:"last"` // the last record that was kept; 0: none
	Lost  []rangeObject `json:"lost"`
	Copy  string        `json:"copy"` // directory with the files that were replaced
}

type rangeObject struct {
	Epoch uint32 `json:"epoch"`
	Mark  string `json:"mark"`
	From  uint64 `json:"from"`
	To    uint64 `json:"to"` // 0: to the end of that opening, wherever that was
}

// acceptLossOffline accepts the loss of a log that was refused.
func (p *program) acceptLossOffline(dir, who, why string) error {
	loss, err := badgerwal.AcceptLoss(dir, who, why)
	if err != nil {
		return offline(err)
	}
	o := acceptedObject{First: loss.First, Last: loss.Last, Lost: rangesOf(loss.Lost), Copy: loss.Copy}
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	s.line("accepted: records up to %d are kept, what came after is disowned for ever; the old files are in %s", o.Last, o.Copy)
	p.words("txc: start the coordinator; then see txc list --state in-doubt")
	return s.done()
}

func rangesOf(lost []wal.Range) []rangeObject {
	all := []rangeObject{}
	for _, r := range lost {
		to := r.To
		if to == math.MaxUint64 { // more than a reader's numbers hold
			to = 0
		}
		all = append(all, rangeObject{r.Epoch, txc.FormatMark(r.Mark), r.From, to})
	}
	return all
}

func rangeWords(lost []wal.Range) string {
	s := ""
	for _, r := range lost {
		s += fmt.Sprintf(" epoch %d records %d to %s", r.Epoch, r.From, upTo(r.To))
	}
	return s
}

func upTo(lsn uint64) string {
	if lsn == 0 || lsn == math.MaxUint64 {
		return "its end"
	}
	return strconv.FormatUint(lsn, 10)
}

// recordObject is one record of the log. Which fields are there depends on its kind.
type recordObject struct {
	LSN  uint64         `json:"lsn"`
	Kind string         `json:"kind"`
	At   string         `json:"at"`
	ID   string         `json:"id,omitempty"`
	Body map[string]any `json:"body"`
}

func recordOf(r wal.Record) recordObject {
	return recordObject{LSN: r.LSN, Kind: r.Kind.String(), At: r.When.UTC().Format(timeForm), ID: idText(r.ID), Body: bodyOf(r.Body)}
}

// since is a duration of the log in Go's text.
func since(d time.Duration) string { return d.Round(time.Microsecond).String() }
